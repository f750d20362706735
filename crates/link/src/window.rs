//! Reading one partition backwards, though logs are only read forwards: windows of offsets, each
//! before the last one and twice as wide, until enough records are found.
//!
//! ```text
//! log start                                                    end
//!     |      ...      [ window 3       )[ window 2 )[ 1 )       |
//!                      -> cursor
//! ```
//! Windows are wider than the number of records wanted only where compaction or transactions left
//! holes.

use limpid_cluster::BrowsedRecord;

/// One partition on its way backwards.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) partition: i32,
    log_start: i64,
    /// The window being read: `lower..upper`.
    lower: i64,
    upper: i64,
    /// Where to read on in it.
    cursor: i64,
    width: i64,
    /// Found in the window being read, oldest first.
    reading: Vec<BrowsedRecord>,
    /// Found in the windows before, newest first.
    found: Vec<BrowsedRecord>,
    /// Nothing older can be read.
    ended: bool,
}

impl Window {
    /// Begins with the last `width` offsets before `end`.
    pub(crate) fn before_end(partition: i32, log_start: i64, end: i64, width: i64) -> Self {
        let mut window = Self {
            partition,
            log_start,
            lower: end,
            upper: end,
            cursor: end,
            width: width.max(1),
            reading: Vec::new(),
            found: Vec::new(),
            ended: false,
        };
        window.begin(end);
        window
    }

    /// One window only, from `from` to `end`.
    pub(crate) fn forwards(partition: i32, from: i64, end: i64) -> Self {
        let mut window = Self::before_end(partition, from, end, end.saturating_sub(from));
        window.ended = from >= end;
        window
    }

    fn begin(&mut self, upper: i64) {
        self.upper = upper;
        self.lower = upper.saturating_sub(self.width).max(self.log_start);
        self.cursor = self.lower;
        self.width = self.width.saturating_mul(2);
        self.ended = self.lower >= upper;
    }

    /// The offset to fetch from, and the first one that is not wanted; `None` at the end.
    pub(crate) fn wanted(&self) -> Option<(i64, i64)> {
        (!self.ended).then_some((self.cursor, self.upper))
    }

    /// Whether a record belongs to what is being read.
    pub(crate) fn wants(&self, offset: i64) -> bool {
        (self.cursor..self.upper).contains(&offset)
    }

    /// Takes a record that [`Window::wants`]; keeps the newest `records_max`.
    pub(crate) fn take(&mut self, record: BrowsedRecord, records_max: usize) {
        debug_assert!(self.wants(record.offset));
        self.reading.push(record);
        if self.reading.len() > 2 * records_max {
            self.reading.drain(..self.reading.len() - records_max);
        }
    }

    /// Records of the window being read.
    pub(crate) fn reading_count(&self) -> usize {
        self.reading.len()
    }

    /// Everything before `next` was read; true when that was the whole window.
    pub(crate) fn advance(&mut self, next: i64) -> bool {
        if next <= self.cursor {
            // No progress: never ask for the same again.
            self.end();
            return true;
        }
        self.cursor = next;
        if next < self.upper {
            return false;
        }
        self.settle();
        true
    }

    /// Nothing more comes.
    pub(crate) fn end(&mut self) {
        self.settle();
        self.ended = true;
    }

    /// The window is read: on to the one before.
    fn settle(&mut self) {
        let complete = self.cursor >= self.upper;
        // A part of a window leaves a hole before the newer records; alone it is better than nothing.
        if complete || self.found.is_empty() {
            self.found.extend(self.reading.drain(..).rev());
        }
        self.reading.clear();
        if self.lower <= self.log_start {
            self.ended = true;
        } else if complete {
            self.begin(self.lower);
        }
    }

    /// What was found, newest first.
    pub(crate) fn found(&self) -> &[BrowsedRecord] {
        &self.found
    }

    pub(crate) fn into_found(mut self) -> Vec<BrowsedRecord> {
        self.end();
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(offset: i64) -> BrowsedRecord {
        BrowsedRecord {
            offset,
            ..BrowsedRecord::default()
        }
    }

    fn offsets(window: &Window) -> Vec<i64> {
        window.found().iter().map(|r| r.offset).collect()
    }

    #[test]
    fn windows_double_down_to_the_start_of_the_log() {
        let mut window = Window::before_end(0, 3, 20, 2);
        let mut seen = Vec::new();
        while let Some((from, to)) = window.wanted() {
            seen.push((from, to));
            for offset in from..to {
                window.take(record(offset), 100);
            }
            assert!(window.advance(to));
        }
        assert_eq!(seen, [(18, 20), (14, 18), (6, 14), (3, 6)]);
        assert_eq!(offsets(&window), (3..20).rev().collect::<Vec<_>>());
    }

    #[test]
    fn a_window_may_take_several_fetches() {
        let mut window = Window::before_end(0, 0, 10, 10);
        window.take(record(0), 100);
        assert!(!window.advance(4));
        assert_eq!(window.wanted(), Some((4, 10)));
        assert!(!window.wants(3) && window.wants(4) && !window.wants(10));
        window.take(record(9), 100);
        assert!(window.advance(12), "a batch may reach beyond");
        assert_eq!((offsets(&window), window.wanted()), (vec![9, 0], None));
    }

    #[test]
    fn an_empty_partition_and_no_progress_end_it() {
        assert_eq!(Window::before_end(0, 5, 5, 10).wanted(), None);
        let mut stuck = Window::before_end(0, 0, 10, 5);
        assert!(stuck.advance(5));
        assert_eq!(stuck.wanted(), None);
    }

    #[test]
    fn a_half_read_window_counts_only_if_there_is_nothing_else() {
        let mut alone = Window::before_end(0, 0, 10, 10);
        alone.take(record(0), 100);
        alone.advance(1);
        assert_eq!(alone.into_found().len(), 1);
        let mut second = Window::before_end(0, 0, 10, 1);
        second.take(record(9), 100);
        second.advance(10);
        second.take(record(7), 100);
        second.advance(8);
        let left: Vec<i64> = second.into_found().iter().map(|r| r.offset).collect();
        assert_eq!(left, [9]);
    }

    #[test]
    fn only_the_newest_are_kept() {
        let mut window = Window::before_end(0, 0, 1000, 1000);
        for offset in 0..1000 {
            window.take(record(offset), 10);
        }
        window.advance(1000);
        let found = offsets(&window);
        assert!(found.len() <= 20 && found[..10] == (990..1000).rev().collect::<Vec<_>>());
    }
}
