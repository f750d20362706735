//! The records of one partition on their way through a share group (KIP-932).
//!
//! ```text
//!             acquire                     accept
//!  Available ─────────► Acquired ─────────────────────► Acknowledged
//!      ▲                  │  │
//!      └──────────────────┘  └────────────────────────► Archived
//!  release, lock over        reject, gap; or delivered too often
//! ```
//! What lies before `start` is done for good, what lies at `end` and after it was not delivered yet.
//! Between the two, runs of records that share a fate lie one beside the other. The first run never
//! is done: if it were, `start` would be behind it.
//!
//! What is written ([`Write`]) are fates, not who has what: after a restart records that were
//! acquired are available again. A change that has to be written first is planned on a copy.

mod acknowledge;
mod acquire;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::acknowledge::{Acknowledgement, Verdict};
pub use self::acquire::{Read, Wish};

/// What may become of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// To be delivered, perhaps once more.
    Available,
    /// A member has it.
    Acquired,
    /// Done.
    Acknowledged,
    /// Given up.
    Archived,
}

impl Fate {
    /// Kafka's code.
    pub const fn code(self) -> i8 {
        match self {
            Self::Available => 0,
            Self::Acquired => 1,
            Self::Acknowledged => 2,
            Self::Archived => 4,
        }
    }

    /// By Kafka's code; what was acquired when it was written is available now.
    pub const fn from_code(code: i8) -> Option<Self> {
        match code {
            0 | 1 => Some(Self::Available),
            2 => Some(Self::Acknowledged),
            4 => Some(Self::Archived),
            _ => None,
        }
    }

    const fn is_done(self) -> bool {
        matches!(self, Self::Acknowledged | Self::Archived)
    }
}

/// Records from `first` to `last` with one fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// The first offset.
    pub first: i64,
    /// The last offset.
    pub last: i64,
    /// What became of them.
    pub fate: Fate,
    /// How often they were delivered.
    pub count: i16,
}

/// What has to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Nothing before this offset matters.
    pub start: i64,
    /// How many records behind it are done.
    pub done: i64,
    /// What changed.
    pub batches: Vec<Batch>,
}

/// What deliveries become, and what has to be written before that.
pub type Plan = (Deliveries, Write);

/// Kafka's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// `share.record.lock.duration.ms`.
    pub lock_ms: u64,
    /// `share.delivery.count.limit`.
    pub deliveries_max: i16,
    /// `share.partition.max.record.locks`.
    pub in_flight_max: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    last: i64,
    fate: Fate,
    count: i16,
    lock: Option<Lock>,
    /// Length of the run that it was part of when it was first delivered.
    of: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Lock {
    member: Arc<str>,
    until_ms: u64,
}

/// One partition of a share group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deliveries {
    start: i64,
    end: i64,
    runs: BTreeMap<i64, Run>,
}

impl Deliveries {
    /// Nothing before `start` is delivered.
    pub fn new(start: i64) -> Self {
        Self {
            start,
            end: start,
            runs: BTreeMap::new(),
        }
    }

    /// What was written: later batches hold over earlier ones. What was not written is available.
    pub fn restore(start: i64, batches: impl IntoIterator<Item = Batch>) -> Self {
        let mut deliveries = Self::merge(start, batches);
        deliveries.forget_done();
        deliveries
    }

    /// [`Self::restore`] that leaves `start` where it is, unless it is no offset: what lies on a disk may
    /// say anything.
    pub(crate) fn merge(start: i64, batches: impl IntoIterator<Item = Batch>) -> Self {
        let mut deliveries = Self::new(start.max(0));
        for batch in batches {
            deliveries.put(batch);
        }
        deliveries
    }

    /// The first offset that is not done for good.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// Where to read next: what is available again comes before what is new. `None` if members have
    /// as much as they may.
    pub fn next_offset(&self, rules: &Rules) -> Option<i64> {
        let again = self
            .runs
            .iter()
            .find(|(_, run)| run.fate == Fate::Available);
        match again {
            Some((first, _)) => Some(*first),
            None => (self.end - self.start < rules.in_flight_max).then_some(self.end),
        }
    }

    /// Records that are not done among those that were delivered.
    pub fn in_flight(&self) -> i64 {
        let runs = self.runs.iter().filter(|(_, run)| !run.fate.is_done());
        runs.map(|(first, run)| run.last - first + 1).sum()
    }

    /// Records after `start` that are done already.
    pub fn done(&self) -> i64 {
        self.end - self.start - self.in_flight()
    }

    /// A member is gone: what it had counts as delivered, and goes to others as often as it may.
    pub fn plan_release(&self, member: &str, rules: &Rules) -> Option<Plan> {
        let is_its = |run: &Run| {
            run.lock
                .as_ref()
                .is_some_and(|lock| *lock.member == *member)
        };
        self.plan_each(is_its, |run| run.give_back(rules))
    }

    /// Locks that are over are taken away.
    pub fn plan_expiry(&self, now_ms: u64, rules: &Rules) -> Option<Plan> {
        let is_over = |run: &Run| {
            run.lock
                .as_ref()
                .is_some_and(|lock| lock.until_ms <= now_ms)
        };
        self.plan_each(is_over, |run| run.give_back(rules))
    }

    fn plan_each(&self, which: impl Fn(&Run) -> bool, change: impl Fn(&mut Run)) -> Option<Plan> {
        if !self.runs.values().any(&which) {
            return None;
        }
        let mut next = self.clone();
        for run in next.runs.values_mut().filter(|run| which(run)) {
            change(run);
        }
        Some(next.planned(self))
    }

    /// When the first lock is over.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        let locks = self.runs.values().filter_map(|run| run.lock.as_ref());
        locks.map(|lock| lock.until_ms).min()
    }

    /// The log begins later than it did: what is gone is done with.
    pub fn trim(&mut self, log_start: i64) {
        if log_start <= self.start {
            return;
        }
        self.split(log_start);
        self.runs = self.runs.split_off(&log_start);
        self.start = log_start;
        self.end = self.end.max(log_start);
        self.forget_done();
    }

    /// All of it, as it is written; what was never delivered to an end is left out.
    pub(crate) fn batches(&self) -> Vec<Batch> {
        let written = self.runs.iter().map(|(first, run)| {
            let mut batch = run.batch(*first);
            if batch.fate == Fate::Acquired {
                batch.fate = Fate::Available;
            }
            batch
        });
        merged(written.filter(|b| b.fate != Fate::Available || b.count > 0))
    }

    /// This as a plan, after it has come from `before`.
    fn planned(mut self, before: &Self) -> Plan {
        let write = Write {
            start: self.start,
            done: self.done(),
            batches: self.difference(before),
        };
        self.forget_done();
        (self, write)
    }

    /// What has to be written after `before` has become this: batches that are new.
    fn difference(&self, before: &Self) -> Vec<Batch> {
        let changed = self.runs.iter().filter(|(first, run)| {
            let known = before.runs.range(..=**first).next_back();
            let known = known.is_some_and(|(_, b)| {
                b.last >= run.last && b.fate == run.fate && b.count == run.count
            });
            run.fate != Fate::Acquired && !known
        });
        merged(changed.map(|(first, run)| run.batch(*first)))
    }

    /// Sets the fate of a range, whatever it was.
    fn put(&mut self, batch: Batch) {
        let first = batch.first.max(self.start);
        // No record has the last of all numbers; what lies on a disk may say anything.
        if batch.last < first || batch.last == i64::MAX {
            return;
        }
        if first > self.end {
            // Somebody had these when it was written.
            let hole = Batch {
                first: self.end,
                last: first - 1,
                fate: Fate::Available,
                count: 0,
            };
            self.put(hole);
        }
        self.split(first);
        self.split(batch.last + 1);
        let covered: Vec<i64> = self
            .runs
            .range(first..=batch.last)
            .map(|(at, _)| *at)
            .collect();
        for at in covered {
            self.runs.remove(&at);
        }
        let run = Run {
            last: batch.last,
            fate: batch.fate,
            count: batch.count,
            lock: None,
            of: batch.last - first + 1,
        };
        self.runs.insert(first, run);
        self.end = self.end.max(batch.last + 1);
    }

    /// Makes a run begin at `at`, if there is one there.
    fn split(&mut self, at: i64) {
        let Some((_, run)) = self.runs.range_mut(..at).next_back() else {
            return;
        };
        if run.last < at {
            return;
        }
        let tail = run.clone();
        run.last = at - 1;
        self.runs.insert(at, tail);
    }

    /// Moves the start behind what is done.
    fn forget_done(&mut self) {
        while let Some(entry) = self.runs.first_entry() {
            if !entry.get().fate.is_done() {
                break;
            }
            self.start = entry.get().last + 1;
            entry.remove();
        }
        if self.runs.is_empty() {
            self.start = self.end;
        }
    }

    #[cfg(test)]
    fn check_invariants(&self) {
        let mut next = self.start;
        for (first, run) in &self.runs {
            assert_eq!(*first, next, "runs lie one beside the other");
            assert!(run.last >= *first && run.of > run.last - first);
            assert_eq!(run.lock.is_some(), run.fate == Fate::Acquired);
            next = run.last + 1;
        }
        assert_eq!(next, self.end);
        let first = self.runs.values().next();
        assert!(first.is_none_or(|run| !run.fate.is_done()));
    }
}

impl Run {
    fn set_fate(&mut self, fate: Fate) {
        self.fate = fate;
        self.lock = None;
    }

    /// It is available again, unless it was delivered too often.
    fn give_back(&mut self, rules: &Rules) {
        self.set_fate(if self.count >= rules.deliveries_max {
            Fate::Archived
        } else {
            Fate::Available
        });
    }

    fn batch(&self, first: i64) -> Batch {
        Batch {
            first,
            last: self.last,
            fate: self.fate,
            count: self.count,
        }
    }
}

/// Joins batches that continue one another.
fn merged(batches: impl Iterator<Item = Batch>) -> Vec<Batch> {
    let mut all: Vec<Batch> = Vec::new();
    for batch in batches {
        match all.last_mut() {
            Some(one)
                if one.last + 1 == batch.first
                    && one.fate == batch.fate
                    && one.count == batch.count =>
            {
                one.last = batch.last;
            }
            _ => all.push(batch),
        }
    }
    all
}
