//! Where share groups are: describing, altering and deleting that.

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_coordinator::Refusal;
use limpid_coordinator::share_state::{NO_COUNT, NO_START, StateKey};
use limpid_protocol::{ErrorCode, Uuid};

use super::Shares;
use super::membership::{Partitions, starts};

/// Where a group is in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Its start offset; −1 if there is none.
    pub start: i64,
    /// The epoch of the leader that read it last.
    pub leader_epoch: i32,
    /// Records that are not done; −1 if that is not known.
    pub lag: i64,
}

/// Where a group is in a partition of a topic that is there, for who looks at all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPartition {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The first record that is not done; `None` before somebody read.
    pub start: Option<i64>,
    /// Records behind it that are done.
    pub done: u64,
    /// The epoch of the leader that read it last.
    pub leader_epoch: i32,
    /// When that was written.
    pub written_ms: i64,
}

/// Nobody has read there.
const NOWHERE: Position = Position {
    start: NO_START,
    leader_epoch: 0,
    lag: -1,
};

impl Shares {
    /// Where a group is in a partition, as it is written.
    ///
    /// # Errors
    /// The state is not there yet.
    pub async fn position(
        &self,
        group: &str,
        topic: Uuid,
        partition: i32,
    ) -> Result<Position, ErrorCode> {
        let key = StateKey {
            group: group.into(),
            topic,
            partition,
        };
        let topics = self.topics.table();
        let Some(known) = topics.with_id(topic).and_then(|t| t.partition(partition)) else {
            return Ok(NOWHERE);
        };
        let shard = self.states.shard_of(&key).await?;
        let held = shard.look(|states| states.get(&key).cloned())?;
        let Some(held) = held else {
            return Ok(NOWHERE);
        };
        let end = known.log.high_watermark();
        let is_known = held.start != NO_START && held.done != NO_COUNT;
        Ok(Position {
            start: held.start,
            leader_epoch: held.leader_epoch.max(0),
            lag: if is_known {
                end - held.start - i64::from(held.done)
            } else {
                -1
            },
        })
    }

    /// Where a group is in all its partitions, as it is written; what is still being read is left out.
    pub fn positions(&self, group: &str) -> Vec<SharedPartition> {
        let group: Arc<str> = group.into();
        let topics = self.topics.table();
        let mut all = Vec::new();
        for shard in self.states.shards() {
            let looked = shard.look(|states| {
                all.extend(states.of_group(&group).filter_map(|(key, held)| {
                    let topic = topics.with_id(key.topic)?;
                    Some(SharedPartition {
                        topic: topic.name.to_string(),
                        partition: key.partition,
                        start: (held.start != NO_START).then_some(held.start),
                        done: u64::try_from(held.done).unwrap_or(0),
                        leader_epoch: held.leader_epoch.max(0),
                        written_ms: held.written_ms,
                    })
                }));
            });
            // One that is still being read has nothing to tell yet.
            looked.unwrap_or_default();
        }
        all
    }

    /// The partitions in which a group is somewhere, by topic.
    ///
    /// # Errors
    /// No coordinator can be had now.
    pub async fn known_partitions(
        &self,
        group: &str,
    ) -> Result<Vec<(Uuid, String, Vec<i32>)>, ErrorCode> {
        let done = self
            .groups
            .step(group, |c, _, _| c.share_partitions(group))
            .await?;
        Ok(done.value)
    }

    /// Moves a group without members to other offsets. It is made if it isn't there.
    ///
    /// # Errors
    /// It has members, is no share group, or the state can't be written.
    pub async fn alter(
        &self,
        group: &str,
        offsets: &BTreeMap<(Uuid, i32), i64>,
    ) -> Result<(), Refusal> {
        let mut partitions = Partitions::new();
        for (topic, partition) in offsets.keys() {
            partitions.entry(*topic).or_default().insert(*partition);
        }
        let asked = self.groups.share(group, |c, now, out| {
            c.share_alter(now, group, &partitions, out)
        });
        let epoch = asked.await?;
        if partitions.is_empty() {
            return Ok(());
        }
        let of: Arc<str> = group.into();
        self.close(|key| key.group == of && partitions.contains_key(&key.topic));
        let start = |topic, partition| {
            let offset = offsets.get(&(topic, partition));
            offset.copied().unwrap_or(NO_START)
        };
        self.set_up(group, epoch, &starts(&partitions, start))
            .await?;
        // Whoever read meanwhile has read what was there before.
        self.close(|key| key.group == of && partitions.contains_key(&key.topic));
        let kept = self.groups.share(group, |c, now, out| {
            c.share_kept(now, group, &partitions, out)
        });
        kept.await
    }

    /// Deletes where a group without members is in topics: which of them it knew.
    ///
    /// # Errors
    /// It has members, or there is none.
    pub async fn delete_offsets(&self, group: &str, topics: &[Uuid]) -> Result<Vec<Uuid>, Refusal> {
        let asked = self.groups.share(group, |c, now, out| {
            c.share_delete_offsets(now, group, topics, out)
        });
        let partitions = asked.await?;
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        self.tear_down(group, &partitions).await?;
        let deleted: Vec<Uuid> = partitions.into_keys().collect();
        let told = self.groups.share(group, |c, now, out| {
            c.share_deleted(now, group, &deleted, out)
        });
        told.await?;
        Ok(deleted)
    }
}
