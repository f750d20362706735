//! What Burrow would know of the groups: their last commits, kept from one snapshot to the next.
//!
//! [`History::observe`] looks at the newest snapshot about once a second. A partition's newest commit
//! goes into its window, so of several commits within a second the last one is seen: Burrow with a
//! `min-distance` of 1 does the same. The ends of partitions are kept every ten seconds, but the lag of
//! a commit is against the end of its own second: Burrow knows an end that is up to ten seconds old, so
//! that a slow group's lag seems to shrink there between two of them (OK where this says WARN). What was
//! committed before the broker started is one commit in the window.

pub(crate) mod http;
mod report;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use limpid_cluster::burrow::{self, Commit, EXPIRE_GROUP_MS, INTERVALS, OFFSET_REFRESH_MS, Window};
use limpid_cluster::{ClusterSnapshot, ClusterSource, Group, GroupPartition};
use parking_lot::Mutex;

pub(crate) use self::report::{GroupReport, PartitionReport};

/// Most partitions of groups whose commits are kept.
const WATCHED_MAX: usize = 50_000;

/// The past of the groups that this broker coordinates.
pub(crate) struct History {
    source: Arc<dyn ClusterSource>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seen_ms: i64,
    ends_ms: i64,
    groups: HashMap<String, Watched>,
}

/// A group.
struct Watched {
    group: Arc<Group>,
    /// By topic and partition.
    partitions: HashMap<String, HashMap<i32, Past>>,
}

/// A partition that a group reads.
#[derive(Clone, Default)]
struct Past {
    window: Window,
    ends: VecDeque<i64>,
    /// The newest commit that is in the window, as it was.
    newest: Option<(i64, i64)>,
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History").finish_non_exhaustive()
    }
}

impl History {
    pub(crate) fn new(source: Arc<dyn ClusterSource>) -> Self {
        History {
            source,
            state: Mutex::default(),
        }
    }

    pub(crate) fn source(&self) -> &Arc<dyn ClusterSource> {
        &self.source
    }

    /// Takes in the newest snapshot. One that was seen is passed over.
    pub(crate) fn observe(&self) {
        let snapshot = self.source.snapshot();
        self.state.lock().observe(&snapshot);
    }

    /// The groups that Burrow would list: those that committed within its memory. By id.
    pub(crate) fn groups(&self, snapshot: &ClusterSnapshot) -> Vec<Arc<Group>> {
        let state = self.state.lock();
        let groups = snapshot.groups.iter();
        let known = groups.filter(|g| {
            snapshot.speaks_for(Some(g.coordinator))
                && state.groups.contains_key(&g.id)
                && !is_expired(g, snapshot.taken_at_ms)
        });
        known.map(Arc::clone).collect()
    }

    /// What there is to say about a group; `None` when Burrow would not know it.
    pub(crate) fn report(&self, snapshot: &ClusterSnapshot, id: &str) -> Option<GroupReport> {
        let group = snapshot.group(id)?;
        let state = self.state.lock();
        let watched = state.groups.get(id)?;
        if is_expired(group, snapshot.taken_at_ms) {
            return None;
        }
        let past = |topic: &str, partition| watched.partitions.get(topic)?.get(&partition);
        let past = |topic: &str, partition| {
            let past: Option<&Past> = past(topic, partition);
            past.map(|past| (past.window.clone(), past.ends.clone()))
        };
        Some(GroupReport::of(snapshot, group, &past))
    }
}

fn is_expired(group: &Group, now_ms: i64) -> bool {
    let last = group.last_commit_ms();
    last.is_none_or(|at_ms| at_ms < now_ms.saturating_sub(EXPIRE_GROUP_MS))
}

impl State {
    fn observe(&mut self, snapshot: &ClusterSnapshot) {
        let now_ms = snapshot.taken_at_ms;
        if now_ms <= 0 || now_ms == self.seen_ms {
            return;
        }
        self.seen_ms = now_ms;
        // A clock that was set back begins anew.
        let waited = now_ms.saturating_sub(self.ends_ms);
        let ends_are_due = !(0..OFFSET_REFRESH_MS).contains(&waited);
        if ends_are_due {
            self.ends_ms = now_ms;
        }
        let mut before = std::mem::take(&mut self.groups);
        let mut room = WATCHED_MAX;
        let ours = |group: &&Arc<Group>| snapshot.speaks_for(Some(group.coordinator));
        for group in snapshot.groups.iter().filter(ours) {
            let count = group.partitions().count();
            if count > room {
                continue;
            }
            room -= count;
            let known = before.remove(&group.id);
            let watched = match known {
                Some(same) if Arc::ptr_eq(&same.group, group) && !ends_are_due => same,
                known => follow(known, group, now_ms, ends_are_due),
            };
            self.groups.insert(group.id.clone(), watched);
        }
    }
}

/// A group with what is new about it; partitions that it has no more are forgotten.
fn follow(known: Option<Watched>, group: &Arc<Group>, now_ms: i64, ends_are_due: bool) -> Watched {
    let mut before = known.map(|known| known.partitions).unwrap_or_default();
    let mut partitions = HashMap::with_capacity(group.topics.len());
    for topic in &group.topics {
        let mut past = before.remove(&topic.name).unwrap_or_default();
        let mut now = HashMap::with_capacity(topic.partitions.len());
        for p in topic.partitions.iter().filter(|p| p.committed.is_some()) {
            let mut past = past.remove(&p.partition).unwrap_or_default();
            past.follow(p, now_ms, ends_are_due);
            now.insert(p.partition, past);
        }
        partitions.insert(topic.name.clone(), now);
    }
    Watched {
        group: Arc::clone(group),
        partitions,
    }
}

impl Past {
    fn follow(&mut self, p: &GroupPartition, now_ms: i64, ends_are_due: bool) {
        if let Some(end) = p.end_offset
            && (ends_are_due || self.ends.is_empty())
        {
            if self.ends.len() >= INTERVALS {
                self.ends.pop_front();
            }
            self.ends.push_back(end);
        }
        let (Some(committed), Some(end)) = (&p.committed, p.end_offset) else {
            return;
        };
        let newest = Some((committed.offset, committed.at_ms));
        if self.newest != newest {
            self.newest = newest;
            self.window.push(Commit {
                offset: committed.offset,
                at_ms: committed.at_ms,
                observed_ms: now_ms,
                lag: burrow::unread(committed.offset, end),
            });
        }
    }
}

#[cfg(test)]
mod tests;
