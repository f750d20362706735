//! Leader epochs of a log: which epoch wrote from which offset on.

/// Rising (epoch, first offset) pairs; saved in `leader-epoch-checkpoint`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Epochs {
    entries: Vec<(i32, i64)>,
    /// True until the checkpoint on disk says the same.
    pub(crate) dirty: bool,
}

impl Epochs {
    pub(crate) fn from_entries(entries: Vec<(i32, i64)>) -> Self {
        Self {
            entries,
            dirty: false,
        }
    }

    pub(crate) fn entries(&self) -> &[(i32, i64)] {
        &self.entries
    }

    pub(crate) fn latest(&self) -> Option<i32> {
        self.entries.last().map(|(epoch, _)| *epoch)
    }

    /// Notes that `epoch` starts at `offset` unless it is known already. Entries that contradict
    /// it (higher epochs, or epochs starting at or after it) are history that was truncated.
    pub(crate) fn assign(&mut self, epoch: i32, offset: i64) {
        if epoch < 0 || self.latest().is_some_and(|latest| latest >= epoch) {
            return;
        }
        while self
            .entries
            .last()
            .is_some_and(|(_, start)| *start >= offset)
        {
            self.entries.pop();
        }
        self.entries.push((epoch, offset));
        self.dirty = true;
    }

    /// Forgets epochs that start at or after `end`.
    pub(crate) fn truncate_end(&mut self, end: i64) {
        let before = self.entries.len();
        self.entries.retain(|(_, start)| *start < end);
        self.dirty |= before != self.entries.len();
    }

    /// Forgets epochs that ended before `start`; the one covering it now begins there.
    pub(crate) fn truncate_start(&mut self, start: i64) {
        let covering = self.entries.partition_point(|(_, first)| *first <= start);
        if covering == 0 {
            return;
        }
        let kept = covering - 1;
        if kept > 0 || self.entries[kept].1 < start {
            self.entries.drain(..kept);
            self.entries[0].1 = start;
            self.dirty = true;
        }
    }

    /// The epoch that wrote `offset`.
    pub(crate) fn epoch_at(&self, offset: i64) -> Option<i32> {
        let after = self.entries.partition_point(|(_, start)| *start <= offset);
        after.checked_sub(1).map(|i| self.entries[i].0)
    }

    /// The largest epoch at or below `epoch` with the offset where it ended, (−1, −1) if that
    /// can't be told (OffsetForLeaderEpoch, KIP-101 and KIP-279).
    pub(crate) fn end_offset(&self, epoch: i32, log_end_offset: i64) -> (i32, i64) {
        let Some(latest) = self.latest() else {
            return (-1, -1);
        };
        if epoch < 0 || epoch > latest {
            return (-1, -1);
        }
        if epoch == latest {
            return (epoch, log_end_offset);
        }
        let higher = self.entries.partition_point(|(known, _)| *known <= epoch);
        let end = self.entries[higher].1;
        // Older than all we know: it can only have ended where the first known one starts.
        let floor = higher.checked_sub(1).map_or(epoch, |i| self.entries[i].0);
        (floor, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_offsets_follow_the_next_epoch() {
        let mut epochs = Epochs::default();
        assert_eq!(epochs.end_offset(0, 9), (-1, -1));
        for (epoch, offset) in [(2, 10), (2, 15), (4, 20), (1, 30)] {
            epochs.assign(epoch, offset);
        }
        assert_eq!(epochs.entries(), [(2, 10), (4, 20)]);
        assert_eq!(epochs.end_offset(4, 50), (4, 50));
        assert_eq!(epochs.end_offset(3, 50), (2, 20));
        assert_eq!(epochs.end_offset(2, 50), (2, 20));
        assert_eq!(epochs.end_offset(1, 50), (1, 10));
        assert_eq!(epochs.end_offset(5, 50), (-1, -1));
        assert_eq!((epochs.epoch_at(9), epochs.epoch_at(10)), (None, Some(2)));
        assert_eq!(epochs.epoch_at(99), Some(4));
    }

    #[test]
    fn truncation_keeps_what_covers_the_log() {
        let mut epochs = Epochs::from_entries(vec![(1, 0), (2, 10), (3, 20)]);
        epochs.truncate_start(15);
        assert_eq!(
            (epochs.entries(), epochs.dirty),
            (&[(2, 15), (3, 20)][..], true)
        );
        epochs.truncate_end(20);
        assert_eq!(epochs.entries(), [(2, 15)]);
        epochs.assign(5, 15);
        assert_eq!(epochs.entries(), [(5, 15)]);
    }
}
