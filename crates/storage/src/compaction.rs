//! Compaction: of each key only the newest record has to stay (`cleanup.policy=compact`).
//!
//! A log has a *clean* part, which was compacted before, a *dirty* part behind it, and what can't
//! be compacted yet: the active segment, what transactions have not decided, and records younger
//! than `min.compaction.lag.ms`. A round reads the dirty part and remembers the newest offset of
//! each key ([`key_map`]), as many keys as fit in the memory it was given; then it copies all
//! segments below the last record so remembered and leaves out what a newer record replaces
//! ([`filter`]). Offsets never change, so a compacted log has gaps. [`plan`] says which log needs it,
//! and which segments become one. [`crate::log`] puts the copies in the place of the originals.
//!
//! What stays although a newer record has its key, or although nothing refers to it:
//!
//! * A record without value (a tombstone) stays for `delete.retention.ms` after the first round
//!   that saw it, so that a reader who is at most that slow hears of the deletion (KIP-534: the
//!   round writes the time into its batch, in place of the base timestamp).
//! * The marker at the end of a transaction stays as long as a record of it does, and then for
//!   `delete.retention.ms`. Records of aborted transactions go at once.
//! * The last batch of each producer still remembered stays, if need be without records: it has
//!   the sequence number that the producer must continue.
//! * The last batch of a round stays, if need be without records: it says where the log ends.
//!
//! All of this is Apache Kafka's, so that either may go on with a log that the other compacted.

pub(crate) mod batches;
pub(crate) mod filter;
pub(crate) mod key_map;
pub(crate) mod plan;
pub(crate) mod rewrite;
mod settings;
pub(crate) mod throttle;
pub(crate) mod transactions;

pub use settings::CompactionSettings;

use limpid_protocol::records::{BuildError, RecordsError};

use crate::error::StorageError;
use crate::scan::ScanError;

/// A batch that unpacks to more than this is refused as corrupt: it was not validated here.
pub(crate) const DECOMPRESSED_BYTES_MAX: usize = 256 << 20;

/// Why a round ended before it was done. The log is as it was, or partly compacted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompactionError {
    /// The broker stops, or compaction was turned off.
    #[error("compaction was stopped")]
    Stopped,
    /// The log was deleted or closed meanwhile.
    #[error("the log was closed")]
    Closed,
    /// The log holds something that can't be compacted; trying again will not help.
    #[error("{0}")]
    Unsound(String),
    /// The disk failed or is full.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What a step of a round ran into, before it is known in which file.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Bytes that are not a whole, valid batch, or a file that can't be read or written.
    Scan(ScanError),
    /// Records that can't be read.
    Records(RecordsError),
    /// A batch that can't be written again.
    Build(BuildError),
    /// The round was told to stop.
    Stopped,
    /// The output would be larger than a segment can be.
    TooLarge,
}

impl From<ScanError> for Trouble {
    fn from(error: ScanError) -> Self {
        Self::Scan(error)
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Scan(ScanError::Io(error))
    }
}

impl From<RecordsError> for Trouble {
    fn from(error: RecordsError) -> Self {
        Self::Records(error)
    }
}

impl From<BuildError> for Trouble {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Compacted {
    /// Everything below this offset is clean now.
    pub(crate) clean_to: i64,
    /// Bytes of the segments that were copied.
    pub(crate) bytes_before: u64,
    /// Bytes of their copies.
    pub(crate) bytes_after: u64,
    /// Records read and records kept.
    pub(crate) records_before: u64,
    pub(crate) records_after: u64,
    /// Records without a key, which a compacted log should not have; they were left out.
    pub(crate) without_key: u64,
    /// How full the memory of keys was, 0 to 1.
    pub(crate) keys_share: f64,
}
