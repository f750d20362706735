//! Consumer groups: what the coordinator knows of them, joined with the logs that they read.
//!
//! Commits are read first and the ends of the logs after them, so that nobody is ahead of a log.
//! A group that did not change keeps its pointer.
//!
//! The timestamp of the first unread record lies in a file. It is looked up once for each commit,
//! and only so often in a refresh ([`LOOKUPS_MAX`], [`LOOKUP_TIME_MAX`]): those that waited longest
//! come first, the others are told with the record before, which is older. Arrivals need no file;
//! where they are not known, the record's own timestamp takes their place.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use limpid_cluster::lag::{self, FirstUnread, Readable};
use limpid_cluster::watch::{self, GroupWatch};
use limpid_cluster::{
    Committed, Group, GroupActivity, GroupKind, GroupPartition, GroupState, GroupStatus,
    GroupTopic, Lately, Member, Rebalance, WatchedPartitions,
};
use limpid_coordinator::State;
use limpid_coordinator::view::{GroupType, GroupView, MemberView, RebalanceView};
use limpid_platform::clock::Clock;
use limpid_protocol::Uuid;
use limpid_storage::PartitionLog;

use super::world::World;
use crate::share::SharedPartition;

/// Most timestamps looked up in one refresh.
const LOOKUPS_MAX: usize = 256;
/// No further one is looked up after this time: the thread has logs to flush.
const LOOKUP_TIME_MAX: Duration = Duration::from_millis(50);

/// What is kept from one snapshot to the next.
#[derive(Default)]
pub(super) struct GroupMemory {
    known: HashMap<Arc<str>, Known>,
    refreshes: u64,
    watch: GroupWatch,
}

struct Known {
    view: Arc<GroupView>,
    group: Arc<Group>,
    /// Whether its members read committed records only, when that was known last.
    committed_only: Option<bool>,
    /// In the order of the group's partitions.
    stamps: Vec<Option<Stamp>>,
}

/// The timestamp of the first record at or after an offset.
#[derive(Debug, Clone, Copy)]
struct Stamp {
    offset: i64,
    found: Found,
    /// The refresh that looked it up.
    refresh: u64,
}

#[derive(Debug, Clone, Copy)]
enum Found {
    At(i64),
    /// Markers of transactions at most, up to this offset.
    NothingBefore(i64),
}

/// A partition that a group reads, while a snapshot is made.
struct Part {
    committed: Option<i64>,
    log: Option<(Arc<PartitionLog>, Readable)>,
    stamp: Option<Stamp>,
    /// Of a share group: records behind the first that is not done which are done.
    done: u64,
}

/// A group while a snapshot is made.
struct Draft {
    view: Arc<GroupView>,
    shape: Shape,
    parts: Vec<Part>,
    committed_only: Option<bool>,
}

enum Shape {
    /// Its view is the one of last time.
    Same(Arc<Group>),
    /// Made anew from its view.
    Fresh(Box<Group>, Option<Arc<Group>>),
}

impl GroupMemory {
    /// The groups now, by id. `views` must have been taken before this is called.
    pub(super) fn refresh(
        &mut self,
        views: Vec<Arc<GroupView>>,
        node_id: i32,
        world: &dyn World,
        clock: &dyn Clock,
    ) -> Vec<Arc<Group>> {
        self.refreshes += 1;
        let drafts = views.into_iter().map(|view| {
            let known = self.known.remove(&view.id);
            draft(view, known, node_id, world)
        });
        let mut drafts: Vec<Draft> = drafts.collect();
        look_up(&mut drafts, self.refreshes, clock);
        // A lag is the distance to now, and now is after everything was read.
        let now_ms = clock.wall_ms();
        self.known.clear();
        self.watch.begin();
        let mut groups = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let stamps = draft.parts.iter().map(|part| part.stamp).collect();
            let view = Arc::clone(&draft.view);
            let committed_only = draft.committed_only;
            let group = draft.finish(now_ms, &mut |group| self.watch.look(group, world, now_ms));
            groups.push(Arc::clone(&group));
            let known = Known {
                view: Arc::clone(&view),
                group,
                committed_only,
                stamps,
            };
            self.known.insert(Arc::clone(&view.id), known);
        }
        self.watch.end();
        groups.sort_by(|a, b| a.id.cmp(&b.id));
        groups
    }

    /// How many partitions are watched.
    pub(super) fn watched(&self) -> WatchedPartitions {
        let (now, left_out) = self.watch.partitions();
        WatchedPartitions {
            now: now as u64,
            max: watch::WATCHED_PARTITIONS_MAX as u64,
            left_out: left_out as u64,
        }
    }
}

fn draft(view: Arc<GroupView>, known: Option<Known>, node_id: i32, world: &dyn World) -> Draft {
    let before = known.as_ref().and_then(|known| known.committed_only);
    let shared = match view.group_type {
        GroupType::Share => world.shared(&view.id),
        GroupType::Classic | GroupType::Consumer => Vec::new(),
    };
    let (shape, stamps) = match known {
        // Where a share group is, its view does not say.
        Some(known) if Arc::ptr_eq(&known.view, &view) && view.group_type != GroupType::Share => {
            (Shape::Same(known.group), known.stamps)
        }
        known => {
            let fresh = group_of(&view, node_id, &shared, world);
            let stamps = known.as_ref().map(|known| moved(known, &fresh));
            let last = known.map(|known| known.group);
            (
                Shape::Fresh(Box::new(fresh), last),
                stamps.unwrap_or_default(),
            )
        }
    };
    let group = match &shape {
        Shape::Same(group) => &**group,
        Shape::Fresh(group, _) => group,
    };
    // Nobody is asked any more when they are gone: what was known holds.
    let committed_only = watch::committed_only(group.members.iter(), world).or(before);
    let done: HashMap<(&str, i32), u64> = shared
        .iter()
        .map(|s| ((s.topic.as_str(), s.partition), s.done))
        .collect();
    let parts = group.partitions().enumerate().map(|(i, (topic, p))| {
        let committed = p.committed.as_ref().map(|c| c.offset);
        let at = view.offsets.get(topic);
        let at = at.and_then(|at| at.get(&p.partition));
        let id = at.map_or(Uuid::ZERO, |committed| committed.topic_id);
        Part {
            committed,
            log: world
                .log(topic, p.partition)
                // Commits of a topic that was deleted say nothing of a new one of its name.
                .filter(|log| id == Uuid::ZERO || id == log.topic_id())
                .map(|log| {
                    // The start first: it never passes the end read after it.
                    let start = log.log_start_offset();
                    let end = match committed_only {
                        Some(true) => log.last_stable_offset(),
                        _ => log.high_watermark(),
                    };
                    (log, Readable { start, end })
                }),
            stamp: stamps.get(i).copied().flatten(),
            done: done.get(&(topic, p.partition)).copied().unwrap_or(0),
        }
    });
    let parts = parts.collect();
    Draft {
        view,
        shape,
        parts,
        committed_only,
    }
}

/// The stamps of the partitions that the group had before, in the order of those it has now.
fn moved(known: &Known, now: &Group) -> Vec<Option<Stamp>> {
    let before = known.group.partitions().zip(&known.stamps);
    let before: HashMap<(&str, i32), Stamp> = before
        .filter_map(|((topic, p), stamp)| Some(((topic, p.partition), (*stamp)?)))
        .collect();
    let stamps = now.partitions();
    stamps
        .map(|(topic, p)| before.get(&(topic, p.partition)).copied())
        .collect()
}

/// Looks up what is missing, what was looked up longest ago first. Groups that are at the same
/// offset share a lookup.
fn look_up(drafts: &mut [Draft], refresh: u64, clock: &dyn Clock) {
    let all = drafts.iter_mut().flat_map(|draft| &mut draft.parts);
    let mut due: Vec<(&mut Part, i64, i64)> = all
        .filter_map(|part| {
            let (offset, end) = part.must_look_up()?;
            Some((part, offset, end))
        })
        .collect();
    due.sort_by_key(|(part, ..)| part.stamp.map(|stamp| stamp.refresh));
    let began = clock.monotonic();
    let mut found: HashMap<(*const PartitionLog, i64), Option<Found>> = HashMap::new();
    for (part, offset, end) in due {
        let Some((log, _)) = &part.log else { continue };
        let key = (Arc::as_ptr(log), offset);
        let found = match found.get(&key) {
            Some(shared) => *shared,
            None => {
                let spent = clock.monotonic().saturating_sub(began) > LOOKUP_TIME_MAX;
                if spent || found.len() >= LOOKUPS_MAX {
                    continue;
                }
                *found.entry(key).or_insert_with(|| find(log, offset, end))
            }
        };
        if let Some(found) = found {
            part.stamp = Some(Stamp {
                offset,
                found,
                refresh,
            });
        }
    }
}

fn find(log: &PartitionLog, offset: i64, end: i64) -> Option<Found> {
    match log.timestamp_at(offset) {
        Ok(Some(ms)) => Some(Found::At(ms)),
        Ok(None) => Some(Found::NothingBefore(end)),
        // Retention was faster, or the disk is gone: who reads there will say so.
        Err(error) => {
            tracing::debug!(%error, topic.name = log.topic(), "can't read a record's time");
            None
        }
    }
}

impl Part {
    /// The offset whose timestamp is not known yet, and the end of the log.
    fn must_look_up(&self) -> Option<(i64, i64)> {
        let (committed, (_, log)) = (self.committed?, self.log.as_ref()?);
        let offset = lag::next_offset(committed, *log);
        let known = self.stamp.is_some_and(|stamp| {
            stamp.offset == offset
                && match stamp.found {
                    Found::At(_) => true,
                    Found::NothingBefore(end) => end >= log.end,
                }
        });
        (lag::records(committed, *log) > 0 && !known).then_some((offset, log.end))
    }

    fn first_unread(&self, now_ms: i64) -> FirstUnread {
        let (Some(committed), Some((log, readable))) = (self.committed, &self.log) else {
            return FirstUnread::UNKNOWN;
        };
        let offset = lag::next_offset(committed, *readable);
        let stamped_ms = match self.stamp {
            // Of an earlier record when there was no time to look: it is older.
            Some(stamp) if stamp.offset <= offset => match stamp.found {
                Found::NothingBefore(end) if end >= readable.end => return FirstUnread::None,
                Found::NothingBefore(_) => None,
                Found::At(ms) => Some(ms).filter(|ms| *ms >= 0),
            },
            _ => None,
        };
        let arrived_ms = log.arrival_ms(offset);
        FirstUnread::Known {
            arrived_ms: arrived_ms.or(stamped_ms.map(|ms| ms.min(now_ms))),
            stamped_ms,
        }
    }
}

impl Draft {
    fn finish(self, now_ms: i64, watch: &mut dyn FnMut(&Group) -> Lately) -> Arc<Group> {
        let lags: Vec<_> = self
            .parts
            .iter()
            .map(|part| {
                let log = part.log.as_ref().map(|(_, readable)| *readable);
                let lag = lag::lag(part.committed, log, part.first_unread(now_ms), now_ms);
                let lag = lag.map(|lag| lag::without(lag, part.done));
                (log.map(|l| l.start), log.map(|l| l.end), lag)
            })
            .collect();
        let facts = |p: &GroupPartition| (p.log_start_offset, p.end_offset, p.lag);
        let (mut group, last) = match self.shape {
            Shape::Fresh(group, last) => (*group, last),
            Shape::Same(last) => {
                let before = last.partitions().map(|(_, p)| facts(p));
                let same = before.eq(lags.iter().copied());
                if same && lag::status(&last, now_ms) == last.status && watch(&last) == last.lately
                {
                    return last;
                }
                ((*last).clone(), None)
            }
        };
        let topics = group.topics.iter_mut();
        let partitions = topics.flat_map(|topic| &mut topic.partitions);
        for (partition, (start, end, lag)) in partitions.zip(lags) {
            partition.log_start_offset = start;
            partition.end_offset = end;
            partition.lag = lag;
        }
        group.status = lag::status(&group, now_ms);
        group.lately = watch(&group);
        match last {
            Some(last) if *last == group => last,
            _ => Arc::new(group),
        }
    }
}

/// A group as its coordinator knows it; lag and status are to be filled in.
fn group_of(
    view: &GroupView,
    node_id: i32,
    shared: &[SharedPartition],
    world: &dyn World,
) -> Group {
    let mut rebalances: Vec<(String, u64)> = view
        .rebalances
        .iter()
        .map(|(cause, count)| (cause.as_str().to_owned(), *count))
        .collect();
    rebalances.sort();
    Group {
        id: view.id.to_string(),
        kind: match view.group_type {
            GroupType::Classic => GroupKind::Classic,
            GroupType::Consumer => GroupKind::Consumer,
            GroupType::Share => GroupKind::Share,
        },
        state: match view.state {
            State::Empty => GroupState::Empty,
            State::PreparingRebalance => GroupState::PreparingRebalance,
            State::CompletingRebalance => GroupState::CompletingRebalance,
            State::Assigning => GroupState::Assigning,
            State::Reconciling => GroupState::Reconciling,
            State::Stable => GroupState::Stable,
            State::Dead => GroupState::Dead,
        },
        state_since_ms: view.state_since_ms,
        protocol_type: view.protocol_type.clone(),
        protocol: view.protocol.clone(),
        coordinator: node_id,
        generation: view.generation,
        members: view.members.iter().map(member).collect(),
        topics: topics_of(view, shared, world),
        activity: GroupActivity {
            commits: view.commits,
            rebalances,
            last_rebalance: view.last_rebalance.as_ref().map(rebalance),
        },
        offsets_expire_at_ms: view.offsets_expire_at_ms,
        status: GroupStatus::Ok,
        lately: Lately::default(),
    }
}

fn member(view: &MemberView) -> Member {
    Member {
        id: view.id.to_string(),
        instance_id: view.instance_id.clone(),
        client_id: view.client_id.clone(),
        host: view.host.clone(),
        assignment: view.assignment.clone(),
    }
}

fn rebalance(view: &RebalanceView) -> Rebalance {
    Rebalance {
        ended_at_ms: view.ended_at_ms,
        took_ms: view.took_ms,
        cause: view.cause.as_str().to_owned(),
        members: view.members,
    }
}

/// Partitions with a commit, and those that a member owns. An assignment is what a client says: of
/// partitions that do not exist nothing is kept.
fn topics_of(view: &GroupView, shared: &[SharedPartition], world: &dyn World) -> Vec<GroupTopic> {
    let mut topics: BTreeMap<&str, BTreeMap<i32, GroupPartition>> = BTreeMap::new();
    let named = |partition| GroupPartition {
        partition,
        ..GroupPartition::default()
    };
    for (topic, offsets) in &view.offsets {
        let partitions = topics.entry(topic).or_default();
        for (index, committed) in offsets {
            let entry = partitions.entry(*index).or_insert_with(|| named(*index));
            entry.committed = Some(Committed {
                offset: committed.offset,
                leader_epoch: committed.leader_epoch,
                metadata: committed.metadata.to_string(),
                at_ms: committed.commit_ms,
            });
        }
    }
    for at in shared {
        let partitions = topics.entry(&at.topic).or_default();
        let entry = partitions
            .entry(at.partition)
            .or_insert_with(|| named(at.partition));
        entry.committed = at.start.map(|offset| Committed {
            offset,
            leader_epoch: at.leader_epoch,
            metadata: String::new(),
            at_ms: at.written_ms,
        });
    }
    for member in &view.members {
        for (topic, indexes) in &member.assignment {
            for index in indexes {
                let known = topics.get(topic.as_str());
                let known = known.is_some_and(|partitions| partitions.contains_key(index));
                if known || world.log(topic, *index).is_some() {
                    let partitions = topics.entry(topic).or_default();
                    let entry = partitions.entry(*index).or_insert_with(|| named(*index));
                    entry.owner = Some(member.id.to_string());
                }
            }
        }
    }
    let topics = topics.into_iter().map(|(name, partitions)| GroupTopic {
        name: name.to_owned(),
        partitions: partitions.into_values().collect(),
    });
    topics.collect()
}

#[cfg(test)]
mod tests;
