//! One partition of a group from look to look.

use super::facts::{Facts, Leader, Retention};
use super::rate::Rate;
use super::recent::RECENT_MS;
use crate::group::GroupPartition;
use crate::lately::{Held, LeaderMove};

/// Speeds are those of the last minute …
const LATELY_SECONDS: f64 = 60.0;
/// … and what is usual is that of the last half hour,
const USUALLY_SECONDS: f64 = 1_800.0;
/// once it was seen for this long.
const USUAL_AFTER_MS: i64 = 300_000;
/// A commit that did not move for so long stands still.
pub(super) const STILL_AFTER_MS: i64 = 60_000;
/// Whoever is no further behind keeps up: a record is always on its way.
pub(crate) const KEEPS_UP_SECONDS: f64 = 5.0;
/// What would take longer than a month is not told: nobody knows what will be then.
const ETA_SECONDS_MAX: f64 = 30.0 * 86_400.0;
/// Retention that is further away than a year.
const OVERTAKES_SECONDS_MAX: f64 = 365.0 * 86_400.0;
/// A group whose event lag grows slower than this gets nowhere near retention.
const AGEING_MIN: f64 = 0.02;

/// When a partition is read to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Eta {
    /// Its group keeps up.
    Now,
    /// In so many seconds.
    In(f64),
    /// Never at this speed, or nothing is known.
    Unknown,
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Track {
    /// The round that looked last.
    pub(super) turn: u64,
    /// When the commit moved last, as far as it was seen.
    pub(super) moved_ms: i64,
    began_ms: i64,
    looked_ms: i64,
    next: Option<i64>,
    end: Option<i64>,
    read: Rate,
    written: Rate,
    usually: Rate,
    event_seconds: Option<f64>,
    ageing: Rate,
    leader: Option<Leader>,
    moved_leader: Option<(Option<i32>, i64)>,
    /// Where an open transaction holds the last stable offset, and since when.
    stable: Option<(i64, i64)>,
}

impl Track {
    pub(super) fn new(now_ms: i64) -> Self {
        Self {
            turn: 0,
            moved_ms: now_ms,
            began_ms: now_ms,
            looked_ms: now_ms,
            next: None,
            end: None,
            read: Rate::default(),
            written: Rate::default(),
            usually: Rate::default(),
            event_seconds: None,
            ageing: Rate::default(),
            leader: None,
            moved_leader: None,
            stable: None,
        }
    }

    /// Takes in where the group and the log are now; `high_watermark` does not jump when a group turns
    /// out to read committed records only.
    pub(super) fn look(&mut self, p: &GroupPartition, high_watermark: Option<i64>, now_ms: i64) {
        let seconds = now_ms.saturating_sub(self.looked_ms) as f64 / 1_000.0;
        self.looked_ms = now_ms;
        let next = p.committed.as_ref().map(|c| {
            // What retention took was not read.
            c.offset.max(p.log_start_offset.unwrap_or(c.offset))
        });
        if let (Some(before), Some(now)) = (self.next, next) {
            self.read.add(grown(before, now), seconds, LATELY_SECONDS);
        }
        if next != self.next {
            self.moved_ms = now_ms;
        }
        self.next = next;
        let end = high_watermark.or(p.end_offset);
        if let (Some(before), Some(now)) = (self.end, end) {
            let written = grown(before, now);
            self.written.add(written, seconds, LATELY_SECONDS);
            self.usually.add(written, seconds, USUALLY_SECONDS);
        }
        self.end = end;
        let event_seconds = p.lag.and_then(|lag| lag.event_seconds);
        if let (Some(before), Some(now)) = (self.event_seconds, event_seconds) {
            self.ageing.add(now - before, seconds, LATELY_SECONDS);
        }
        self.event_seconds = event_seconds;
    }

    pub(super) fn read_per_second(&self) -> Option<f64> {
        self.read.per_second()
    }

    pub(super) fn written_per_second(&self) -> Option<f64> {
        self.written.per_second()
    }

    pub(super) fn usually_written_per_second(&self) -> Option<f64> {
        let seen_ms = self.looked_ms.saturating_sub(self.began_ms);
        let known = seen_ms >= USUAL_AFTER_MS;
        // Less of the half hour is enough than a rate asks for by itself.
        known.then(|| self.usually.per_second_so_far())
    }

    /// Whether the commit does not move.
    pub(super) fn is_still(&self, now_ms: i64) -> bool {
        now_ms.saturating_sub(self.moved_ms) >= STILL_AFTER_MS
    }

    pub(super) fn eta(&self, p: &GroupPartition) -> Eta {
        let Some(lag) = p.lag else {
            return Eta::Unknown;
        };
        if !is_behind(p) {
            return Eta::Now;
        }
        let (Some(read), Some(written)) = (self.read.per_second(), self.written.per_second())
        else {
            return Eta::Unknown;
        };
        let seconds = lag.records as f64 / (read - written);
        if read > written && seconds <= ETA_SECONDS_MAX {
            Eta::In(seconds)
        } else {
            Eta::Unknown
        }
    }

    /// When retention deletes the first record that is not read, and by which limit.
    pub(super) fn overtaken(
        &self,
        retention: &Retention,
        now_ms: i64,
    ) -> Option<(f64, &'static str)> {
        let is_still = self.is_still(now_ms);
        let by_time = retention.age_ms.and_then(|(age, max)| {
            let left = max.saturating_sub(age).max(0) as f64 / 1_000.0;
            let ageing = match is_still {
                true => 1.0,
                false => self.ageing.per_second()?.min(1.0),
            };
            (left == 0.0 || ageing >= AGEING_MIN)
                .then(|| (left / ageing.max(AGEING_MIN), "retention.ms"))
        });
        let by_size = retention.bytes.and_then(|(behind, max)| {
            let left = max.saturating_sub(behind) as f64;
            let read = if is_still {
                0.0
            } else {
                self.read.per_second()?
            };
            let growing = (self.written.per_second()? - read) * retention.record_bytes;
            (left == 0.0 || growing > 0.0).then(|| {
                let seconds = if left == 0.0 { 0.0 } else { left / growing };
                (seconds, "retention.bytes")
            })
        });
        let first = [by_time, by_size].into_iter().flatten();
        let first = first.min_by(|a, b| a.0.total_cmp(&b.0));
        first.filter(|(seconds, _)| *seconds <= OVERTAKES_SECONDS_MAX)
    }

    /// Notes who leads; tells of a change within ten minutes.
    pub(super) fn led(
        &mut self,
        (topic, partition): (&str, i32),
        leader: Option<Leader>,
        now_ms: i64,
    ) -> Option<LeaderMove> {
        if let (Some(before), Some(now)) = (self.leader, leader)
            && before != now
        {
            self.moved_leader = Some((before.id, now_ms));
        }
        self.leader = leader.or(self.leader);
        let (from, at_ms) = self.moved_leader?;
        (now_ms.saturating_sub(at_ms) <= RECENT_MS).then(|| LeaderMove {
            topic: topic.to_owned(),
            partition,
            from,
            to: self.leader.and_then(|leader| leader.id),
            at_ms,
            partitions: 1,
        })
    }

    /// What an open transaction keeps from the group. `committed_only` is what is known of its members.
    pub(super) fn held(
        &mut self,
        (topic, p): (&str, &GroupPartition),
        committed_only: Option<bool>,
        facts: &dyn Facts,
        now_ms: i64,
    ) -> Option<Held> {
        let ends = facts.ends(topic, p.partition)?;
        if ends.stable >= ends.high_watermark {
            self.stable = None;
            return None;
        }
        let (offset, since_ms) = match self.stable {
            Some(stable) if stable.0 == ends.stable => stable,
            _ => *self.stable.insert((ends.stable, now_ms)),
        };
        let is_there = match committed_only {
            Some(true) => self.next? >= offset || p.lag.is_some_and(|lag| lag.records == 0),
            // Nobody stops right there by chance for long; who reads on is past it.
            None => self.next? == offset,
            Some(false) => false,
        };
        if !is_there {
            return None;
        }
        let open = facts.transaction(topic, p.partition, offset);
        let since_ms = open
            .as_ref()
            .and_then(|txn| txn.since_ms)
            .map_or(since_ms, |at| at.min(since_ms));
        Some(Held {
            topic: topic.to_owned(),
            partition: p.partition,
            offset,
            records: u64::try_from(ends.high_watermark - offset).unwrap_or(0),
            seconds: now_ms.saturating_sub(since_ms).max(0) as f64 / 1_000.0,
            producer_id: open.as_ref().map(|txn| txn.producer_id),
            transactional_id: open.and_then(|txn| txn.transactional_id),
            is_known: committed_only == Some(true),
        })
    }
}

/// Whether a group is further behind than a record on its way is.
pub(crate) fn is_behind(p: &GroupPartition) -> bool {
    p.lag.is_some_and(|lag| {
        let waits = lag.seconds.or(lag.event_seconds);
        lag.records > 0 && waits.is_none_or(|seconds| seconds >= KEEPS_UP_SECONDS)
    })
}

fn grown(before: i64, now: i64) -> f64 {
    now.saturating_sub(before).max(0) as f64
}
