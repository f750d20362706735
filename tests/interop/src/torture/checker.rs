//! The checker: told of everything that clients do and see, while it happens, it says at once what
//! can't be. Its memory is bounded by what it asks writers to wait for.
//!
//! It knows nothing of time, threads or Kafka.

mod log;
mod relay;
mod track;
mod transactions;

use std::collections::BTreeMap;

use self::log::{Seen, Step};
use self::relay::Pairs;
use self::track::Track;
use self::transactions::Transactions;
use super::findings::{Fault, Findings};
use super::value::{Place, Topic, Value};

pub use self::log::View;
pub use self::transactions::Outcome;

/// Acknowledged records of a writer that readers have yet to see, before it has to wait.
const AWAITED_MAX: usize = 2_000;
/// A writer's transactions that readers have yet to see whole, before it has to wait.
const UNSETTLED_MAX: usize = 100;
/// Records that the relay has yet to relay, before writers have to wait.
const RELAY_MAX: usize = 2_000;
/// Offsets by which one view may be behind the other, before writers have to wait.
const APART_MAX: i64 = 1_000;
/// How much [`Checker::open`] tells.
const OPEN_TOLD_MAX: usize = 20;

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Acknowledged records.
    pub acknowledged: u64,
    /// Records that clients gave up.
    pub given_up: u64,
    /// Transactions by their end.
    pub committed: u64,
    /// See there.
    pub aborted: u64,
    /// See there.
    pub unknown: u64,
    /// Records that the reader of everything saw for the first time.
    pub seen: u64,
    /// Records that the reader of committed ones saw for the first time.
    pub seen_committed: u64,
    /// Records that a reader saw again.
    pub seen_again: u64,
    /// Records that the relay made.
    pub relayed: u64,
    /// Commits of offsets that were answered.
    pub offsets_committed: u64,
    /// Committed offsets that were asked for.
    pub offsets_asked: u64,
}

#[derive(Debug, Default)]
struct Partition {
    everything: Seen,
    committed: Seen,
    writers: BTreeMap<u32, Track>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Checker {
    partitions: BTreeMap<Place, Partition>,
    transactions: BTreeMap<u32, Transactions>,
    relay: BTreeMap<i32, Pairs>,
    offsets: BTreeMap<(String, Place), i64>,
    /// What was counted.
    pub tally: Tally,
    /// What was found.
    pub findings: Findings,
}

impl Checker {
    /// A record is acknowledged, perhaps with its offset.
    pub fn acknowledged(
        &mut self,
        place: Place,
        (writer, number): (u32, u64),
        offset: Option<i64>,
    ) {
        self.tally.acknowledged += 1;
        let fault = self.track(place, writer).acked(number, offset);
        self.found(fault, || {
            format!("{place}: acknowledged {number} of {writer} at {offset:?}")
        });
    }

    /// The client gave up on a record.
    pub fn given_up(&mut self, place: Place, (writer, number): (u32, u64)) {
        self.tally.given_up += 1;
        self.track(place, writer).given_up(number);
    }

    /// A writer begins a transaction of so many records.
    pub fn begin(&mut self, writer: u32, txn: u64, records: u32) {
        let forgotten = self
            .transactions
            .entry(writer)
            .or_default()
            .begin(txn, records);
        if let Some((old, fault)) = forgotten {
            self.found(Some(fault), || {
                format!("transaction {old} of {writer} was never seen whole")
            });
        }
    }

    /// What a writer knows of the end of a transaction.
    pub fn outcome(&mut self, writer: u32, txn: u64, outcome: Outcome) {
        match outcome {
            Outcome::Open | Outcome::Committing => {}
            Outcome::Committed => self.tally.committed += 1,
            Outcome::Aborted => self.tally.aborted += 1,
            Outcome::Unknown => self.tally.unknown += 1,
        }
        self.transaction(writer, txn, |all| all.set(txn, outcome));
    }

    /// A reader goes on at `offset`, which it may have read before.
    pub fn rewind(&mut self, view: View, place: Place, offset: i64) {
        self.seen(view, place).rewind(offset);
    }

    /// Where a reader should start to see what is remembered once more.
    pub fn oldest(&mut self, view: View, place: Place) -> i64 {
        self.seen(view, place).oldest()
    }

    /// Where a reader is that has seen all that was seen.
    pub fn next(&mut self, view: View, place: Place) -> i64 {
        self.seen(view, place).high.map_or(0, |high| high + 1)
    }

    /// A reader got a record.
    pub fn read(&mut self, view: View, place: Place, offset: i64, bytes: &[u8]) {
        let Some(value) = Value::decode(place, bytes) else {
            let what = || format!("{place} at {offset}: {}", String::from_utf8_lossy(bytes));
            return self.findings.add(Fault::Damaged, what);
        };
        let mut faults = Vec::new();
        let step = self.seen(view, place).step(offset, value, &mut faults);
        for (at, fault) in faults {
            let what = || format!("{place} at {at}, read at {offset} by {view:?}: {value:?}");
            self.findings.add(fault, what);
        }
        match step {
            Step::Again => self.tally.seen_again += 1,
            Step::New(before) => self.first_seen(view, place, (before, offset), value),
        }
    }

    /// A record is seen for the first time.
    fn first_seen(
        &mut self,
        view: View,
        place: Place,
        (before, offset): (Option<i64>, i64),
        value: Value,
    ) {
        let follows = before.map_or(0, |before| before + 1) == offset;
        if !place.topic.is_transactional() && !follows {
            let what = || format!("{place}: {offset} follows {before:?} for {view:?}");
            self.findings.add(Fault::Skipped, what);
        }
        self.compare(view, place, (before, offset), value);
        match view {
            View::Everything => {
                self.tally.seen += 1;
                let faults = self.track(place, value.writer).seen(value.number, offset);
                for fault in faults {
                    self.found(Some(fault), || {
                        format!("{place} before or at {offset}: {value:?}")
                    });
                }
            }
            View::Committed => {
                self.tally.seen_committed += 1;
                if self.seen(view, place).is_late(value) {
                    let what = || format!("{place} at {offset}, committed: {value:?}");
                    self.findings.add(Fault::Reordered, what);
                }
                if let Some(txn) = value.txn {
                    self.transaction(value.writer, txn, |all| all.visible(txn));
                }
                self.relayed(place, offset, value);
            }
        }
    }

    /// Holds a new record, and what was passed over before it, against the other view.
    fn compare(
        &mut self,
        view: View,
        place: Place,
        (before, offset): (Option<i64>, i64),
        value: Value,
    ) {
        let partition = self.partitions.entry(place).or_default();
        let (own, other) = match view {
            View::Everything => (&partition.everything, &partition.committed),
            View::Committed => (&partition.committed, &partition.everything),
        };
        let theirs = other.records.get(&offset).copied();
        let missed = other.high.is_some_and(|high| offset <= high) && offset >= other.oldest();
        let from = before.map_or(i64::MIN, |before| before + 1);
        let passed: Vec<_> = other
            .records
            .range(from..offset)
            .map(|(at, v)| (*at, *v))
            .collect();
        debug_assert!(passed.iter().all(|(at, _)| !own.records.contains_key(at)));
        if theirs.is_some_and(|theirs| theirs != value) {
            let what = || format!("{place} at {offset}: {value:?} for {view:?}, else {theirs:?}");
            self.findings.add(Fault::Rewritten, what);
        }
        match view {
            View::Committed => {
                for (at, value) in passed {
                    self.passed_over(place, at, value);
                }
            }
            View::Everything => {
                for (at, value) in passed {
                    let what = || format!("{place} at {at}, only seen as committed: {value:?}");
                    self.findings.add(Fault::Lost, what);
                }
                if theirs.is_none() && missed {
                    self.passed_over(place, offset, value);
                }
            }
        }
    }

    /// The reader of committed records did not get a record that is there.
    fn passed_over(&mut self, place: Place, offset: i64, value: Value) {
        match value.txn {
            Some(txn) => self.transaction(value.writer, txn, |all| all.passed(txn)),
            None => {
                let what = || format!("{place} at {offset}, passed over as if aborted: {value:?}");
                self.findings.add(Fault::Lost, what);
            }
        }
    }

    fn relayed(&mut self, place: Place, offset: i64, value: Value) {
        let pairs = self.relay.entry(place.partition).or_default();
        let faults = match (place.topic, value.source) {
            (Topic::Whole, _) => pairs.input(offset),
            (Topic::Relayed, Some(source)) => {
                self.tally.relayed += 1;
                pairs.output(source)
            }
            _ => return,
        };
        for (source, fault) in faults {
            let what = || format!("{place}: of source offset {source}, found at {offset}");
            self.findings.add(fault, what);
        }
    }

    /// The broker answered that a group's offset is committed.
    pub fn offset_committed(&mut self, group: &str, place: Place, offset: i64) {
        self.tally.offsets_committed += 1;
        let known = self
            .offsets
            .entry((group.to_owned(), place))
            .or_insert(offset);
        *known = offset.max(*known);
    }

    /// The broker says that this is a group's committed offset; asked after everything that was
    /// answered before, and of a group that never goes back.
    pub fn offset_found(&mut self, group: &str, place: Place, offset: i64) {
        self.tally.offsets_asked += 1;
        let known = self
            .offsets
            .entry((group.to_owned(), place))
            .or_insert(offset);
        let before = std::mem::replace(known, offset.max(*known));
        if offset < before {
            let what = || format!("{group} in {place}: {offset}, and {before} was committed");
            self.findings.add(Fault::Forgotten, what);
        }
    }

    /// Whether a writer may go on, or should let the readers come up first.
    #[must_use]
    pub fn may_write(&self, writer: u32, topic: Topic) -> bool {
        let places = self
            .partitions
            .iter()
            .filter(|(place, _)| place.topic == topic);
        let near = |partition: &Partition| {
            let awaited = partition.writers.get(&writer).map_or(0, Track::awaited);
            let end = |seen: &Seen| seen.high.unwrap_or(0);
            let apart = end(&partition.everything) - end(&partition.committed);
            awaited < AWAITED_MAX && apart < APART_MAX
        };
        let unsettled = self.transactions.get(&writer);
        let unsettled = unsettled.map_or(0, |all| all.unsettled().count());
        let relay = topic != Topic::Whole || self.relay.values().all(|p| p.open() < RELAY_MAX);
        let mut places = places.map(|(_, partition)| partition);
        relay && unsettled < UNSETTLED_MAX && places.all(near)
    }

    /// What is still to come, when nobody writes any more: nothing, in the end.
    #[must_use]
    pub fn open(&self) -> Vec<String> {
        let mut open = Vec::new();
        for (place, partition) in &self.partitions {
            for (writer, track) in &partition.writers {
                match track.awaited() {
                    0 => {}
                    some => open.push(format!("{place}: {some} acknowledged records of {writer}")),
                }
            }
        }
        for (writer, all) in &self.transactions {
            let all = all.unsettled();
            open.extend(
                all.map(|(number, txn)| format!("transaction {number} of {writer}: {txn}")),
            );
        }
        for (partition, pairs) in &self.relay {
            if pairs.open() > 0 {
                open.push(format!("relay of partition {partition}: {pairs:?}"));
            }
        }
        open.truncate(OPEN_TOLD_MAX);
        open
    }

    fn transaction(
        &mut self,
        writer: u32,
        txn: u64,
        change: impl FnOnce(&mut Transactions) -> Option<Fault>,
    ) {
        let fault = change(self.transactions.entry(writer).or_default());
        self.found(fault, || format!("transaction {txn} of {writer}"));
    }

    fn found(&mut self, fault: Option<Fault>, what: impl FnOnce() -> String) {
        if let Some(fault) = fault {
            self.findings.add(fault, what);
        }
    }

    fn track(&mut self, place: Place, writer: u32) -> &mut Track {
        let partition = self.partitions.entry(place).or_default();
        partition.writers.entry(writer).or_default()
    }

    fn seen(&mut self, view: View, place: Place) -> &mut Seen {
        let partition = self.partitions.entry(place).or_default();
        match view {
            View::Everything => &mut partition.everything,
            View::Committed => &mut partition.committed,
        }
    }
}

#[cfg(test)]
mod tests;
