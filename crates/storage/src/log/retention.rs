//! Removing old segments: by time, by size, by deleted records.

use std::ops::Bound;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{PartitionLog, State};
use crate::api::Retained;
use crate::config::LogConfig;
use crate::error::StorageError;
use crate::names;
use crate::segment::Segment;

/// Why segments were removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    LogStart,
    Time,
    Size,
}

/// Files renamed to `.deleted`, to be removed after `file.delete.delay.ms`.
#[derive(Debug)]
pub(crate) struct Condemned {
    pub(crate) segment: Arc<Segment>,
    /// The producer snapshot that goes with it.
    pub(crate) snapshot: Option<PathBuf>,
    pub(crate) delay_ms: i64,
}

impl PartitionLog {
    /// Makes `offset` the first that can be read (DeleteRecords); −1 means the high watermark.
    /// Returns the new log start. Whole segments below it go with the next retention run.
    ///
    /// # Errors
    /// [`StorageError::OffsetOutOfRange`] beyond the high watermark.
    pub fn delete_records_before(&self, offset: i64) -> Result<i64, StorageError> {
        if !self.dir.is_online() {
            return Err(self.dir.offline_error());
        }
        if self.closed.load(Ordering::Acquire) {
            return Err(StorageError::Closed);
        }
        let mut state = self.state.lock();
        let end = self.high_watermark();
        let offset = if offset == -1 { end } else { offset };
        let start = self.log_start_offset();
        if offset < 0 || offset > end {
            return Err(StorageError::OffsetOutOfRange { offset, start, end });
        }
        self.move_start(&mut state, offset);
        Ok(self.log_start_offset())
    }

    /// What decides when the record at `offset` is deleted; `None` if there is none.
    #[must_use]
    pub fn retained(&self, offset: i64) -> Option<Retained> {
        if offset >= self.log_end_offset() {
            return None;
        }
        let segments = self.segments.read();
        let (base, segment) = segments.range(..=offset).next_back()?;
        let behind = segments.range((Bound::Excluded(*base), Bound::Unbounded));
        Some(Retained {
            newest_ms: segment.largest_timestamp(),
            bytes_behind: behind.map(|(_, segment)| segment.size()).sum(),
        })
    }

    fn move_start(&self, state: &mut State, offset: i64) {
        let before = self.log_start.fetch_max(offset, Ordering::AcqRel);
        if before < offset {
            state.epochs.truncate_start(offset);
            state.arrivals.truncate_start(offset);
            if state.epochs.dirty {
                state
                    .unflushed_since
                    .get_or_insert_with(|| self.shared.clock.monotonic());
            }
        }
    }

    /// Removes what retention says must go from the log and renames its files. The append lock
    /// is held only to choose, not while files are renamed.
    pub(crate) fn apply_retention(&self) -> Result<Vec<Condemned>, StorageError> {
        if !self.is_online() {
            return Ok(Vec::new());
        }
        // While the log is compacted its segments stay; the next run will find it idle.
        let Some(_nobody_else) = self.upkeep.try_lock() else {
            return Ok(Vec::new());
        };
        let config = self.config();
        let chosen = {
            let mut state = self.state.lock();
            self.choose(&mut state, &config)?
        };
        let mut out = Vec::with_capacity(chosen.len());
        for (segment, cause) in chosen {
            tracing::info!(
                topic.name = %self.topic, topic.partition = self.partition, cause = ?cause,
                base_offset = segment.base_offset, bytes = segment.size(), "removed segment"
            );
            self.shared.metrics.segments_removed.inc();
            self.shared.metrics.removed_bytes.inc_by(segment.size());
            segment
                .mark_deleted()
                .map_err(|e| self.dir.storage_error(&segment.log.path(), e))?;
            let path = self.path();
            let snapshot = names::segment_file(&path, segment.base_offset, names::SNAPSHOT);
            out.push(Condemned {
                segment,
                snapshot: Some(snapshot),
                delay_ms: config.file_delete_delay_ms,
            });
        }
        Ok(out)
    }

    fn choose(
        &self,
        state: &mut State,
        config: &LogConfig,
    ) -> Result<Vec<(Arc<Segment>, Cause)>, StorageError> {
        let segments: Vec<_> = self.segments.read().values().cloned().collect();
        let now_ms = self.shared.clock.wall_ms();
        let high = self.high_watermark();
        let start = self.log_start_offset();
        let total: u64 = segments.iter().map(|segment| segment.size()).sum();
        let mut excess = match u64::try_from(config.retention_bytes) {
            Ok(limit) if config.cleanup_policy.delete => total.saturating_sub(limit),
            _ => 0,
        };
        let mut chosen = Vec::new();
        for (i, segment) in segments.iter().enumerate() {
            let next_base = segments
                .get(i + 1)
                .map_or(self.log_end_offset(), |s| s.base_offset);
            let is_active = i + 1 == segments.len();
            if next_base > high || (is_active && segment.size() == 0) {
                break;
            }
            let age = now_ms.saturating_sub(segment.largest_timestamp());
            let timed = config.cleanup_policy.delete && config.retention_ms >= 0;
            let cause = if next_base <= start && !is_active {
                Cause::LogStart
            } else if timed && age > config.retention_ms {
                Cause::Time
            } else if excess > 0 && excess >= segment.size() {
                Cause::Size
            } else {
                break;
            };
            excess = excess.saturating_sub(segment.size());
            chosen.push((Arc::clone(segment), cause));
        }
        if chosen.len() == segments.len() {
            // Everything goes: an empty segment must take over first.
            let rolled = self.roll(state, self.log_end_offset(), config);
            if rolled.is_err() {
                chosen.pop();
            }
        }
        let mut map = self.segments.write();
        for (segment, _) in &chosen {
            map.remove(&segment.base_offset);
        }
        let first = map.first_key_value().map(|(base, _)| *base);
        drop(map);
        self.move_start(state, first.unwrap_or(start));
        Ok(chosen)
    }
}
