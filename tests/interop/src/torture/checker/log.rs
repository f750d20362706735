//! One partition as its readers see it.

use std::collections::BTreeMap;

use super::super::findings::Fault;
use super::super::value::Value;

/// So many records of a partition are remembered for each view.
pub(super) const REMEMBERED: usize = 2_000;

/// How a reader looks at a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// `read_uncommitted`.
    Everything,
    /// `read_committed`.
    Committed,
}

/// What one view has shown so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The highest offset.
    pub(super) high: Option<i64>,
    /// Where the reader is.
    position: Option<i64>,
    /// The latest records.
    pub(super) records: BTreeMap<i64, Value>,
    /// The last number of each writer.
    last: BTreeMap<u32, u64>,
}

/// What follows from an offset.
pub(super) enum Step {
    /// It is new; the one before was the given one.
    New(Option<i64>),
    /// It was there before.
    Again,
}

impl Seen {
    /// The reader starts anew at `offset`.
    pub(super) fn rewind(&mut self, offset: i64) {
        self.position = Some(offset - 1);
    }

    /// The oldest offset that is remembered, or the one to start at.
    pub(super) fn oldest(&self) -> i64 {
        self.records
            .first_key_value()
            .map_or(0, |(offset, _)| *offset)
    }

    /// The reader got `value` at `offset`.
    pub(super) fn step(
        &mut self,
        offset: i64,
        value: Value,
        faults: &mut Vec<(i64, Fault)>,
    ) -> Step {
        let before = self.position.replace(offset);
        if before.is_some_and(|before| offset <= before) {
            faults.push((offset, Fault::WentBack));
        }
        // What was there and is passed over now has gone.
        let from = before.map_or(i64::MIN, |before| before + 1);
        if from < offset {
            let gone = self.records.range(from..offset);
            faults.extend(gone.map(|(offset, _)| (*offset, Fault::Lost)));
        }
        let high = self.high;
        if high.is_some_and(|high| offset <= high) {
            let remembered = self.records.get(&offset);
            if remembered != Some(&value) && offset >= self.oldest() {
                faults.push((offset, Fault::Rewritten));
            }
            return Step::Again;
        }
        self.high = Some(offset);
        self.records.insert(offset, value);
        if self.records.len() > REMEMBERED {
            self.records.pop_first();
        }
        Step::New(high)
    }

    /// Whether `value` comes behind a later one of its writer.
    pub(super) fn is_late(&mut self, value: Value) -> bool {
        let last = self.last.entry(value.writer).or_insert(value.number);
        let late = value.number < *last;
        *last = value.number.max(*last);
        late
    }
}
