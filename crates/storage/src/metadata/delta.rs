//! What replaying records changed, or why one could not be applied.

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_protocol::Uuid;

use super::image::ConfigResource;

/// A record that contradicts the metadata before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The record speaks of a topic that isn't there.
    #[error("{record} of topic id {topic}, which is not there")]
    UnknownTopic {
        /// Kind of the record.
        record: &'static str,
        /// The id.
        topic: Uuid,
    },
    /// The record changes a partition that isn't there.
    #[error("{record} of partition {partition} of topic id {topic}, which is not there")]
    UnknownPartition {
        /// Kind of the record.
        record: &'static str,
        /// The topic's id.
        topic: Uuid,
        /// The partition's number.
        partition: i32,
    },
    /// A topic is created under a name or an id that is taken.
    #[error("TopicRecord for {name} ({id}), but that name or id is taken")]
    TopicExists {
        /// The name.
        name: String,
        /// The id.
        id: Uuid,
    },
    /// The record speaks of a broker that isn't registered.
    #[error("{record} of broker {broker}, which is not registered")]
    UnknownBroker {
        /// Kind of the record.
        record: &'static str,
        /// The broker's id.
        broker: i32,
    },
    /// Transactions of the metadata log neither nest nor end without having begun.
    #[error("{record} {} a metadata transaction", if *.inside { "inside" } else { "outside" })]
    Transaction {
        /// Kind of the record.
        record: &'static str,
        /// Whether a transaction was open.
        inside: bool,
    },
}

/// What a run of records changed: enough for a subscriber to look at the right places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Topics that are new.
    pub created_topics: BTreeSet<TopicKey>,
    /// Topics that are gone.
    pub deleted_topics: BTreeSet<TopicKey>,
    /// Partitions that are new or changed, those of new topics too, those of deleted ones not.
    pub partitions: BTreeSet<PartitionKey>,
    /// Resources whose configs changed; a deleted topic's too if it had any.
    pub configs: BTreeSet<ConfigResource>,
    /// Whether a feature level changed.
    pub features: bool,
    /// Brokers whose registration changed.
    pub brokers: BTreeSet<i32>,
}

/// A topic's name and id, ordered by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicKey {
    /// The name.
    pub name: Arc<str>,
    /// The id.
    pub id: Uuid,
}

/// A partition: its topic's id, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionKey {
    /// The topic's id.
    pub topic: Uuid,
    /// The partition's number.
    pub partition: i32,
}

impl Changes {
    /// Whether anything changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
