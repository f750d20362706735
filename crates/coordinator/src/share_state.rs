//! What is kept of the partitions of share groups: one partition of `__share_group_state`.
//!
//! ```text
//! key:    record type i16 (0 snapshot, 1 update) | group, topic id, partition
//! value:  schema version i16 | value; no value at all is a tombstone
//! ```
//! A snapshot says everything, an update what changed since. Both are Kafka's schemas. As with other
//! coordinators here, a change is planned, written, and only then applied.

mod record;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_protocol::Uuid;
use limpid_protocol::messages::share_snapshot_value::ShareSnapshotValue;
use limpid_protocol::messages::share_update_value::ShareUpdateValue;

pub use self::record::{StateChange, StateRecord};
use self::record::{batch_of_snapshot, batch_of_update, snapshot_batch, update_batch};
use crate::delivery::{Batch, Deliveries, Write};

/// "Nobody has read it yet": where to begin is decided by whoever reads first.
pub const NO_START: i64 = -1;
/// "Nobody has counted."
pub const NO_COUNT: i32 = -1;
/// The leader epoch of a state that nobody has read yet, as in Kafka.
const FIRST_EPOCH: i32 = 0;

/// A partition of a share group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateKey {
    /// `group.id`.
    pub group: Arc<str>,
    /// The topic.
    pub topic: Uuid,
    /// The partition.
    pub partition: i32,
}

impl StateKey {
    /// As the partition of the state topic is found by.
    pub fn coordinator_key(&self) -> String {
        format!("{}:{}:{}", self.group, self.topic, self.partition)
    }
}

/// What is kept of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    snapshot_epoch: i32,
    /// The group's epoch when the state was set up.
    pub state_epoch: i32,
    /// Of the partition, when somebody read it last.
    pub leader_epoch: i32,
    /// Nothing before this offset matters; [`NO_START`] at first.
    pub start: i64,
    /// How many records behind it are done; [`NO_COUNT`] as long as there is no start.
    pub done: i32,
    /// What became of records behind it.
    pub batches: Vec<Batch>,
    created_ms: i64,
    /// When that was written last.
    pub written_ms: i64,
    /// Since the last snapshot.
    updates: i32,
}

/// All of a partition of the state topic.
#[derive(Debug, Default)]
pub struct ShareStates {
    held: BTreeMap<StateKey, Held>,
}

impl ShareStates {
    /// What is kept of a partition.
    pub fn get(&self, key: &StateKey) -> Option<&Held> {
        self.held.get(key)
    }

    /// What is kept of the partitions of a group.
    pub fn of_group(&self, group: &Arc<str>) -> impl Iterator<Item = (&StateKey, &Held)> {
        let first = StateKey {
            group: Arc::clone(group),
            topic: Uuid::ZERO,
            partition: i32::MIN,
        };
        let all = self.held.range(first..);
        all.take_while(move |(key, _)| key.group == *group)
    }

    /// How many partitions there are.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Those in topics that are gone.
    pub fn without_topic(&self, exists: impl Fn(Uuid) -> bool) -> Vec<StateKey> {
        let gone = self.held.keys().filter(|key| !exists(key.topic));
        gone.cloned().collect()
    }

    /// Sets the state of a partition up, or anew.
    pub fn initialize(
        &self,
        key: StateKey,
        state_epoch: i32,
        start: i64,
        now_ms: i64,
    ) -> StateRecord {
        let before = self.held.get(&key);
        let snapshot_epoch = before.map_or(0, |held| held.snapshot_epoch.saturating_add(1));
        let value = ShareSnapshotValue {
            snapshot_epoch,
            state_epoch,
            leader_epoch: FIRST_EPOCH,
            start_offset: start,
            delivery_complete_count: if start == NO_START { NO_COUNT } else { 0 },
            create_timestamp: now_ms,
            write_timestamp: now_ms,
            state_batches: Vec::new(),
        };
        StateRecord {
            key,
            change: StateChange::Snapshot(Some(value)),
        }
    }

    /// The leader of a partition reads it; a record if it is another one than before.
    pub fn lead(&self, key: &StateKey, leader_epoch: i32) -> Option<StateRecord> {
        let held = self.held.get(key)?;
        if held.leader_epoch == leader_epoch {
            return None;
        }
        Some(StateRecord {
            key: key.clone(),
            change: StateChange::Update(ShareUpdateValue {
                snapshot_epoch: held.snapshot_epoch,
                leader_epoch,
                start_offset: held.start,
                delivery_complete_count: held.done,
                state_batches: Vec::new(),
            }),
        })
    }

    /// Something became of records. `None` if the state was never set up, or is deleted.
    pub fn update(
        &self,
        key: &StateKey,
        write: &Write,
        now_ms: i64,
        updates_max: i32,
    ) -> Option<StateRecord> {
        let held = self.held.get(key)?;
        let done = i32::try_from(write.done).unwrap_or(i32::MAX);
        let change = if held.updates >= updates_max {
            StateChange::Snapshot(Some(ShareSnapshotValue {
                snapshot_epoch: held.snapshot_epoch.saturating_add(1),
                state_epoch: held.state_epoch,
                leader_epoch: held.leader_epoch,
                start_offset: write.start,
                delivery_complete_count: done,
                create_timestamp: now_ms,
                write_timestamp: now_ms,
                state_batches: held
                    .merged(write.start, &write.batches)
                    .into_iter()
                    .map(snapshot_batch)
                    .collect(),
            }))
        } else {
            StateChange::Update(ShareUpdateValue {
                snapshot_epoch: held.snapshot_epoch,
                leader_epoch: held.leader_epoch,
                start_offset: write.start,
                delivery_complete_count: done,
                state_batches: write.batches.iter().copied().map(update_batch).collect(),
            })
        };
        Some(StateRecord {
            key: key.clone(),
            change,
        })
    }

    /// A snapshot of what was not written for `older_than_ms`, so that old records can go.
    pub fn refresh(&self, now_ms: i64, older_than_ms: i64) -> Vec<StateRecord> {
        let old = self.held.iter().filter(|(_, held)| {
            held.updates > 0 && now_ms.saturating_sub(held.written_ms) >= older_than_ms
        });
        let records = old.map(|(key, held)| StateRecord {
            key: key.clone(),
            change: StateChange::Snapshot(Some(ShareSnapshotValue {
                snapshot_epoch: held.snapshot_epoch.saturating_add(1),
                state_epoch: held.state_epoch,
                leader_epoch: held.leader_epoch,
                start_offset: held.start,
                delivery_complete_count: held.done,
                create_timestamp: held.created_ms,
                write_timestamp: now_ms,
                state_batches: held.batches.iter().copied().map(snapshot_batch).collect(),
            })),
        });
        records.collect()
    }

    /// Deletes the state of a partition.
    pub fn delete(&self, key: &StateKey) -> Option<StateRecord> {
        self.held.contains_key(key).then(|| StateRecord {
            key: key.clone(),
            change: StateChange::Snapshot(None),
        })
    }

    /// Takes over a record.
    pub fn apply(&mut self, record: StateRecord) {
        let StateRecord { key, change } = record;
        match change {
            StateChange::Snapshot(None) => drop(self.held.remove(&key)),
            StateChange::Snapshot(Some(value)) => {
                let batches = value.state_batches.iter().filter_map(batch_of_snapshot);
                let held = Held {
                    snapshot_epoch: value.snapshot_epoch,
                    state_epoch: value.state_epoch,
                    leader_epoch: value.leader_epoch,
                    start: value.start_offset,
                    done: value.delivery_complete_count,
                    batches: batches.collect(),
                    created_ms: value.create_timestamp,
                    written_ms: value.write_timestamp,
                    updates: 0,
                };
                self.held.insert(key, held);
            }
            StateChange::Update(value) => {
                // Without its snapshot an update says nothing.
                let Some(held) = self.held.get_mut(&key) else {
                    return;
                };
                let start = match value.start_offset {
                    NO_START => held.start,
                    start => start,
                };
                let batches: Vec<Batch> = value
                    .state_batches
                    .iter()
                    .filter_map(batch_of_update)
                    .collect();
                held.batches = held.merged(start, &batches);
                held.start = start;
                held.leader_epoch = value.leader_epoch;
                held.done = value.delivery_complete_count;
                held.updates = held.updates.saturating_add(1);
            }
        }
    }
}

impl Held {
    fn merged(&self, start: i64, more: &[Batch]) -> Vec<Batch> {
        let all = self.batches.iter().chain(more).copied();
        Deliveries::merge(start, all).batches()
    }

    /// The deliveries of a partition that is read from `start` on.
    pub fn deliveries(&self, start: i64) -> Deliveries {
        Deliveries::restore(start, self.batches.iter().copied())
    }
}
