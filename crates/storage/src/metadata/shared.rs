//! What the log and its writer share: the newest image, who is told of it, and how the log is.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::Subscriber;
use super::delta::Changes;
use super::image::Image;

/// Offsets, sizes and health of a metadata log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetadataLogStatus {
    /// The epoch that this process leads.
    pub epoch: i32,
    /// The offset of the first batch on disk.
    pub log_start_offset: i64,
    /// The offset that the next record gets.
    pub log_end_offset: i64,
    /// Bytes of the log's segments.
    pub log_bytes: u64,
    /// Number of the log's segments.
    pub segments: usize,
    /// Number of snapshots on disk.
    pub snapshots: usize,
    /// Where the newest snapshot ends.
    pub snapshot_end_offset: Option<i64>,
    /// The newest snapshot that this process wrote: when (milliseconds since 1970), and its bytes.
    pub snapshot_written: Option<(i64, u64)>,
    /// Snapshots that were read, at the start.
    pub snapshots_read: u64,
    /// Batches appended since the start.
    pub appended_batches: u64,
    /// Data records appended since the start.
    pub appended_records: u64,
    /// Snapshots that could not be written since the start.
    pub failed_snapshots: u64,
    /// Why nothing can be appended any more.
    pub offline: Option<Arc<str>>,
}

/// What the log and its writer share.
pub(super) struct Shared {
    image: RwLock<Arc<Image>>,
    subscribers: Mutex<Vec<Subscriber>>,
    status: Mutex<MetadataLogStatus>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Shares an image that has no subscribers yet.
    pub(super) fn new(image: Image, status: MetadataLogStatus) -> Self {
        Self {
            image: RwLock::new(Arc::new(image)),
            subscribers: Mutex::default(),
            status: Mutex::new(status),
        }
    }

    pub(super) fn image(&self) -> Arc<Image> {
        Arc::clone(&self.image.read())
    }

    pub(super) fn status(&self) -> MetadataLogStatus {
        self.status.lock().clone()
    }

    pub(super) fn subscribe(&self, subscriber: Subscriber) {
        let mut subscribers = self.subscribers.lock();
        subscriber(&self.image(), &Changes::default());
        subscribers.push(subscriber);
    }

    pub(super) fn note(&self, status: &MetadataLogStatus) {
        self.status.lock().clone_from(status);
    }

    pub(super) fn publish(&self, image: &Arc<Image>, changes: &Changes) {
        let subscribers = self.subscribers.lock();
        *self.image.write() = Arc::clone(image);
        for subscriber in subscribers.iter() {
            subscriber(image, changes);
        }
    }
}
