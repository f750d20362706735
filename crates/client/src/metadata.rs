//! What is known of the cluster: brokers, topics, who leads what; cached, and refreshed when it is
//! old or proved wrong.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use limpid_protocol::messages::metadata_response::{MetadataResponse, MetadataResponseTopic};
use limpid_protocol::{ErrorCode, Uuid};
use tokio::time::Instant;

/// Topics remembered at most; beyond it the cache begins anew.
const TOPICS_MAX: usize = 10_000;

/// A broker as clients reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// `node.id`; −1 for a bootstrap server whose id is not known.
    pub id: i32,
    /// Advertised host.
    pub host: String,
    /// Advertised port.
    pub port: u16,
    /// `host:port`.
    pub address: Arc<str>,
}

impl Node {
    pub(crate) fn new(id: i32, host: &str, port: u16) -> Self {
        Self {
            id,
            host: host.to_owned(),
            port,
            address: format!("{host}:{port}").into(),
        }
    }
}

/// A partition by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// Topic.
    pub topic: String,
    /// Partition number.
    pub partition: i32,
}

impl TopicPartition {
    /// A partition of a topic.
    pub fn new(topic: impl Into<String>, partition: i32) -> Self {
        let topic = topic.into();
        Self { topic, partition }
    }
}

impl std::fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// A topic and who leads its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    /// Name.
    pub name: String,
    /// Id; all zero from brokers before 2.8.
    pub id: Uuid,
    /// One of Kafka's own.
    pub internal: bool,
    /// Partitions, by number.
    pub partitions: Vec<PartitionInfo>,
}

/// A partition and who leads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionInfo {
    /// Number.
    pub partition: i32,
    /// Node id of the leader, if there is one.
    pub leader: Option<i32>,
    /// Its epoch; −1 if not known.
    pub leader_epoch: i32,
    /// Node ids of the replicas.
    pub replicas: Vec<i32>,
    /// Node ids of the replicas in sync.
    pub in_sync: Vec<i32>,
}

impl TopicInfo {
    fn of(topic: &MetadataResponseTopic) -> Option<Self> {
        let partition =
            |p: &limpid_protocol::messages::metadata_response::MetadataResponsePartition| {
                PartitionInfo {
                    partition: p.partition_index,
                    leader: (p.leader_id >= 0).then_some(p.leader_id),
                    leader_epoch: p.leader_epoch,
                    replicas: p.replica_nodes.clone(),
                    in_sync: p.isr_nodes.clone(),
                }
            };
        let mut partitions: Vec<_> = topic.partitions.iter().map(partition).collect();
        partitions.sort_by_key(|p| p.partition);
        Some(Self {
            name: topic.name.clone()?,
            id: topic.topic_id,
            internal: topic.is_internal,
            partitions,
        })
    }
}

/// The cache.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    nodes: HashMap<i32, Node>,
    topics: HashMap<String, (Arc<TopicInfo>, Instant)>,
    pub(crate) cluster_id: Option<String>,
    pub(crate) controller: Option<i32>,
}

impl Cache {
    /// Takes over an answer; topics with an error are forgotten.
    pub(crate) fn learn(&mut self, answer: &MetadataResponse) {
        let node = |b: &limpid_protocol::messages::metadata_response::MetadataResponseBroker| {
            let port = u16::try_from(b.port).ok()?;
            Some((b.node_id, Node::new(b.node_id, &b.host, port)))
        };
        let nodes: HashMap<i32, Node> = answer.brokers.iter().filter_map(node).collect();
        if !nodes.is_empty() {
            // A broker that knows of nobody is just starting.
            self.nodes = nodes;
        }
        self.cluster_id.clone_from(&answer.cluster_id);
        self.controller = (answer.controller_id >= 0).then_some(answer.controller_id);
        if self.topics.len() + answer.topics.len() > TOPICS_MAX {
            self.topics.clear();
        }
        let now = Instant::now();
        for topic in &answer.topics {
            let Some(name) = &topic.name else { continue };
            match TopicInfo::of(topic) {
                Some(info) if topic.error_code == ErrorCode::None.code() => {
                    self.topics.insert(name.clone(), (Arc::new(info), now));
                }
                _ => {
                    self.topics.remove(name);
                }
            }
        }
    }

    /// A topic that was learned no longer ago than `age_max`.
    pub(crate) fn topic(&self, name: &str, age_max: Duration) -> Option<Arc<TopicInfo>> {
        let (topic, learned) = self.topics.get(name)?;
        (learned.elapsed() <= age_max).then(|| Arc::clone(topic))
    }

    pub(crate) fn forget_topic(&mut self, name: &str) {
        self.topics.remove(name);
    }

    pub(crate) fn node(&self, id: i32) -> Option<&Node> {
        self.nodes.get(&id)
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// The topics of an answer, by name; those with an error are left out.
    pub(crate) fn topics_of(answer: &MetadataResponse) -> Vec<TopicInfo> {
        let good = |t: &&MetadataResponseTopic| t.error_code == ErrorCode::None.code();
        let good = answer.topics.iter().filter(good);
        let mut topics: Vec<_> = good.filter_map(TopicInfo::of).collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        topics
    }
}
