//! When the records of a partition came: a sparse table of (offset, wall clock) points.
//!
//! A point says that the batch starting at its offset came at its time. Points are noted by
//! appends, at most one per [`SPACING_MS`], so that for every offset the last point at or before
//! it is right to within that second; the answer is never younger than the truth, only older.
//!
//! At most [`POINTS_MAX`] points are kept. When the table is full, those whose neighbours are
//! closer than a [`PRECISION`]th of their age go: what came an hour ago is then known to five
//! minutes, what came within the last seconds still to one. A day of silence between two batches
//! is never blurred, however long ago it was: the points at both of its ends stay.
//!
//! | stretch | the answer is |
//! |---|---|
//! | appended by this process, or covered by the last checkpoint (`file`) | exact, as said above |
//! | appended after that checkpoint and before a crash | an estimate: the largest timestamp of the batches so far, not earlier than the checkpoint, not later than the start that found them |
//! | before there was a table (a directory that Kafka wrote, a checkpoint that was lost) | none |

pub(crate) mod file;

/// A point is noted when the last one is this old.
pub(crate) const SPACING_MS: u64 = 1_000;
/// Most points of a log: 8 KiB of memory.
pub(crate) const POINTS_MAX: usize = 512;
/// Points may be apart by this fraction of their age once the table is full.
const PRECISION: i64 = 12;
/// After thinning there must be room for a while.
const POINTS_AFTER_THINNING_MAX: usize = POINTS_MAX / 8 * 7;
/// The time of a point behind which arrivals are not known.
const UNKNOWN: i64 = -1;

/// What arrived from an offset on, up to the next point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    offset: i64,
    ms: i64,
}

/// The table of one log. Kept under the log's append lock.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// By strictly rising offset.
    points: Vec<Point>,
    /// Time of the last point.
    last_ms: i64,
    /// Changes so far, for whoever writes checkpoints.
    changes: u64,
}

impl Arrivals {
    /// A table read from a checkpoint.
    pub(crate) fn from_points(points: Vec<Point>) -> Self {
        debug_assert!(points.is_sorted_by(|a, b| a.offset < b.offset));
        let last_ms = points.last().map_or(0, |point| point.ms);
        Self {
            points,
            last_ms,
            changes: 0,
        }
    }

    /// A batch that starts at `offset` comes now. One compare, but for once in a second.
    #[inline]
    pub(crate) fn note(&mut self, offset: i64, now_ms: i64) {
        // The clock may have been set back: then, too, a new point is due.
        if now_ms.abs_diff(self.last_ms) >= SPACING_MS || self.points.is_empty() {
            self.push(offset, now_ms);
        }
    }

    /// From `offset` on arrivals are not known, until the next [`note`](Self::note).
    pub(crate) fn note_unknown(&mut self, offset: i64) {
        if self.last_ms != UNKNOWN {
            self.push(offset, UNKNOWN);
        }
    }

    #[cold]
    fn push(&mut self, offset: i64, ms: i64) {
        if self.points.len() >= POINTS_MAX {
            self.thin(ms);
        }
        // A lone offset has one time; the earlier one is the older.
        if self.points.last().is_some_and(|last| last.offset >= offset) {
            return;
        }
        self.points.push(Point { offset, ms });
        self.last_ms = ms;
        self.changes += 1;
    }

    /// When the batch with the first record at or after `offset` came.
    pub(crate) fn at(&self, offset: i64) -> Option<i64> {
        let after = self.points.partition_point(|point| point.offset <= offset);
        let point = self.points.get(after.checked_sub(1)?)?;
        (point.ms != UNKNOWN).then_some(point.ms)
    }

    /// The log starts at `start` now.
    pub(crate) fn truncate_start(&mut self, start: i64) {
        let after = self.points.partition_point(|point| point.offset <= start);
        if after > 1 {
            self.points.drain(..after - 1);
            self.changes += 1;
        }
    }

    /// The log ends at `end` now.
    pub(crate) fn truncate_end(&mut self, end: i64) {
        let keep = self.points.partition_point(|point| point.offset < end);
        if keep < self.points.len() {
            self.points.truncate(keep);
            self.last_ms = self.points.last().map_or(0, |point| point.ms);
            self.changes += 1;
        }
    }

    /// The points, for a checkpoint.
    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }

    /// Rises with every change of the points.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    fn thin(&mut self, now_ms: i64) {
        let mut kept: Vec<Point> = Vec::with_capacity(POINTS_MAX);
        for (i, point) in self.points.iter().enumerate() {
            let dispensable = match (kept.last(), self.points.get(i + 1)) {
                (Some(before), Some(after)) => is_dispensable(before, point, after, now_ms),
                _ => false,
            };
            if !dispensable {
                kept.push(*point);
            }
        }
        if kept.len() > POINTS_AFTER_THINNING_MAX {
            // Only a clock that jumped about gets here. Older answers are safe answers.
            let half = kept.len() / 2;
            let mut at = 0;
            kept.retain(|_| {
                at += 1;
                at > half || at % 2 == 1
            });
        }
        self.points = kept;
        self.changes += 1;
    }
}

/// Whether what `point` says may be answered with `before`, too.
fn is_dispensable(before: &Point, point: &Point, after: &Point, now_ms: i64) -> bool {
    if [before.ms, point.ms, after.ms].contains(&UNKNOWN) {
        return false;
    }
    let age = now_ms.saturating_sub(after.ms).max(0);
    after.ms.saturating_sub(before.ms) <= age / PRECISION
}

#[cfg(test)]
mod tests;
