//! Changing a cluster and reading its records, for faces that must not know how.

use std::future::Future;
use std::pin::Pin;

use serde::Serialize;

use crate::node::By;

/// The answer to a call that takes a while.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, AdminError>> + Send + 'a>>;

/// Why a call failed, in a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminError {
    /// There is no such topic, group or partition.
    NotFound(String),
    /// The cluster refuses: Kafka's error name and what it says.
    Refused(String),
    /// The cluster could not be reached in time; trying again may help.
    Unavailable(String),
}

impl std::fmt::Display for AdminError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::NotFound(why) | Self::Refused(why) | Self::Unavailable(why)) = self;
        f.write_str(why)
    }
}

impl std::error::Error for AdminError {}

/// A topic to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Name.
    pub name: String,
    /// Number of partitions, or −1 for the broker's default.
    pub partitions: i32,
    /// Replication factor, or −1 for the broker's default.
    pub replication_factor: i16,
    /// Settings of its own.
    pub configs: Vec<(String, String)>,
}

/// An offset that a group shall continue from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetReset {
    /// Topic.
    pub topic: String,
    /// Partition number.
    pub partition: i32,
    /// The next offset to be read.
    pub offset: i64,
}

/// Changes a cluster over the Kafka protocol, so that an embedded and a foreign one are alike.
pub trait ClusterAdmin: Send + Sync + 'static {
    /// Makes a topic.
    fn create_topic(&self, topic: NewTopic) -> Pending<'_, ()>;

    /// Deletes a topic and its records.
    fn delete_topic<'a>(&'a self, name: &'a str) -> Pending<'a, ()>;

    /// Gives a topic settings of its own; `None` takes one away, so that the broker's holds.
    fn alter_topic<'a>(
        &'a self,
        name: &'a str,
        settings: Vec<(String, Option<String>)>,
    ) -> Pending<'a, ()>;

    /// Moves the commits of a group without members.
    fn reset_offsets<'a>(&'a self, group: &'a str, to: Vec<OffsetReset>) -> Pending<'a, ()>;

    /// Deletes a group without members and its offsets.
    fn delete_group<'a>(&'a self, group: &'a str) -> Pending<'a, ()>;
}

/// Changes a cluster in the names of those who ask for it.
pub trait ClusterAdmins: Send + Sync + 'static {
    /// The changes of somebody, who needs the cluster's own permissions for them besides.
    fn acting_for(&self, by: &By) -> Box<dyn ClusterAdmin>;
}

/// Which records to show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Browse {
    /// One partition, or all.
    pub partition: Option<i32>,
    /// From this offset on (needs a partition); `None` for the newest.
    pub from_offset: Option<i64>,
    /// Records at most.
    pub records_max: usize,
    /// Bytes of keys and values at most; longer ones are cut and marked.
    pub bytes_max: usize,
}

/// A record as it lies in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BrowsedRecord {
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Timestamp, ms since the epoch; −1 if there is none.
    pub timestamp_ms: i64,
    /// Key; `None` is Kafka's null.
    pub key: Option<Vec<u8>>,
    /// Value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers in their order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Bytes of key and value before anything was cut.
    pub size_bytes: u64,
    /// Key or value is longer than what is here.
    pub cut: bool,
}

/// Reads records without joining a group.
pub trait RecordBrowser: Send + Sync + 'static {
    /// Records of a topic, newest first. Stops at the limits of `what` and of its own patience, and
    /// then gives what it has.
    fn browse<'a>(&'a self, topic: &'a str, what: Browse) -> Pending<'a, Vec<BrowsedRecord>>;
}

/// Reads records in the names of those who want to see them.
pub trait RecordBrowsers: Send + Sync + 'static {
    /// The records that somebody sees, who needs the cluster's own permissions for them besides.
    fn browsing_for(&self, by: &By) -> Box<dyn RecordBrowser>;
}
