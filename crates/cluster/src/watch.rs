//! Watching groups: looks that come about once a second become speeds, times and changes.
//!
//! Pure: whoever makes snapshots hands in each group, what it knows besides ([`Facts`]) and the time.
//! What is kept has limits, since clients choose how many groups and partitions there are: of partitions
//! beyond [`WATCHED_PARTITIONS_MAX`] nothing is told but what one look shows.

mod facts;
mod members;
mod rate;
mod recent;
mod track;

use std::collections::{BTreeMap, HashMap};

pub use self::facts::{DeliveryTotals, Ends, Facts, Leader, OpenTransaction, Reader, Retention};
use self::members::Members;
pub use self::members::committed_only;
use self::recent::Recent;
pub(crate) use self::track::is_behind;
use self::track::{Eta, STILL_AFTER_MS, Track};
use crate::group::{Group, GroupKind, GroupPartition, GroupTopic};
use crate::lately::{Deliveries, Frozen, Lately, LeaderMove, Overtaken};

/// Most partitions of groups that are watched; each takes about 300 bytes.
pub const WATCHED_PARTITIONS_MAX: usize = 50_000;
/// A commit that does not move for so long, while others do, is frozen.
pub const FROZEN_AFTER_MS: i64 = 2 * STILL_AFTER_MS;
/// A topic that no member of a group is assigned to, and that it did not commit for so long, is stale.
pub const STALE_AFTER_MS: i64 = 86_400_000;

/// What is kept of all groups.
#[derive(Debug, Default)]
pub struct GroupWatch {
    groups: HashMap<String, Watched>,
    partitions: usize,
    left_out: usize,
    turn: u64,
}

/// What is kept of one group.
#[derive(Debug, Default)]
struct Watched {
    turn: u64,
    tracks: BTreeMap<String, BTreeMap<i32, Track>>,
    members: Members,
    generations: Recent,
    locks_expired: Recent,
    given_up: Recent,
}

impl GroupWatch {
    /// A round of looks begins.
    pub fn begin(&mut self) {
        self.turn += 1;
        self.left_out = 0;
    }

    /// Looks at a group. Looking twice in a round is looking once.
    pub fn look(&mut self, group: &Group, facts: &dyn Facts, now_ms: i64) -> Lately {
        let turn = self.turn;
        if !self.groups.contains_key(&group.id) {
            self.groups.insert(group.id.clone(), Watched::default());
        }
        let Some(watched) = self.groups.get_mut(&group.id) else {
            return Lately::default();
        };
        watched.turn = turn;
        let before = watched.count();
        let room = WATCHED_PARTITIONS_MAX.saturating_sub(self.partitions);
        self.left_out += watched.follow(group, room, (turn, now_ms));
        self.partitions = (self.partitions + watched.count()).saturating_sub(before);
        watched.tell(group, facts, now_ms)
    }

    /// The round is over: what was not looked at is forgotten.
    pub fn end(&mut self) {
        let turn = self.turn;
        self.groups.retain(|_, watched| watched.turn == turn);
        self.partitions = self.groups.values().map(Watched::count).sum();
    }

    /// Partitions that are watched, and those that there was no room for.
    pub fn partitions(&self) -> (usize, usize) {
        (self.partitions, self.left_out)
    }
}

impl Watched {
    fn count(&self) -> usize {
        self.tracks.values().map(BTreeMap::len).sum()
    }

    /// Makes the tracks those of the group's partitions; tells how many there was no room for.
    fn follow(&mut self, group: &Group, mut room: usize, (turn, now_ms): (u64, i64)) -> usize {
        let mut left_out = 0;
        for topic in &group.topics {
            if !self.tracks.contains_key(&topic.name) {
                self.tracks.insert(topic.name.clone(), BTreeMap::new());
            }
            let Some(tracks) = self.tracks.get_mut(&topic.name) else {
                continue;
            };
            for p in &topic.partitions {
                if let Some(track) = tracks.get_mut(&p.partition) {
                    track.turn = turn;
                } else if room > 0 {
                    room -= 1;
                    let mut track = Track::new(now_ms);
                    track.turn = turn;
                    tracks.insert(p.partition, track);
                } else {
                    left_out += 1;
                }
            }
        }
        self.tracks.retain(|_, tracks| {
            tracks.retain(|_, track| track.turn == turn);
            !tracks.is_empty()
        });
        left_out
    }

    fn tell(&mut self, group: &Group, facts: &dyn Facts, now_ms: i64) -> Lately {
        let is_behind = group.partitions().any(|(_, p)| is_behind(p));
        let readers = self.members.look(group, is_behind, facts, now_ms);
        let isolation = committed_only(group.members.iter(), facts);
        let generation = u64::try_from(group.generation).unwrap_or(0);
        self.generations.set(generation, now_ms);
        let mut lately = Lately {
            generations: u32::try_from(self.generations.grown()).unwrap_or(u32::MAX),
            readers,
            stale_topics: stale(group, now_ms),
            deliveries: self.deliveries(group, facts, now_ms),
            ..Lately::default()
        };
        let mut sums = Sums::default();
        for topic in &group.topics {
            let Some(tracks) = self.tracks.get_mut(&topic.name) else {
                sums.incomplete();
                continue;
            };
            for p in &topic.partitions {
                let Some(track) = tracks.get_mut(&p.partition) else {
                    sums.incomplete();
                    continue;
                };
                let high = facts.ends(&topic.name, p.partition);
                track.look(p, high.map(|ends| ends.high_watermark), now_ms);
                sums.add(track, p);
                let place = (topic.name.as_str(), p);
                lately.note_leader(track, place, facts, now_ms);
                let held = track.held(place, isolation, facts, now_ms);
                if held.as_ref().map(|h| h.records) > lately.held.as_ref().map(|h| h.records) {
                    lately.held = held;
                }
                lately.note_retention(track, place, facts, now_ms);
            }
        }
        lately.eta_seconds = sums.eta();
        lately.read_per_second = sums.read;
        lately.written_per_second = sums.written;
        // It fades for hours; a group that keeps up and rests is to be the same from look to look.
        lately.usually_written_per_second = sums.usually.filter(|_| is_behind);
        lately.frozen = self.frozen(group, lately.held.as_ref().map(|h| h.partition), now_ms);
        lately
    }

    /// The partition that stands still for longest, if another one moved meanwhile.
    fn frozen(&self, group: &Group, held: Option<i32>, now_ms: i64) -> Option<Frozen> {
        let all = || {
            group.topics.iter().flat_map(|topic| {
                let tracks = self.tracks.get(&topic.name);
                let each = topic.partitions.iter();
                each.filter_map(move |p| Some((topic, p, tracks?.get(&p.partition)?)))
            })
        };
        let still = |track: &Track| now_ms.saturating_sub(track.moved_ms) >= FROZEN_AFTER_MS;
        let stands = |(_, p, track): &(&GroupTopic, &GroupPartition, &Track)| {
            p.owner.is_some() && is_behind(p) && still(track) && held != Some(p.partition)
        };
        let (topic, p, track) = all()
            .filter(stands)
            .min_by_key(|(_, _, track)| track.moved_ms)?;
        let others = all().filter(|(_, _, t)| t.moved_ms > track.moved_ms + STILL_AFTER_MS);
        let others_moved = others.filter(|(_, _, t)| !still(t)).count();
        let offset = p.committed.as_ref()?.offset;
        (others_moved > 0).then(|| Frozen {
            topic: topic.name.clone(),
            partition: p.partition,
            offset: offset.max(p.log_start_offset.unwrap_or(offset)),
            seconds: now_ms.saturating_sub(track.moved_ms) as f64 / 1_000.0,
            others_moved: u32::try_from(others_moved).unwrap_or(u32::MAX),
        })
    }

    fn deliveries(&mut self, group: &Group, facts: &dyn Facts, now_ms: i64) -> Option<Deliveries> {
        let totals = facts.deliveries(&group.id)?;
        self.locks_expired.set(totals.locks_expired, now_ms);
        self.given_up.set(totals.given_up, now_ms);
        Some(Deliveries {
            locks_expired: self.locks_expired.grown(),
            given_up: self.given_up.grown(),
        })
    }
}

impl Lately {
    fn note_leader(
        &mut self,
        track: &mut Track,
        (topic, p): (&str, &GroupPartition),
        facts: &dyn Facts,
        now_ms: i64,
    ) {
        let leader = facts.leader(topic, p.partition);
        let Some(moved) = track.led((topic, p.partition), leader, now_ms) else {
            return;
        };
        let known = self.leader_move.take();
        let partitions = known.as_ref().map_or(0, |known| known.partitions) + 1;
        let newest = known.filter(|known| known.at_ms >= moved.at_ms);
        self.leader_move = Some(LeaderMove {
            partitions,
            ..newest.unwrap_or(moved)
        });
    }

    /// The partition that is overtaken first speaks for its topic.
    fn note_retention(
        &mut self,
        track: &Track,
        (topic, p): (&str, &GroupPartition),
        facts: &dyn Facts,
        now_ms: i64,
    ) {
        let (Some(committed), Some(start)) = (&p.committed, p.log_start_offset) else {
            return;
        };
        if !is_behind(p) {
            return;
        }
        let next = committed.offset.max(start);
        let retention = facts.retention(topic, p.partition, next);
        let Some((seconds, by)) = retention.and_then(|r| track.overtaken(&r, now_ms)) else {
            return;
        };
        let overtaken = Overtaken {
            topic: topic.to_owned(),
            partition: p.partition,
            seconds,
            by,
        };
        match self.overtaken.last_mut() {
            Some(known) if known.topic == topic => {
                if seconds < known.seconds {
                    *known = overtaken;
                }
            }
            _ => self.overtaken.push(overtaken),
        }
    }
}

/// What all partitions come to.
#[derive(Default)]
struct Sums {
    read: Option<f64>,
    written: Option<f64>,
    usually: Option<f64>,
    /// The longest time, of those that are known.
    eta_seconds: Option<f64>,
    is_unknown: bool,
}

impl Sums {
    fn incomplete(&mut self) {
        self.is_unknown = true;
    }

    fn add(&mut self, track: &Track, p: &GroupPartition) {
        let sum = |to: &mut Option<f64>, more: Option<f64>| {
            if let Some(more) = more {
                *to = Some(to.unwrap_or(0.0) + more);
            }
        };
        sum(&mut self.read, track.read_per_second());
        sum(&mut self.written, track.written_per_second());
        sum(&mut self.usually, track.usually_written_per_second());
        if p.end_offset.is_none() || (p.committed.is_none() && p.end_offset == p.log_start_offset) {
            // Gone, or nothing to read.
            return;
        }
        match track.eta(p) {
            Eta::Unknown => self.incomplete(),
            Eta::Now => self.eta_seconds = self.eta_seconds.or(Some(0.0)),
            Eta::In(seconds) => {
                self.eta_seconds = Some(self.eta_seconds.map_or(seconds, |most| most.max(seconds)));
            }
        }
    }

    fn eta(&self) -> Option<f64> {
        self.eta_seconds.filter(|_| !self.is_unknown)
    }
}

/// Topics that nobody in the group has to do with any more.
fn stale(group: &Group, now_ms: i64) -> Vec<String> {
    if group.kind == GroupKind::Share {
        // Nothing is committed there, and no partition has one owner.
        return Vec::new();
    }
    let is_stale = |topic: &&GroupTopic| {
        let mut partitions = topic.partitions.iter();
        !topic.partitions.is_empty()
            && partitions.all(|p| {
                let old = |at_ms| now_ms.saturating_sub(at_ms) >= STALE_AFTER_MS;
                p.owner.is_none() && p.committed.as_ref().is_some_and(|c| old(c.at_ms))
            })
    };
    let stale = group.topics.iter().filter(is_stale);
    stale.map(|topic| topic.name.clone()).collect()
}

#[cfg(test)]
mod tests;
