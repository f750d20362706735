//! Which part of a log can be compacted, whether it should be, and which segments become one.

use std::ops::Range;

use crate::config::LogConfig;

/// What has to be known of a closed segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) base_offset: i64,
    pub(crate) bytes: u64,
    /// Bytes of its indexes.
    pub(crate) index_bytes: u64,
    pub(crate) time_index_bytes: u64,
    /// The largest timestamp, or the time of the last append when no record has one.
    pub(crate) largest_timestamp: i64,
    /// Largest timestamp of the first batch; `None` when nobody asks for it, or it has none.
    pub(crate) first_timestamp: Option<i64>,
}

/// Where the log stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) log_start: i64,
    pub(crate) log_end: i64,
    pub(crate) last_stable: i64,
    /// Base of the active segment, which is never compacted.
    pub(crate) active_base: i64,
    /// Up to where it was compacted before, if it ever was.
    pub(crate) clean_to: Option<i64>,
}

/// The dirty part that may be compacted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Extent {
    /// Its first offset.
    pub(crate) first_dirty: i64,
    /// One past its last; always the base of a segment.
    pub(crate) end: i64,
    /// Bytes of the clean part before it.
    pub(crate) clean_bytes: u64,
    /// Bytes of it.
    pub(crate) dirty_bytes: u64,
    /// How long its oldest record waits beyond `max.compaction.lag.ms`.
    pub(crate) overdue_ms: i64,
}

impl Extent {
    /// Judges a log by its closed segments, which are in order.
    pub(crate) fn of(pieces: &[Piece], bounds: &Bounds, config: &LogConfig, now_ms: i64) -> Self {
        // A checkpoint outside of the log is not believed.
        let known = bounds
            .clean_to
            .filter(|to| (bounds.log_start..=bounds.log_end).contains(to));
        let first_dirty = known.unwrap_or(bounds.log_start);
        let dirty = match first_dirty < bounds.active_base {
            true => &pieces[piece_at(pieces, first_dirty)..],
            false => &[],
        };
        let lag = config.min_compaction_lag_ms;
        let too_young =
            |piece: &&Piece| lag > 0 && piece.largest_timestamp > now_ms.saturating_sub(lag);
        let young_from = dirty.iter().find(too_young).map(|piece| piece.base_offset);
        let decided = bounds.last_stable.min(bounds.active_base);
        let limit = young_from
            .map_or(decided, |base| base.min(decided))
            .max(first_dirty);
        let end = if limit >= bounds.active_base {
            bounds.active_base
        } else {
            pieces
                .get(piece_at(pieces, limit))
                .map_or(bounds.active_base, |p| p.base_offset)
        };
        let clean = pieces
            .iter()
            .take_while(|piece| piece.base_offset < first_dirty);
        let cleanable = dirty.iter().take_while(|piece| piece.base_offset < end);
        let stamps = dirty.iter().filter_map(|piece| piece.first_timestamp);
        let oldest = stamps.filter(|timestamp| *timestamp > 0).min();
        let latest_due = now_ms.saturating_sub(config.max_compaction_lag_ms.max(0));
        Self {
            first_dirty,
            end,
            clean_bytes: clean.map(|piece| piece.bytes).sum(),
            dirty_bytes: cleanable.map(|piece| piece.bytes).sum(),
            overdue_ms: oldest.map_or(0, |oldest| latest_due.saturating_sub(oldest).max(0)),
        }
    }

    /// The dirty share of the log, 0 to 1.
    pub(crate) fn dirty_share(&self) -> f64 {
        match self.clean_bytes + self.dirty_bytes {
            0 => 0.0,
            total => self.dirty_bytes as f64 / total as f64,
        }
    }

    /// Whether a round should be run.
    pub(crate) fn is_due(&self, config: &LogConfig) -> bool {
        let overdue = self.overdue_ms > 0 && self.dirty_bytes > 0;
        overdue || self.dirty_share() > config.min_cleanable_dirty_ratio
    }
}

/// The piece that holds `offset`, or the first one.
fn piece_at(pieces: &[Piece], offset: i64) -> usize {
    pieces
        .partition_point(|piece| piece.base_offset <= offset)
        .saturating_sub(1)
}

/// Segments that become one, so that small ones do not become many: neighbours whose bytes and
/// indexes together stay within what one segment may have. `end` is where the last piece ends.
pub(crate) fn groups(pieces: &[Piece], end: i64, config: &LogConfig) -> Vec<Range<usize>> {
    let bytes_max = u64::from(config.segment_bytes);
    let index_max = u64::from(config.segment_index_bytes);
    let mut out: Vec<Range<usize>> = Vec::new();
    let (mut bytes, mut index, mut times) = (0, 0, 0);
    for (i, piece) in pieces.iter().enumerate() {
        let next_base = pieces.get(i + 1).map_or(end, |next| next.base_offset);
        let joins = out.last().is_some_and(|group| {
            let reach = next_base - 1 - pieces[group.start].base_offset;
            bytes + piece.bytes <= bytes_max
                && index + piece.index_bytes <= index_max
                && times + piece.time_index_bytes <= index_max
                && (piece.bytes == 0 || reach <= i64::from(i32::MAX))
        });
        match out.last_mut() {
            Some(group) if joins => {
                group.end = i + 1;
                bytes += piece.bytes;
                index += piece.index_bytes;
                times += piece.time_index_bytes;
            }
            _ => {
                out.push(i..i + 1);
                (bytes, index, times) = (piece.bytes, piece.index_bytes, piece.time_index_bytes);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
