//! Giving records to members.

use std::sync::Arc;

use super::{Batch, Deliveries, Fate, Lock, Rules, Run};

/// How much a member wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// About how many records.
    pub records_max: i64,
    /// About how many records the member wants to speak of together.
    pub batch_size: i64,
    /// Whether a batch of the log may be cut in order not to exceed `records_max`.
    pub exact: bool,
}

/// What was read from the log.
#[derive(Debug, Clone, Copy)]
pub struct Read<'a> {
    /// From this offset.
    pub from: i64,
    /// First and last offset of each batch, in order.
    pub batches: &'a [(i64, i64)],
    /// First and last offset of those that nobody shall see, in order.
    pub hidden: &'a [(i64, i64)],
}

/// What one call of [`Deliveries::acquire`] has come to.
struct Acquiring<'a> {
    lock: Lock,
    wish: Wish,
    rules: &'a Rules,
    left: i64,
    acquired: Vec<Batch>,
}

impl Acquiring<'_> {
    fn take(&mut self, first: i64, run: &mut Run) {
        run.fate = Fate::Acquired;
        run.count = run.count.saturating_add(1);
        run.lock = Some(self.lock.clone());
        self.left -= run.last - first + 1;
        self.acquired.push(run.batch(first));
    }
}

impl Rules {
    /// From so many deliveries on there may be something wrong with a record, and fewer are
    /// delivered together.
    fn suspicious(&self) -> i16 {
        let half = self.deliveries_max / 2 + self.deliveries_max % 2;
        half.max(2)
    }

    /// How many records of a run of `of` are delivered together; all, if there is nothing wrong.
    fn together(&self, count: i16, of: i64) -> i64 {
        let suspicious = self.suspicious();
        if self.deliveries_max > 2 && count >= self.deliveries_max - 1 {
            // The last time a record is on its own.
            return 1;
        }
        match u32::try_from(count - suspicious + 1) {
            Ok(times @ 1..) => of.checked_shr(times).unwrap_or(0).max(1),
            _ => i64::MAX,
        }
    }
}

impl Deliveries {
    /// Gives records that were read to a member.
    pub fn acquire(
        &mut self,
        now_ms: u64,
        member: &Arc<str>,
        read: &Read<'_>,
        wish: Wish,
        rules: &Rules,
    ) -> Vec<Batch> {
        let (Some((base, _)), Some((_, last))) = (read.batches.first(), read.batches.last()) else {
            return Vec::new();
        };
        let Some((left, last)) = self.room(read.from, *last, wish, rules) else {
            return Vec::new();
        };
        let until_ms = now_ms.saturating_add(rules.lock_ms);
        let member = Arc::clone(member);
        let mut acquiring = Acquiring {
            lock: Lock { member, until_ms },
            wish,
            rules,
            left,
            acquired: Vec::new(),
        };
        self.archive_available(read.from, *base - 1);
        let base = (*base).max(self.start);
        self.acquire_again(base, last, &mut acquiring);
        if acquiring.left > 0 && last >= self.end {
            self.acquire_new(base, last, read.batches, &mut acquiring);
        }
        let acquired = self.hide(acquiring.acquired, read.hidden);
        self.forget_done();
        acquired
    }

    /// How many records may be given, and up to which offset.
    fn room(&self, from: i64, last: i64, wish: Wish, rules: &Rules) -> Option<(i64, i64)> {
        let room = rules.in_flight_max - (self.end - self.start);
        let (left, last) = if room > 0 || from >= self.end {
            (room, last)
        } else {
            // Members have as much as they may, but some of that is available again.
            (self.end - from, last.min(self.end - 1))
        };
        let left = left.min(wish.records_max);
        (left > 0).then_some((left, last))
    }

    /// What is not in the log any more can't be delivered.
    fn archive_available(&mut self, first: i64, last: i64) {
        if last < first {
            return;
        }
        self.split(first);
        self.split(last + 1);
        for run in self.runs.range_mut(first..=last).map(|(_, run)| run) {
            if run.fate == Fate::Available {
                run.set_fate(Fate::Archived);
            }
        }
    }

    fn acquire_again(&mut self, first: i64, last: i64, acquiring: &mut Acquiring<'_>) {
        self.split(first);
        self.split(last + 1);
        let is_available = |run: &Run| run.fate == Fate::Available;
        let mut at = first;
        while acquiring.left > 0 && at <= last {
            let mut runs = self.runs.range(at..=last);
            let Some((first, run)) = runs.find(|(_, run)| is_available(run)) else {
                return;
            };
            let (first, length) = (*first, run.last - first + 1);
            let together = acquiring.rules.together(run.count, run.of);
            let is_suspicious = together < i64::MAX;
            if is_suspicious && !acquiring.acquired.is_empty() {
                // Not together with others.
                acquiring.left = 0;
                return;
            }
            let most = if acquiring.wish.exact {
                acquiring.left
            } else {
                i64::MAX
            };
            let take = length.min(together).min(most);
            self.split(first + take);
            if let Some(run) = self.runs.get_mut(&first) {
                acquiring.take(first, run);
            }
            if is_suspicious {
                acquiring.left = 0;
            }
            at = first + take;
        }
    }

    fn acquire_new(
        &mut self,
        base: i64,
        last: i64,
        read: &[(i64, i64)],
        acquiring: &mut Acquiring<'_>,
    ) {
        let first = self.end.max(base);
        if self.runs.is_empty() {
            self.start = first;
            self.end = first;
        } else if first > self.end {
            // What lies between is not in the log any more.
            self.put(Batch {
                first: self.end,
                last: first - 1,
                fate: Fate::Archived,
                count: 0,
            });
        }
        let enough = first.saturating_add(acquiring.left - 1);
        let enough = match read.iter().find(|(_, last)| *last >= enough) {
            Some((begins, ends)) if !acquiring.wish.exact && *begins <= enough => *ends,
            _ => enough,
        };
        let last = last.min(enough);
        let mut begins = first;
        if !acquiring.wish.exact {
            for (batch, _) in read {
                if *batch <= last && batch - begins >= acquiring.wish.batch_size.max(1) {
                    self.put_new(begins, batch - 1, acquiring);
                    begins = *batch;
                }
            }
        }
        self.put_new(begins, last, acquiring);
    }

    fn put_new(&mut self, first: i64, last: i64, acquiring: &mut Acquiring<'_>) {
        self.put(Batch {
            first,
            last,
            fate: Fate::Available,
            count: 0,
        });
        if let Some(run) = self.runs.get_mut(&first) {
            acquiring.take(first, run);
        }
    }

    /// Archives what nobody shall see, and says what is left.
    fn hide(&mut self, acquired: Vec<Batch>, hidden: &[(i64, i64)]) -> Vec<Batch> {
        if hidden.is_empty() {
            return acquired;
        }
        let mut left = Vec::with_capacity(acquired.len());
        for mut batch in acquired {
            for (first, last) in hidden {
                let (from, to) = (batch.first.max(*first), batch.last.min(*last));
                if from > to {
                    continue;
                }
                self.archive(from, to);
                if batch.first < from {
                    left.push(Batch {
                        last: from - 1,
                        ..batch
                    });
                }
                batch.first = to + 1;
            }
            if batch.first <= batch.last {
                left.push(batch);
            }
        }
        left
    }

    fn archive(&mut self, first: i64, last: i64) {
        self.split(first);
        self.split(last + 1);
        for run in self.runs.range_mut(first..=last).map(|(_, run)| run) {
            run.set_fate(Fate::Archived);
        }
    }
}
