//! The last of what happened, within a limit: flight recorders.
//!
//! A [`Ring`] keeps the newest entries and forgets the oldest. Writing takes a short lock, so it is for
//! what happens seldom; readers get shared pointers. How much all rings of a name hold, may hold and
//! have forgotten are metrics.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::RegisterError;
use crate::handle::{Counter, Gauge};
use crate::registry::Registry;

/// Most names of rings.
const RECORDERS_MAX: usize = 16;

type RecorderName = crate::label::Text<RECORDERS_MAX>;

crate::metrics! {
    /// Flight recorders.
    pub struct RingMetrics {
        /// Entries that the flight recorders of this name hold now.
        pub entries: gauge { recorder: RecorderName } = "limpid_recorder_entries";
        /// Most entries that the flight recorders of this name may hold now.
        pub entries_max: gauge { recorder: RecorderName } = "limpid_recorder_entries_max";
        /// Entries that made room for newer ones.
        pub forgotten: counter { recorder: RecorderName } = "limpid_recorder_forgotten_total";
        /// Things that have a flight recorder of this name now.
        pub recorders: gauge { recorder: RecorderName } = "limpid_recorders";
        /// Most things that may have a flight recorder of this name.
        pub recorders_max: gauge { recorder: RecorderName } = "limpid_recorders_max";
        /// Entries of things that have no flight recorder, since too many others have.
        pub refused: counter { recorder: RecorderName } = "limpid_recorder_refused_total";
    }
}

/// What all rings of one name count together.
#[derive(Debug, Clone)]
pub struct RingStats {
    entries: Gauge,
    entries_max: Gauge,
    forgotten: Counter,
}

impl RingStats {
    /// The series of a name.
    pub fn new(metrics: &RingMetrics, recorder: &'static str) -> Self {
        Self {
            entries: metrics.entries.bind(recorder),
            entries_max: metrics.entries_max.bind(recorder),
            forgotten: metrics.forgotten.bind(recorder),
        }
    }

    /// Of a registry that has no rings yet, for tests and tools.
    ///
    /// # Errors
    /// The families are taken.
    pub fn alone(registry: &Registry, recorder: &'static str) -> Result<Self, RegisterError> {
        Ok(Self::new(&RingMetrics::register(registry)?, recorder))
    }
}

/// The newest entries of something, oldest first.
#[derive(Debug)]
pub struct Ring<T> {
    entries: Mutex<VecDeque<Arc<T>>>,
    limit: usize,
    stats: RingStats,
}

impl<T> Ring<T> {
    /// Holds at most `limit` entries; it takes no memory before there is one.
    ///
    /// # Panics
    /// When nothing fits in.
    pub fn new(limit: usize, stats: RingStats) -> Self {
        assert!(limit > 0, "a recorder that holds nothing");
        stats.entries_max.add(signed(limit));
        Self {
            entries: Mutex::default(),
            limit,
            stats,
        }
    }

    /// Adds an entry; the oldest makes room.
    pub fn push(&self, entry: T) {
        let entry = Arc::new(entry);
        let mut entries = self.entries.lock();
        let oldest = (entries.len() == self.limit).then(|| entries.pop_front());
        entries.push_back(entry);
        drop(entries);
        match oldest {
            Some(_) => self.stats.forgotten.inc(),
            None => self.stats.entries.inc(),
        }
    }

    /// What it holds, newest first.
    pub fn newest(&self) -> Vec<Arc<T>> {
        self.entries.lock().iter().rev().cloned().collect()
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        self.stats.entries.add(-signed(self.entries.lock().len()));
        self.stats.entries_max.add(-signed(self.limit));
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stay_and_the_numbers_are_true() {
        let registry = Registry::new();
        let stats = RingStats::alone(&registry, "test").expect("a fresh registry");
        let numbers = |stats: &RingStats| {
            let (held, most) = (stats.entries.get(), stats.entries_max.get());
            (held, most, stats.forgotten.get())
        };
        let ring = Ring::new(3, stats.clone());
        assert_eq!(numbers(&stats), (0, 3, 0));
        (1..=5).for_each(|n| ring.push(n));
        let held: Vec<i32> = ring.newest().iter().map(|n| **n).collect();
        assert_eq!(held, [5, 4, 3]);
        let another = Ring::new(2, stats.clone());
        another.push(9);
        assert_eq!(numbers(&stats), (4, 5, 2));
        drop(ring);
        assert_eq!(numbers(&stats), (1, 2, 2));
        drop(another);
        assert_eq!(numbers(&stats), (0, 0, 2));
    }
}
