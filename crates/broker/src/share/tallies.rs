//! What came to nothing in share groups: locks that ended by themselves, and records given up.

use std::collections::HashMap;
use std::sync::Arc;

use limpid_cluster::watch::DeliveryTotals;
use limpid_coordinator::delivery::{Acknowledgement, Batch, Fate, Verdict, Write};
use parking_lot::Mutex;

/// Groups that are counted; of more, new ones are not.
const GROUPS_MAX: usize = 10_000;

/// Totals by group since the broker started; groups where all went well take no room.
#[derive(Default)]
pub(super) struct Tallies(Mutex<HashMap<Arc<str>, DeliveryTotals>>);

impl Tallies {
    pub(super) fn of(&self, group: &str) -> DeliveryTotals {
        self.0.lock().get(group).copied().unwrap_or_default()
    }

    /// Locks of a group ended by themselves, and this came of it. A lock is counted once for each record.
    pub(super) fn expired(&self, group: &Arc<str>, write: &Write) {
        let records = |fate: Option<Fate>| {
            let batches = write.batches.iter();
            let these = batches.filter(|batch| fate.is_none_or(|fate| fate == batch.fate));
            let lengths = these.map(|batch| u64::try_from(batch.last - batch.first + 1));
            lengths.filter_map(Result::ok).sum::<u64>()
        };
        let ended = records(None);
        self.add(group, ended, records(Some(Fate::Archived)));
    }

    /// A member gave records back that had been delivered as often as they may be.
    pub(super) fn given_up(&self, group: &Arc<str>, records: u64) {
        self.add(group, 0, records);
    }

    fn add(&self, group: &Arc<str>, locks_expired: u64, given_up: u64) {
        if locks_expired == 0 && given_up == 0 {
            return;
        }
        let mut groups = self.0.lock();
        if groups.len() >= GROUPS_MAX && !groups.contains_key(group) {
            return;
        }
        let totals = groups.entry(Arc::clone(group)).or_default();
        totals.locks_expired += locks_expired;
        totals.given_up += given_up;
    }

    /// Forgets groups that are gone.
    pub(super) fn keep(&self, is_there: impl Fn(&str) -> bool) {
        self.0.lock().retain(|group, _| is_there(group));
    }
}

/// Records that members gave back for others, but that had been delivered as often as they may be.
pub(super) fn given_up(write: &Write, said: &[Acknowledgement], deliveries_max: i16) -> u64 {
    let is_limit = |b: &&Batch| b.fate == Fate::Archived && b.count >= deliveries_max;
    let released = |offset: i64| {
        let mut of = said.iter().filter(|a| (a.first..=a.last).contains(&offset));
        of.any(|a| {
            let at = usize::try_from(offset - a.first).unwrap_or(usize::MAX);
            let verdict = a.verdicts.get(at).or(a.verdicts.first());
            verdict == Some(&Verdict::Release)
        })
    };
    // No longer than what a member may hold at a time.
    let offsets = write.batches.iter().filter(is_limit);
    let offsets = offsets.flat_map(|batch| batch.first..=batch.last);
    offsets.filter(|offset| released(*offset)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_counted_by_what_became_of_them_and_go_with_their_group() {
        let (tallies, group) = (Tallies::default(), Arc::from("g"));
        let batch = |first, last, fate| Batch {
            first,
            last,
            fate,
            count: 1,
        };
        let write = Write {
            start: 0,
            done: 0,
            batches: vec![batch(0, 4, Fate::Available), batch(5, 6, Fate::Archived)],
        };
        tallies.expired(&group, &write);
        tallies.given_up(&group, 3);
        let totals = tallies.of("g");
        assert_eq!((totals.locks_expired, totals.given_up), (7, 5));
        let said = [Acknowledgement {
            first: 4,
            last: 6,
            verdicts: vec![Verdict::Accept, Verdict::Release, Verdict::Reject],
        }];
        assert_eq!(given_up(&write, &said, 1), 1, "the one that was given back");
        assert_eq!(given_up(&write, &said, 2), 0, "the limit is not reached");
        tallies.keep(|group| group != "g");
        assert_eq!(tallies.of("g"), DeliveryTotals::default());
    }
}
