//! What members say of records.

use limpid_protocol::ErrorCode;

use super::{Deliveries, Fate, Plan, Rules, Run};
use crate::refusal::Refusal;

/// What a member says of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is no such record.
    Gap,
    /// It is done.
    Accept,
    /// Somebody else shall have it.
    Release,
    /// Nobody shall have it.
    Reject,
    /// The member needs more time.
    Renew,
}

impl Verdict {
    /// Those about records that there are.
    pub const SPOKEN: [Self; 4] = [Self::Accept, Self::Release, Self::Reject, Self::Renew];

    /// By Kafka's code.
    pub const fn from_code(code: i8) -> Option<Self> {
        match code {
            0 => Some(Self::Gap),
            1 => Some(Self::Accept),
            2 => Some(Self::Release),
            3 => Some(Self::Reject),
            4 => Some(Self::Renew),
            _ => None,
        }
    }
}

/// Records from `first` to `last`, and what a member says of them: of all of them, or one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The first offset.
    pub first: i64,
    /// The last offset.
    pub last: i64,
    /// One verdict for all, or one for each.
    pub verdicts: Vec<Verdict>,
}

/// A moment, and who speaks.
struct Saying<'a> {
    now_ms: u64,
    member: &'a str,
    rules: &'a Rules,
}

impl Deliveries {
    /// What a member says of what it has. All of it is taken over, or nothing.
    ///
    /// # Errors
    /// INVALID_REQUEST, or INVALID_RECORD_STATE if it does not have what it speaks of.
    pub fn plan_acknowledgement(
        &self,
        now_ms: u64,
        member: &str,
        said: &[Acknowledgement],
        rules: &Rules,
    ) -> Result<Plan, Refusal> {
        let mut next = self.clone();
        let saying = Saying {
            now_ms,
            member,
            rules,
        };
        for one in said {
            next.acknowledge(&saying, one)?;
        }
        Ok(next.planned(self))
    }

    fn acknowledge(&mut self, saying: &Saying<'_>, said: &Acknowledgement) -> Result<(), Refusal> {
        let (first, last) = (said.first, said.last);
        let length = last.checked_sub(first).and_then(|n| n.checked_add(1));
        let length = length.filter(|n| *n > 0).ok_or(ErrorCode::InvalidRequest)?;
        let count = i64::try_from(said.verdicts.len()).unwrap_or(0);
        if count != 1 && count != length {
            return Err(ErrorCode::InvalidRequest.into());
        }
        if last < self.start {
            // It is done already: somebody moved the start.
            return Ok(());
        }
        if self.runs.is_empty() {
            return Err(state(
                "Batch record not found. The request batch offsets are not found in the cache.",
            ));
        }
        if first >= self.end {
            return Err(request(
                "Batch record not found. The first offset in request is past acquired records.",
            ));
        }
        if last >= self.end {
            return Err(request(
                "Batch record not found. The last offset in request is past acquired records.",
            ));
        }
        if let [verdict] = said.verdicts[..] {
            return self.judge(saying, (first.max(self.start), last), verdict);
        }
        for (offset, verdict) in (first..).zip(&said.verdicts) {
            if offset >= self.start {
                self.judge(saying, (offset, offset), *verdict)?;
            }
        }
        Ok(())
    }

    fn judge(
        &mut self,
        saying: &Saying<'_>,
        (first, last): (i64, i64),
        verdict: Verdict,
    ) -> Result<(), Refusal> {
        self.check_whole(saying, first, last)?;
        self.split(first);
        self.split(last + 1);
        for run in self.runs.range_mut(first..=last).map(|(_, run)| run) {
            run.judge(saying, verdict)?;
        }
        Ok(())
    }

    /// Runs that were never cut are spoken of in other words.
    fn check_whole(&self, saying: &Saying<'_>, first: i64, last: i64) -> Result<(), Refusal> {
        let before = self.runs.range(..=first).next_back().map(|(at, _)| *at);
        for (at, run) in self.runs.range(before.unwrap_or(first)..=last) {
            if run.last - at + 1 < run.of {
                continue;
            }
            match &run.lock {
                None => {
                    return Err(state(
                        "The batch cannot be acknowledged. The batch is not in the acquired state.",
                    ));
                }
                Some(lock) if *lock.member != *saying.member => {
                    return Err(state("Member is not the owner of batch record"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}

impl Run {
    fn judge(&mut self, saying: &Saying<'_>, verdict: Verdict) -> Result<(), Refusal> {
        let Some(lock) = &mut self.lock else {
            return Err(state(
                "The offset cannot be acknowledged. The offset is not acquired.",
            ));
        };
        if *lock.member != *saying.member {
            return Err(state("Member is not the owner of offset"));
        }
        match verdict {
            Verdict::Renew => lock.until_ms = saying.now_ms.saturating_add(saying.rules.lock_ms),
            Verdict::Accept => self.set_fate(Fate::Acknowledged),
            Verdict::Gap | Verdict::Reject => self.set_fate(Fate::Archived),
            Verdict::Release => self.give_back(saying.rules),
        }
        Ok(())
    }
}

fn state(message: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidRecordState, message)
}

fn request(message: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, message)
}
