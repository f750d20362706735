//! A cluster for tests.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use limpid_cluster::{
    Broker, ClusterSnapshot, ClusterSource, Committed, Group, GroupPartition, GroupState,
    GroupStatus, GroupTopic, Lag, LogDir, Member, Partition, Readiness, ReadinessState, Topic,
    Traffic,
};
use parking_lot::Mutex;

/// Shows what it is given.
pub(crate) struct Source(pub Mutex<Arc<ClusterSnapshot>>);

impl ClusterSource for Source {
    fn name(&self) -> &str {
        "test"
    }
    fn snapshot(&self) -> Arc<ClusterSnapshot> {
        self.0.lock().clone()
    }
    fn readiness(&self) -> Readiness {
        Readiness {
            state: ReadinessState::Ready,
            reasons: Vec::new(),
        }
    }
}

pub(crate) fn source(snapshot: ClusterSnapshot) -> Arc<Source> {
    Arc::new(Source(Mutex::new(Arc::new(snapshot))))
}

pub(crate) fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis()
        .try_into()
        .unwrap()
}

fn broker(id: i32, host: &str, fenced: bool) -> Broker {
    Broker {
        id,
        host: host.to_owned(),
        port: 9092,
        rack: None,
        fenced,
    }
}

pub(crate) fn partition(index: i32, leader: Option<i32>, isr: &[i32]) -> Partition {
    Partition {
        index,
        leader,
        leader_epoch: 4,
        replicas: vec![1, 2],
        isr: isr.to_vec(),
        log_start_offset: 10,
        high_watermark: 25,
        last_stable_offset: 25,
        size_bytes: 4_096,
        segments: 1,
    }
}

pub(crate) fn topic(name: &str, partitions: Vec<Partition>) -> Arc<Topic> {
    let bytes_in = partitions.len() as u64 * 100;
    Arc::new(Topic {
        name: name.to_owned(),
        cleanup_policy: "delete".to_owned(),
        partitions,
        traffic: Traffic {
            bytes_in,
            messages_in: 3,
            ..Traffic::default()
        },
        ..Topic::default()
    })
}

pub(crate) fn group_partition(
    partition: i32,
    committed: Option<i64>,
    lag: Option<(u64, Option<f64>)>,
) -> GroupPartition {
    GroupPartition {
        partition,
        owner: Some("m-1".to_owned()),
        committed: committed.map(|offset| Committed {
            offset,
            ..Committed::default()
        }),
        log_start_offset: Some(10),
        end_offset: Some(25),
        lag: lag.map(|(records, seconds)| Lag {
            records,
            seconds,
            event_seconds: None,
        }),
    }
}

pub(crate) fn group(id: &str, members: usize, partitions: Vec<GroupPartition>) -> Group {
    let member = |i| Member {
        id: format!("m-{i}"),
        ..Member::default()
    };
    Group {
        id: id.to_owned(),
        coordinator: 1,
        state: match members {
            0 => GroupState::Empty,
            _ => GroupState::Stable,
        },
        members: (1..=members).map(member).collect(),
        topics: vec![GroupTopic {
            name: "orders".to_owned(),
            partitions,
        }],
        ..Group::default()
    }
}

/// One that reads (and has a partition without a commit and one that is gone), one that stopped
/// and one that has nothing but members.
fn groups() -> Vec<Arc<Group>> {
    let partitions = vec![
        group_partition(0, Some(20), Some((5, Some(2.5)))),
        group_partition(1, Some(25), Some((0, Some(0.0)))),
        group_partition(2, None, None),
        group_partition(3, Some(7), None),
    ];
    let reading = group("reading", 2, partitions);
    let stopped = vec![group_partition(0, Some(15), Some((10, None)))];
    let stopped = Group {
        coordinator: 2,
        status: GroupStatus::Stopped,
        offsets_expire_at_ms: Some(now_ms() + 86_400_000),
        ..group("stopped\"", 0, stopped)
    };
    let mut new = group("new", 1, Vec::new());
    new.topics.clear();
    vec![Arc::new(new), Arc::new(reading), Arc::new(stopped)]
}

/// Two brokers up and one fenced; a partition led by the preferred broker, one led by the other and
/// short of a replica, one without a leader; a name that needs escaping.
pub(crate) fn cluster() -> ClusterSnapshot {
    ClusterSnapshot {
        taken_at_ms: now_ms(),
        brokers: vec![
            broker(1, "one.example", false),
            broker(2, "2001:db8::2", false),
            broker(3, "three.example", true),
        ],
        topics: vec![
            topic("a\\\"b\n", vec![partition(0, Some(1), &[1, 2])]),
            topic(
                "orders",
                vec![partition(0, Some(2), &[2]), partition(1, None, &[])],
            ),
        ],
        groups: groups(),
        traffic: Traffic {
            bytes_in: 1_000,
            ..Traffic::default()
        },
        log_dirs: vec![LogDir {
            path: "/data".to_owned(),
            total_bytes: 1_000_000,
            free_bytes: 250_000,
            online: true,
            unflushed_bytes: 4_096,
            unflushed_seconds: 0.25,
        }],
        ..ClusterSnapshot::default()
    }
}

/// The lines of a page whose name starts like this.
pub(crate) fn lines<'a>(page: &'a str, start: &str) -> Vec<&'a str> {
    page.lines().filter(|l| l.starts_with(start)).collect()
}
