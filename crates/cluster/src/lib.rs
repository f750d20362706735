//! A Kafka cluster in the plain words of an SRE.
//!
//! Every face (console, exporter, API) reads a [`ClusterSnapshot`] through a [`ClusterSource`] and
//! knows nothing else about brokers. The embedded broker is one source; a foreign cluster that is
//! only observed will be another, and no face can tell them apart.
//!
//! What must never be here: I/O, clocks, tokio, protocol types.

mod admin;
pub mod burrow;
mod client;
pub mod events;
pub mod findings;
#[cfg(test)]
mod fixture;
mod group;
pub mod lag;
mod lately;
mod node;
mod producer_buffer;
mod requests;
mod snapshot;
pub mod verdict;
pub mod watch;
pub mod words;
mod writers;

pub use admin::{
    AdminError, Browse, BrowsedRecord, ClusterAdmin, ClusterAdmins, NewTopic, OffsetReset, Pending,
    RecordBrowser, RecordBrowsers,
};
pub use client::{Client, Pushed, StageMean};
pub use group::{
    Committed, Group, GroupActivity, GroupKind, GroupPartition, GroupState, GroupStatus,
    GroupTopic, Lag, Member, Rebalance,
};
pub use lately::{
    Deliveries, Frozen, Held, HeldBack, Lately, LeaderMove, Overtaken, Readers, SlowReader,
};
pub use node::{By, NodeAdmin, RetentionRun};
pub use producer_buffer::ProducerBuffer;
pub use requests::{SlowRequest, StageTime};
pub use snapshot::{
    Broker, ClusterSnapshot, LogDir, Partition, Readiness, ReadinessState, Start, Topic, Traffic,
    WatchedPartitions,
};

pub use writers::{HotKey, HotKeys, TopicWriters, Writer};

use std::sync::Arc;

/// Something that knows what a cluster looks like now.
///
/// Taking a snapshot is O(1): an implementation publishes a fresh one in the background (the
/// embedded broker about once a second) and hands out shared pointers.
pub trait ClusterSource: Send + Sync + 'static {
    /// The name people gave the cluster (`limpid.cluster.name`), not its id.
    fn name(&self) -> &str;

    /// The newest snapshot. Its age is `now - taken_at_ms`.
    fn snapshot(&self) -> Arc<ClusterSnapshot>;

    /// What clients of this id told of themselves lately (KIP-714), in no order; nothing where
    /// nobody asks them.
    fn pushed(&self, _client_id: &str) -> Vec<Pushed> {
        Vec::new()
    }

    /// Whether the source can answer at all, and what it is waiting for if it can't.
    fn readiness(&self) -> Readiness;

    /// What happened to a topic and its partitions lately, newest first; empty where nobody notes it.
    fn topic_events(&self, _topic: &str) -> Vec<Arc<events::Event>> {
        Vec::new()
    }

    /// What happened to a group lately, newest first; empty where nobody notes it.
    fn group_events(&self, _group: &str) -> Vec<Arc<events::Event>> {
        Vec::new()
    }

    /// The last requests that took long, newest first; empty where nobody can know.
    fn slow_requests(&self) -> Vec<Arc<SlowRequest>> {
        Vec::new()
    }
}
