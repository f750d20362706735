//! A cluster that is made up, as a function of time: for tests, and to look at pages
//! (`cargo run -p limpid-console --features preview --example preview`). It is not shipped.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use limpid_cluster::{
    AdminError, Broker, Browse, BrowsedRecord, By, Client, ClusterSnapshot, ClusterSource,
    Committed, Group, GroupActivity, GroupPartition, GroupState, GroupStatus, GroupTopic, HotKey,
    HotKeys, Lag, Lately, LogDir, Member, Overtaken, Partition, Pending, ProducerBuffer, Pushed,
    Readiness, ReadinessState, Rebalance, RecordBrowser, RecordBrowsers, StageMean, Start, Topic,
    TopicWriters, Traffic, Writer,
};

/// When the made-up cluster began.
pub(crate) const BEGAN_MS: i64 = 1_795_271_585_000;

/// Names that try to break out of their place.
pub(crate) const HOSTILE: [&str; 4] = [
    "<script>alert(1)</script>",
    "../../etc",
    "",
    "\"'&<!--/part-->",
];

/// The cluster; it moves when [`Faked::at`] is told to.
pub(crate) struct Faked {
    pub(crate) now_ms: AtomicI64,
    pub(crate) hostile: bool,
}

impl Faked {
    pub(crate) fn new(hostile: bool) -> Self {
        Self {
            now_ms: AtomicI64::new(BEGAN_MS + 900_000),
            hostile,
        }
    }

    /// The snapshot of a moment.
    pub(crate) fn at(&self, now_ms: i64) -> ClusterSnapshot {
        let t = (now_ms - BEGAN_MS) as f64 / 1000.0;
        let topics = vec![
            topic("__consumer_offsets", 50, 12.0 * t, 90.0, true),
            topic(
                "clickstream",
                12,
                flow(t, 4_200.0, 0.35, 300.0),
                480.0,
                false,
            ),
            topic("mail.outbox", 3, flow(t, 3.0, 0.9, 200.0), 2_048.0, false),
            topic("orders", 6, flow(t, 310.0, 0.2, 420.0), 640.0, false),
            topic("payments", 6, flow(t, 120.0, 0.5, 120.0), 720.0, false),
        ];
        let mut topics: Vec<Topic> = topics;
        let mut groups = groups(now_ms, t);
        if self.hostile {
            topics.extend(
                HOSTILE
                    .iter()
                    .filter(|n| !n.is_empty())
                    .map(|n| topic(n, 1, t, 10.0, false)),
            );
            topics.push(topic(&"x".repeat(249), 1, t, 10.0, false));
            groups.extend(
                HOSTILE
                    .iter()
                    .map(|id| healthy(id, "orders", 1, 1, now_ms, t)),
            );
            groups.push(healthy(&"y".repeat(249), "orders", 1, 1, now_ms, t));
        }
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        groups.sort_by(|a, b| a.id.cmp(&b.id));
        let mut traffic = Traffic::default();
        for topic in &topics {
            traffic.messages_in += topic.traffic.messages_in;
            traffic.bytes_in += topic.traffic.bytes_in;
            traffic.bytes_out += topic.traffic.bytes_out;
        }
        ClusterSnapshot {
            taken_at_ms: now_ms,
            cluster_id: "4L6g3nShT-eMCtK--X86sw".to_owned(),
            controller_id: Some(0),
            node_id: Some(0),
            brokers: vec![Broker {
                id: 0,
                host: "localhost".to_owned(),
                port: 9092,
                rack: None,
                fenced: false,
            }],
            topics: topics.into_iter().map(Arc::new).collect(),
            groups: groups.into_iter().map(Arc::new).collect(),
            log_dirs: vec![LogDir {
                path: "/var/lib/limpid".to_owned(),
                total_bytes: 512 << 30,
                free_bytes: 317 << 30,
                online: true,
                unflushed_bytes: 1 << 20,
                unflushed_seconds: 0.8,
            }],
            traffic,
            connections: 23,
            clients: clients(self.hostile),
            short_buffers: ProducerBuffer::of("orders-writer-1", &pushed("orders-writer-1")),
            start: Some(Arc::new(Start {
                at_ms: BEGAN_MS,
                last_exit: Some("killed"),
                scanned_bytes: 1 << 20,
                cut_bytes: 431,
            })),
            ..ClusterSnapshot::default()
        }
    }
}

fn pushed(client_id: &str) -> Vec<Pushed> {
    let number = |metric: &str, value| Pushed {
        instance: "Xc2G5vIvRTa1fLzE3lLrjg".to_owned(),
        software: "apache-kafka-java 4.3.0".to_owned(),
        host: "10.4.2.1".to_owned(),
        metric: format!("org.apache.kafka.producer.{metric}"),
        about: String::new(),
        value,
    };
    match client_id {
        "orders-writer-1" => vec![
            number("buffer.total.bytes", 33_554_432.0),
            number("buffer.available.bytes", 1_048_576.0),
            number("bufferpool.wait.ratio", 0.02),
        ],
        _ => Vec::new(),
    }
}

impl ClusterSource for Faked {
    fn name(&self) -> &str {
        "local"
    }

    fn snapshot(&self) -> Arc<ClusterSnapshot> {
        Arc::new(self.at(self.now_ms.load(Ordering::Relaxed)))
    }

    fn pushed(&self, client_id: &str) -> Vec<Pushed> {
        pushed(client_id)
    }

    fn readiness(&self) -> Readiness {
        Readiness {
            state: ReadinessState::Ready,
            reasons: Vec::new(),
        }
    }
}

/// The integral of a rate that goes up and down.
fn flow(t: f64, rate: f64, swing: f64, period: f64) -> f64 {
    let turn = std::f64::consts::TAU / period;
    rate * (t + swing / turn * (1.0 - (turn * t).cos()))
}

fn topic(name: &str, partitions: i32, records: f64, record_bytes: f64, internal: bool) -> Topic {
    let each = (records / f64::from(partitions)) as i64;
    let partition = |index| Partition {
        index,
        leader: Some(0),
        leader_epoch: 0,
        replicas: vec![0],
        isr: vec![0],
        log_start_offset: each / 3,
        high_watermark: each + i64::from(index) * 7,
        last_stable_offset: each + i64::from(index) * 7,
        size_bytes: (each as f64 * record_bytes * 0.67) as u64,
        segments: 2,
    };
    Topic {
        name: name.to_owned(),
        id: "XxxAVLUlTvyX0V0tKVf6Vw".to_owned(),
        internal,
        cleanup_policy: "delete".to_owned(),
        partitions: (0..partitions).map(partition).collect(),
        traffic: Traffic {
            messages_in: records as u64,
            bytes_in: (records * record_bytes) as u64,
            bytes_out: (records * record_bytes * 1.8) as u64,
            produce_requests: (records / 30.0) as u64,
            fetch_requests: (records / 40.0) as u64,
            ..Traffic::default()
        },
        writers: (!internal).then(|| Arc::new(writers(name, records, record_bytes))),
    }
}

fn clients(hostile: bool) -> Vec<Client> {
    let client = |id: &str, requests: f64| Client {
        client_id: id.to_owned(),
        principal: "User:shop".to_owned(),
        listener: "PLAINTEXT".to_owned(),
        host: "10.4.2.1".to_owned(),
        connections: 2,
        requests: 71_000,
        requests_per_second: requests,
        bytes_in_per_second: requests * 800.0,
        stages: vec![
            StageMean {
                stage: "queue",
                seconds: 0.000_04,
            },
            StageMean {
                stage: "local_append",
                seconds: 0.000_3,
            },
        ],
        ..Client::default()
    };
    let mut clients = vec![
        client("orders-writer-1", 12.0),
        client("search-indexer-0", 4.0),
    ];
    if hostile {
        clients.extend(HOSTILE.iter().map(|id| client(id, 1.0)));
    }
    clients.sort_by(|a, b| a.client_id.cmp(&b.client_id));
    clients
}

fn writers(name: &str, records: f64, record_bytes: f64) -> TopicWriters {
    let writer = |n: u8, share: f64| Writer {
        client_id: format!("{name}-writer-{n}"),
        principal: "User:shop".to_owned(),
        host: format!("10.4.2.{n}"),
        software: Some("apache-kafka-java 4.3.0".to_owned()),
        share,
        bytes_per_second: 300.0 * record_bytes * share,
        records_per_second: 300.0 * share,
        bytes: (records * record_bytes * share) as u64,
        records: (records * share) as u64,
        batches: (records * share / 30.0) as u64,
        refused: 0,
    };
    let key = |key: &str, share| HotKey {
        hash: format!("{:016x}", key.len()),
        key: key.as_bytes().to_vec(),
        share,
    };
    TopicWriters {
        writers: vec![writer(1, 0.62), writer(2, 0.38)],
        keys: HotKeys {
            sampled: 4_317,
            keyless: 0.02,
            keys: vec![key("customer-0017", 0.31), key(HOSTILE[0], 0.04)],
        },
    }
}

fn member(group: &str, n: usize) -> Member {
    Member {
        id: format!("{group}-{n}-6f1d6e0c-1d39-4a5e-9d55-0f6a6cf1b2{n:02}"),
        instance_id: None,
        client_id: format!("{group}-{n}"),
        host: format!("/10.4.1.{}", 20 + n),
        assignment: Vec::new(),
    }
}

fn group(
    id: &str,
    topic: &str,
    partitions: i32,
    members: usize,
    lag: impl Fn(i32) -> Lag,
    now_ms: i64,
) -> Group {
    let mut all: Vec<Member> = (1..=members).map(|n| member(id, n)).collect();
    let partition = |partition: i32| {
        let owner = (members > 0).then(|| all[partition as usize % members].id.clone());
        let lag = lag(partition);
        let end = (now_ms - BEGAN_MS) * 7 / 100 + i64::from(partition) * 7;
        GroupPartition {
            partition,
            owner,
            committed: Some(Committed {
                offset: (end - lag.records as i64).max(0),
                leader_epoch: 0,
                metadata: String::new(),
                at_ms: now_ms - 1_200,
            }),
            log_start_offset: Some(0),
            end_offset: Some(end),
            lag: Some(lag),
        }
    };
    let partitions: Vec<GroupPartition> = (0..partitions).map(partition).collect();
    for member in &mut all {
        let own = partitions
            .iter()
            .filter(|p| p.owner.as_ref() == Some(&member.id));
        member.assignment = vec![(topic.to_owned(), own.map(|p| p.partition).collect())];
    }
    Group {
        id: id.to_owned(),
        state: if members == 0 {
            GroupState::Empty
        } else {
            GroupState::Stable
        },
        state_since_ms: BEGAN_MS + 60_000,
        protocol_type: "consumer".to_owned(),
        protocol: Some("range".to_owned()),
        generation: 4,
        members: all,
        topics: vec![GroupTopic {
            name: topic.to_owned(),
            partitions,
        }],
        activity: GroupActivity {
            commits: 1_812,
            rebalances: vec![
                ("member_joined".to_owned(), 3),
                ("member_left".to_owned(), 1),
                ("session_timeout".to_owned(), 0),
            ],
            last_rebalance: Some(Rebalance {
                ended_at_ms: BEGAN_MS + 60_000,
                took_ms: 3_012,
                cause: "member_joined".to_owned(),
                members: members as u32,
            }),
        },
        ..Group::default()
    }
}

fn lag(records: f64, seconds: f64) -> Lag {
    Lag {
        records: records.max(0.0) as u64,
        seconds: Some(seconds.max(0.0)),
        event_seconds: Some(seconds.max(0.0) + 0.12),
    }
}

fn healthy(id: &str, topic: &str, partitions: i32, members: usize, now_ms: i64, t: f64) -> Group {
    let wave = (t / 9.0).sin().abs();
    group(
        id,
        topic,
        partitions,
        members,
        |p| lag(wave * 8.0 + f64::from(p), wave * 0.4 + 0.05),
        now_ms,
    )
}

fn groups(now_ms: i64, t: f64) -> Vec<Group> {
    let slow = |p: i32| {
        let hot = if p == 3 { 60.0 } else { 1.0 };
        lag(t * 2.1 * hot, t * 0.31 * hot.min(1.9))
    };
    let mut slow = group("search-indexer", "clickstream", 12, 4, slow, now_ms);
    for p in &mut slow.topics[0].partitions {
        p.end_offset = p
            .committed
            .as_ref()
            .map(|c| c.offset + p.lag.map_or(0, |l| l.records as i64));
    }
    slow.lately = Lately {
        read_per_second: Some(4_070.0),
        written_per_second: Some(4_200.0),
        ..Lately::default()
    };
    let mut stopped = group(
        "fraud-check",
        "payments",
        6,
        0,
        |_| lag((t - 600.0) * 20.0, t - 600.0),
        now_ms,
    );
    stopped.status = GroupStatus::Stopped;
    stopped.state_since_ms = BEGAN_MS + 600_000;
    stopped.lately.overtaken = vec![Overtaken {
        topic: "payments".to_owned(),
        partition: 2,
        seconds: 40_000.0,
        by: "retention.ms",
    }];
    stopped.offsets_expire_at_ms = Some(BEGAN_MS + 604_800_000);
    let mut crashed = group(
        "mail-digest",
        "mail.outbox",
        3,
        1,
        |_| lag(0.0, 0.0),
        now_ms,
    );
    crashed.status = GroupStatus::NeverCommitted;
    for p in &mut crashed.topics[0].partitions {
        p.committed = None;
        p.lag = None;
    }
    let mut restless = healthy("audit-archive", "orders", 6, 2, now_ms, t);
    restless.status = GroupStatus::Rebalancing;
    restless.state = GroupState::PreparingRebalance;
    restless.state_since_ms = now_ms - 2_300;
    restless.activity.rebalances[0].1 = (t / 55.0) as u64;
    vec![
        healthy("billing", "orders", 6, 3, now_ms, t),
        healthy("warehouse", "orders", 6, 2, now_ms, t + 4.0),
        slow,
        stopped,
        crashed,
        restless,
    ]
}

/// Records that are made up, whoever wants to see them.
pub(crate) struct FakedRecords;

impl RecordBrowsers for FakedRecords {
    fn browsing_for(&self, _by: &By) -> Box<dyn RecordBrowser> {
        Box::new(Self)
    }
}

impl RecordBrowser for FakedRecords {
    fn browse<'a>(&'a self, topic: &'a str, what: Browse) -> Pending<'a, Vec<BrowsedRecord>> {
        Box::pin(async move {
            if topic == "gone" {
                return Err(AdminError::NotFound("there is no topic gone".to_owned()));
            }
            let newest = what
                .from_offset
                .map_or(48_210, |from| from + what.records_max as i64);
            let record = |n: i64| {
                let (value, key): (Option<Vec<u8>>, _) = match n % 5 {
                    0 => (Some(format!("{{\"order\":{n},\"total\":\"{}.90\",\"lines\":[{{\"sku\":\"A-{}\",\"n\":2}}],\"note\":\"<b>gift</b>\"}}", n % 80, n % 17).into_bytes()), Some(format!("customer-{}", n % 91).into_bytes())),
                    1 => (Some(vec![0, 0, 0, 0, 7, 0x92, 0xff, 0x10, 0x41]), None),
                    2 => (None, Some(format!("customer-{}", n % 91).into_bytes())),
                    _ => (Some(format!("2026-11-21T14:{:02}:09Z INFO checkout finished in {} ms", n % 60, n % 400).into_bytes()), Some(Vec::new())),
                };
                BrowsedRecord {
                    partition: what.partition.unwrap_or((n % 6) as i32),
                    offset: newest - n,
                    timestamp_ms: BEGAN_MS + 900_000 - n * 740,
                    size_bytes: value.as_ref().map_or(0, Vec::len) as u64 + 12,
                    headers: if n % 4 == 0 {
                        vec![("trace-id".to_owned(), Some(b"4bf92f3577b34da6".to_vec()))]
                    } else {
                        Vec::new()
                    },
                    key,
                    value,
                    cut: n % 5 == 3,
                }
            };
            Ok((1..=what.records_max.min(20) as i64).map(record).collect())
        })
    }
}
