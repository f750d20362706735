//! What can go wrong with the metadata, on opening and on appending.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use limpid_platform::files::is_disk_full;
use limpid_protocol::ErrorCode;

/// Why the metadata of a data directory can't be read, written or used. Each names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: "read", "write", "list" …
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file does not hold what its name promises.
    #[error("{} is damaged or not what it should be: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the position in bytes or the offset where there is one.
        reason: String,
    },
    /// The directory has no `meta.properties`.
    #[error("{} is not formatted: it has no meta.properties", dir.display())]
    NotFormatted {
        /// The log directory.
        dir: PathBuf,
    },
    /// The directory is formatted already.
    #[error("{} is formatted already, for cluster {cluster_id}", dir.display())]
    AlreadyFormatted {
        /// The log directory.
        dir: PathBuf,
        /// The cluster it belongs to.
        cluster_id: String,
    },
    /// The directory belongs to something that this process can't stand in for.
    #[error("{}: {reason}", path.display())]
    Unsuitable {
        /// The file that says so.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The records that every start appends could not be appended.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl MetadataError {
    /// Whether there is no room left on the disk.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => is_disk_full(source),
            Self::Append(AppendError::DiskFull { .. }) => true,
            _ => false,
        }
    }

    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    pub(super) fn corrupt(path: &Path, reason: impl Into<String>) -> Self {
        Self::Corrupt {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    pub(super) fn unsuitable(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unsuitable {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}

/// A change that the current metadata does not allow; the code is what a client is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Kafka's error code.
    pub code: ErrorCode,
    /// The reason in words.
    pub message: String,
}

impl Refusal {
    /// A refusal with this code and reason.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// Why an append did not happen.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The metadata as it is does not allow the change. Nothing was written.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A record contradicts the metadata or can't be written. Nothing was written.
    #[error("record refused: {0}")]
    Invalid(Arc<str>),
    /// Too many appends wait already. Nothing was written; retrying later is right.
    #[error("{limit} metadata changes wait already")]
    QueueFull {
        /// The named limit.
        limit: usize,
    },
    /// The disk is full. Nothing was written; retrying later is right.
    #[error("no space left for metadata in {}", path.display())]
    DiskFull {
        /// The log segment.
        path: PathBuf,
    },
    /// A write or an fsync failed: what is on disk is unknown until the next start.
    #[error("the metadata log is offline: {0}")]
    Offline(Arc<str>),
    /// The log was closed.
    #[error("the metadata log is closed")]
    Closed,
}
