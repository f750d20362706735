//! The cluster's metadata, in the files and records of Apache Kafka's KRaft mode.
//!
//! ```text
//! <log dir>/meta.properties                          which cluster, node and directory this is
//! <log dir>/bootstrap.checkpoint                     the records that a new cluster starts with
//! <log dir>/__cluster_metadata-0/<offset>.log        batches of metadata records
//!                               /<offset>-<epoch>.checkpoint   snapshots
//!                               /quorum-state        epoch and leader
//!                               /leader-epoch-checkpoint, partition.metadata
//! ```
//!
//! - [`format()`] makes a directory, [`LocalMetadataLog::open`] opens it and takes office as the
//!   leader of a quorum of one, [`MetadataLog`] is what the broker sees of it.
//! - [`Image`] is the metadata at one offset, [`Replay`] how records change it.
//! - [`changes`] makes the record lists for what a broker wants: create a topic, set a config …
//!
//! The log is one of its own and not a `PartitionLog`: it must be read before any topic
//! is known, every append is synced before anybody sees it, and damage in its middle must stop the
//! start instead of being cut off. Later another [`MetadataLog`] replaces it: a Raft log.

pub mod changes;
mod control;
mod delta;
mod error;
mod files;
mod format;
mod image;
mod local;
mod meta_properties;
mod quorum;
mod quorum_state;
mod record;
mod recovery;
mod replay;
mod segments;
mod shared;
mod snapshot;
mod ticket;
mod writer;

use std::sync::Arc;

pub use delta::{Changes, PartitionKey, ReplayError, TopicKey};
pub use error::{AppendError, MetadataError, Refusal};
pub use format::{FormatEnv, FormatOptions, KAFKA_4_3_FEATURES, METADATA_VERSION_4_3, format};
pub use image::{
    AccessMark, ConfigMap, ConfigResource, Image, KRAFT_VERSION, METADATA_VERSION, NO_LEADER,
    Partition, ResourceType, Topic,
};
pub use local::{LocalMetadataLog, OpenReport};
pub use meta_properties::{META_PROPERTIES, MetaProperties, random_cluster_id};
pub use quorum::ControllerEndpoint;
pub use quorum_state::{QUORUM_STATE, QuorumState};
pub use record::{MetadataRecord, RecordError};
pub use recovery::OpenRequest;
pub use replay::Replay;
pub use segments::TornTail;
pub use shared::MetadataLogStatus;
pub use ticket::{AppendTicket, Committed};

/// Reads a snapshot and drops it.
#[cfg(feature = "testing")]
pub(crate) fn read_snapshot(
    files: &dyn limpid_platform::files::Files,
    path: &std::path::Path,
) -> Result<(), MetadataError> {
    snapshot::read(files, path).map(drop)
}

/// The name of the metadata log's directory inside the log directory.
pub const METADATA_LOG_DIR: &str = "__cluster_metadata-0";

/// Makes the records of a change from the metadata that they will follow.
pub type Change = Box<dyn FnOnce(&Image) -> Result<Vec<MetadataRecord>, Refusal> + Send>;

/// Is told of every new image.
///
/// Called on the log's own thread, in the order of the log and before the append that caused it is
/// answered; it must not block and must not wait for an append.
pub type Subscriber = Box<dyn Fn(&Arc<Image>, &Changes) + Send + Sync>;

/// The log of the cluster's metadata, asynchronous so that it may be a quorum's one day.
pub trait MetadataLog: Send + Sync + std::fmt::Debug {
    /// Appends records: all of them or none. The ticket resolves once they are durable and every
    /// subscriber has seen them. An empty list resolves with the image as it is.
    fn append(&self, records: Vec<MetadataRecord>) -> AppendTicket {
        self.update(Box::new(move |_| Ok(records)))
    }

    /// Appends what `change` makes of the metadata right before it: nothing can come between, so
    /// "is the name free?" is asked here.
    fn update(&self, change: Change) -> AppendTicket;

    /// Puts who votes into the log, with this node's controller at that place: `kraft.version` 1. A
    /// log that has voters keeps them.
    fn name_voters(&self, controller: &ControllerEndpoint) -> AppendTicket;

    /// The newest image.
    fn image(&self) -> Arc<Image>;

    /// Registers a subscriber, which sees the image of now before this returns (with empty
    /// [`Changes`]) and every later one.
    fn subscribe(&self, subscriber: Subscriber);
}
