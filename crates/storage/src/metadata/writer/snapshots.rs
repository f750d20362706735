//! When the writer makes snapshots, and what it removes then.

use std::time::Duration;

use super::Writer;
use crate::metadata::error::MetadataError;
use crate::metadata::recovery::SnapshotPolicy;
use crate::metadata::snapshot::{self, Content, SnapshotId, image_records};

impl Writer {
    pub(super) fn snapshot_if_due(&mut self, policy: SnapshotPolicy) {
        let since = self.clock.monotonic().saturating_sub(self.last_snapshot);
        let by_time = u64::try_from(policy.interval_ms)
            .is_ok_and(|ms| ms > 0 && since >= Duration::from_millis(ms));
        if by_time || self.bytes_since_snapshot >= policy.bytes {
            match self.snapshot() {
                Ok(()) => {}
                Err(e) => {
                    // The log still holds everything: try again after the next interval.
                    tracing::error!(error = %e, "the metadata snapshot could not be written");
                    self.status.failed_snapshots += 1;
                    self.bytes_since_snapshot = 0;
                }
            }
            self.last_snapshot = self.clock.monotonic();
            if let Err(e) = self.clean(policy) {
                tracing::error!(error = %e, "old metadata could not be removed");
            }
            self.note_status();
        }
    }

    /// Writes a snapshot of all that is in the log, unless there is one.
    pub(super) fn snapshot(&mut self) -> Result<(), MetadataError> {
        let id = SnapshotId {
            offset: self.segments.end_offset(),
            epoch: self.epoch,
        };
        if self
            .snapshots
            .last()
            .is_some_and(|(last, _)| last.offset >= id.offset)
        {
            return Ok(());
        }
        assert!(
            !self.replay.in_transaction(),
            "transactions end within one write"
        );
        let image = self.replay.image();
        let content = Content {
            epoch: id.epoch,
            last_contained_ms: image.timestamp_ms(),
            now_ms: self.clock.wall_ms(),
            quorum: &self.quorum,
            metadata_version: image.metadata_version(),
            records: image_records(image),
        };
        let path = self.dir.join(id.file_name());
        let len = snapshot::write(&*self.files, &path, content)?;
        self.snapshots.push((id, len));
        self.status.snapshot_written = Some((self.clock.wall_ms(), len));
        self.bytes_since_snapshot = 0;
        self.note_status();
        Ok(())
    }

    /// Removes the oldest snapshots and segments while they are too many or too old. The newest
    /// snapshot stays, and so does every segment that a snapshot needs.
    fn clean(&mut self, policy: SnapshotPolicy) -> Result<(), MetadataError> {
        while let [(oldest, _), (next, _), ..] = *self.snapshots.as_slice() {
            let snapshots: u64 = self.snapshots.iter().map(|(_, len)| len).sum();
            let total = self.segments.size_bytes() + snapshots;
            let large = u64::try_from(policy.retention_bytes).is_ok_and(|limit| total > limit);
            let path = self.dir.join(oldest.file_name());
            let old = policy.retention_ms >= 0 && {
                let written_ms = snapshot::last_contained_ms(&*self.files, &path)?;
                self.clock.wall_ms().saturating_sub(written_ms) > policy.retention_ms
            };
            if !large && !old {
                return Ok(());
            }
            // Segments first: a log that starts behind its oldest snapshot is none.
            self.segments.remove_before(next.offset)?;
            self.files
                .remove_file(&path)
                .map_err(MetadataError::io("remove", &path))?;
            self.snapshots.remove(0);
        }
        Ok(())
    }
}
