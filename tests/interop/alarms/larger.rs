//! The directory of a larger cluster, of which one node is left: Apache Kafka with two brokers until one is
//! killed, and Limpid from then on. It tells what Kafka's controller would tell alone, raises the alerts
//! of lost replicas, and an administrator with Kafka's tools makes a whole cluster of one of it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka::{produce, read_all};
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::process::{run, wait_for};
use limpid_interop::records::{Partitions, Record, compare};
use limpid_interop::tools::Kafka;
use limpid_interop::wire::delete_topic;
use limpid_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use limpid_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use limpid_protocol::messages::describe_topic_partitions_request::TopicRequest;
use limpid_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use limpid_protocol::messages::{
    AlterPartitionReassignmentsRequest, CreateTopicsRequest, DescribeClusterRequest,
    DescribeTopicPartitionsRequest, IncrementalAlterConfigsRequest, MetadataRequest,
};

use super::watch::Watch;
use crate::differential::side::Side;

const LIMIT: Duration = Duration::from_secs(90);
/// Of whose partitions the broker that is left has all records.
const KEPT: &str = "kept";
/// Which lay on the other broker alone.
const LOST: &str = "lost";
/// That was to get a replica on the broker that is left, which had hardly begun to copy it.
const BEHIND: &str = "behind";
const ALERTS: [&str; 4] = [
    "LimpidUnderReplicated",
    "LimpidAtMinIsr",
    "LimpidFencedBrokers",
    "LimpidOfflinePartitions",
];
/// A kind of what has a configuration.
const BROKER: i8 = 4;

/// Sessions, and the time for which a replica may be behind, are short; so is what one fetch of it brings.
const PROPERTIES: [(&str, &str); 5] = [
    ("broker.session.timeout.ms", "1500"),
    ("broker.heartbeat.interval.ms", "300"),
    ("min.insync.replicas", "1"),
    ("replica.lag.time.max.ms", "2000"),
    ("replica.fetch.max.bytes", "65536"),
];

/// What is left of the cluster, stopped.
pub struct Remains {
    one: Peer,
    written: BTreeMap<String, Partitions>,
    /// What Kafka told of the partitions when the other broker was gone.
    told: Told,
}

/// Leader, replicas, those in sync and those that are offline, by topic and partition.
type Told = BTreeMap<(String, i32), [Vec<i32>; 4]>;

/// Two brokers of Kafka's write topics; one is killed, the other fences it and stops.
pub fn left_by_kafka(lab: &Lab) -> Result<Remains> {
    let folder = lab.folder("larger")?;
    let new = |name: &str| Peer::new(Kind::Kafka, &lab.tools, &folder.join(name), &PROPERTIES);
    let (mut one, mut two) = (new("one")?, new("two")?);
    for (key, value) in [
        ("process.roles", "broker".to_owned()),
        ("node.id", "2".to_owned()),
        (
            "controller.quorum.voters",
            format!("1@127.0.0.1:{}", one.controller_port()),
        ),
        ("listeners", format!("PLAINTEXT://{}", two.address())),
    ] {
        two.set(key, &value);
    }
    for peer in [&mut one, &mut two] {
        peer.format()?;
        peer.start()?;
    }
    let mut side = Side::new("the first", &one);
    wait_for("two brokers", LIMIT, || {
        Ok((brokers(&mut side)? == [1, 2]).then_some(()))
    })?;
    throttle(&mut side)?;
    make_topics(&mut side)?;
    let written = write(&one.address())?;
    let key = |topic: &str, partition| (topic.to_owned(), partition);
    add_a_replica(&mut side)?;
    wait_for("a replica that is behind", LIMIT, || {
        let told = told(&mut side)?;
        let [_, replicas, in_sync, _] = &told[&key(BEHIND, 0)];
        Ok((replicas.contains(&1) && *in_sync == [2]).then_some(()))
    })?;
    two.kill();
    let told = wait_for("the end of the other's session", LIMIT, || {
        let told = told(&mut side)?;
        let over = (0..3).all(|n| told[&key(KEPT, n)][2] == [1]);
        Ok((over && told[&key(LOST, 0)][0] == [-1]).then_some(told))
    })?;
    one.stop()?;
    Ok(Remains { one, written, told })
}

impl Remains {
    /// Starts Limpid on it; its HTTP address.
    pub fn take_over(&mut self, kind: &Kind) -> Result<String> {
        self.one.replace_kind(kind.clone());
        self.one.start()?;
        Ok(self.one.http_address())
    }

    /// See the module; Kafka starts on what has become of it.
    pub fn run(mut self, lab: &Lab, watch: &Watch) -> Result<()> {
        let mut side = Side::new("Limpid", &self.one);
        self.tells_the_truth(&mut side)?;
        for alert in ALERTS {
            watch.fires(alert)?;
        }
        self.made_whole(lab, &mut side, watch)?;
        self.one.stop()?;
        self.one.replace_kind(Kind::Kafka);
        self.one.start()?;
        self.kept_its_records()?;
        self.one.stop()
    }

    fn tells_the_truth(&self, side: &mut Side) -> Result<()> {
        let now = told(side)?;
        ensure!(
            now == self.told,
            "Kafka told\n{:#?}\nLimpid\n{now:#?}",
            self.told
        );
        let topics = [KEPT, LOST, BEHIND].map(|name| TopicRequest {
            name: name.to_owned(),
        });
        let request = DescribeTopicPartitionsRequest {
            topics: topics.into(),
            ..DescribeTopicPartitionsRequest::default()
        };
        for topic in side.must(&request, 0)?.topics {
            let name = topic.name.unwrap_or_default();
            for p in topic.partitions {
                let here = [
                    vec![p.leader_id],
                    p.replica_nodes,
                    p.isr_nodes,
                    p.offline_replicas,
                ];
                let of = format!("{name}-{}", p.partition_index);
                let metadata = &now[&(name.clone(), p.partition_index)];
                ensure!(here == *metadata, "{of}: {here:?} and {metadata:?}");
            }
        }
        ensure!(brokers(side)? == [1], "a broker that is gone is told of");
        self.kept_its_records()
    }

    fn kept_its_records(&self) -> Result<()> {
        let received = read_all(&self.one.address(), &self.written)?;
        for (topic, written) in &self.written {
            compare(topic, written, &received[topic])?;
        }
        Ok(())
    }

    /// What nobody has is deleted or led by who has most of it, replicas that are gone are given up, and
    /// so is their broker: each alert ends with its cause.
    fn made_whole(&self, lab: &Lab, side: &mut Side, watch: &Watch) -> Result<()> {
        let address = self.one.address();
        let tool = |class: &str, args: &[&str]| -> Result<String> {
            let mut java = lab.tools.java(Kafka::V4_3)?;
            java.arg(format!("org.apache.kafka.tools.{class}"));
            let finished = run(java.args(args), b"", LIMIT)?.success();
            Ok(finished
                .with_context(|| format!("{class} {args:?}"))?
                .text())
        };
        let server = ["--bootstrap-server", &address];
        let text = tool(
            "reassign.ReassignPartitionsCommand",
            &[&server[..], &["--list"]].concat(),
        )?;
        ensure!(
            text.contains("behind-0: replicas: 2,1. adding: 1."),
            "{text}"
        );
        delete_topic(&address, LOST)?;
        let which = [
            "--election-type",
            "unclean",
            "--topic",
            BEHIND,
            "--partition",
            "0",
        ];
        let text = tool("LeaderElectionCommand", &[&server[..], &which].concat())?;
        ensure!(
            text.contains("Successfully completed leader election"),
            "{text}"
        );
        watch.ends(&["LimpidOfflinePartitions"])?;
        ensure!(
            watch.is_firing("LimpidUnderReplicated")?,
            "replicas are still missing"
        );

        let partition = |topic: &str, index: i32| {
            format!(r#"{{"topic": "{topic}", "partition": {index}, "replicas": [1]}}"#)
        };
        let all = (0..3)
            .map(|n| partition(KEPT, n))
            .chain([partition(BEHIND, 0)]);
        let all: Vec<String> = all.collect();
        let plan = format!(r#"{{"version": 1, "partitions": [{}]}}"#, all.join(", "));
        let file = lab.folder("larger")?.join("plan.json");
        std::fs::write(&file, plan)?;
        let file = file.display().to_string();
        // What was under way is replaced.
        let execute = [
            "--execute",
            "--additional",
            "--reassignment-json-file",
            &file,
        ];
        tool(
            "reassign.ReassignPartitionsCommand",
            &[&server[..], &execute].concat(),
        )?;
        let verify = ["--verify", "--reassignment-json-file", &file];
        let text = tool(
            "reassign.ReassignPartitionsCommand",
            &[&server[..], &verify].concat(),
        )?;
        let done = text.matches("is completed").count();
        ensure!(done == 4, "{done} of 4 are completed:\n{text}");
        watch.ends(&["LimpidUnderReplicated", "LimpidAtMinIsr"])?;
        ensure!(
            watch.is_firing("LimpidFencedBrokers")?,
            "broker 2 is still registered"
        );

        let text = tool(
            "ClusterTool",
            &[&["unregister"], &server[..], &["--id", "2"]].concat(),
        )?;
        ensure!(text.contains("no longer registered"), "{text}");
        watch.ends(&["LimpidFencedBrokers"])?;
        let whole = told(side)?;
        let alone = [vec![1], vec![1], vec![1], vec![]];
        ensure!(
            whole.len() >= 4 && whole.values().all(|p| *p == alone),
            "{whole:#?}"
        );
        Ok(())
    }
}

fn brokers(side: &mut Side) -> Result<Vec<i32>> {
    let brokers = side.must(&DescribeClusterRequest::default(), 0)?.brokers;
    let mut ids: Vec<i32> = brokers.iter().map(|broker| broker.broker_id).collect();
    ids.sort_unstable();
    Ok(ids)
}

fn told(side: &mut Side) -> Result<Told> {
    let request = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    let mut told = Told::new();
    for topic in side.must(&request, 12)?.topics {
        let name = topic.name.unwrap_or_default();
        told.extend(topic.partitions.into_iter().map(|p| {
            let of = [
                vec![p.leader_id],
                p.replica_nodes,
                p.isr_nodes,
                p.offline_replicas,
            ];
            ((name.clone(), p.partition_index), of)
        }));
    }
    Ok(told)
}

/// The first broker copies hardly anything of the topic that is to be behind.
fn throttle(side: &mut Side) -> Result<()> {
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: BROKER,
            resource_name: "1".to_owned(),
            configs: vec![AlterableConfig {
                name: "follower.replication.throttled.rate".to_owned(),
                config_operation: 0,
                value: Some("1".to_owned()),
            }],
        }],
        validate_only: false,
    };
    let answer = side.must(&request, 1)?;
    ensure!(
        answer.responses.iter().all(|r| r.error_code == 0),
        "{answer:?}"
    );
    Ok(())
}

/// A topic, the brokers of each of its partitions, and a setting of its own.
type Placed<'a> = (&'a str, &'a [&'a [i32]], Option<(&'a str, &'a str)>);

fn make_topics(side: &mut Side) -> Result<()> {
    let throttled = ("follower.replication.throttled.replicas", "*");
    let topics: [Placed; 3] = [
        (KEPT, &[&[1, 2], &[2, 1], &[1, 2]], None),
        (LOST, &[&[2]], None),
        (BEHIND, &[&[2]], Some(throttled)),
    ];
    let topic = |(name, places, config): Placed| CreatableTopic {
        name: name.to_owned(),
        num_partitions: -1,
        replication_factor: -1,
        assignments: (0..)
            .zip(places)
            .map(|(partition_index, brokers)| CreatableReplicaAssignment {
                partition_index,
                broker_ids: brokers.to_vec(),
            })
            .collect(),
        configs: config
            .into_iter()
            .map(|(name, value)| CreatableTopicConfig {
                name: name.to_owned(),
                value: Some(value.to_owned()),
            })
            .collect(),
    };
    let request = CreateTopicsRequest {
        topics: topics.into_iter().map(topic).collect(),
        timeout_ms: 30_000,
        validate_only: false,
    };
    let answer = side.must(&request, 7)?;
    ensure!(
        answer.topics.iter().all(|t| t.error_code == 0),
        "{answer:?}"
    );
    Ok(())
}

/// A reassignment that will not end.
fn add_a_replica(side: &mut Side) -> Result<()> {
    let partition = ReassignablePartition {
        partition_index: 0,
        replicas: Some(vec![2, 1]),
    };
    let request = AlterPartitionReassignmentsRequest {
        topics: vec![ReassignableTopic {
            name: BEHIND.to_owned(),
            partitions: vec![partition],
        }],
        ..AlterPartitionReassignmentsRequest::default()
    };
    let answer = side.must(&request, 0)?;
    let codes: Vec<i16> = answer
        .responses
        .iter()
        .flat_map(|t| &t.partitions)
        .map(|p| p.error_code)
        .collect();
    ensure!(codes == [0], "{answer:?}");
    Ok(())
}

/// Writes to all topics; what must be there afterwards.
fn write(address: &str) -> Result<BTreeMap<String, Partitions>> {
    let mut kept = Partitions::new();
    let all = [("acks", "all")];
    for partition in 0..3_u8 {
        let records: Vec<Record> = (0..50_u8)
            .map(|n| Record::unkeyed(&[partition, n]))
            .collect();
        produce(address, &all, KEPT, Some(i32::from(partition)), &records)?;
        kept.push(records);
    }
    produce(address, &[], LOST, Some(0), &[Record::unkeyed(b"lost")])?;
    let large = vec![Record::unkeyed(&[b'x'; 50_000]); 40];
    produce(
        address,
        &[("batch.num.messages", "1")],
        BEHIND,
        Some(0),
        &large,
    )?;
    Ok(BTreeMap::from([(KEPT.to_owned(), kept)]))
}
