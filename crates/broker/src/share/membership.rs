//! Heartbeats of members, and the state that is set up and deleted for their group.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use limpid_coordinator::share_state::{NO_START, StateKey};
use limpid_coordinator::{Client, Refusal};
use limpid_protocol::messages::{ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse};
use limpid_protocol::{ErrorCode, Uuid};

use super::Shares;
use crate::coordinator_log;

/// Partitions by topic.
pub(super) type Partitions = BTreeMap<Uuid, BTreeSet<i32>>;

impl Shares {
    /// ShareGroupHeartbeat. Before a partition is assigned, its state is set up.
    ///
    /// # Errors
    /// What the member is to hear.
    pub async fn heartbeat(
        &self,
        request: ShareGroupHeartbeatRequest,
        client: Client,
    ) -> Result<ShareGroupHeartbeatResponse, Refusal> {
        let id = request.group_id.clone();
        let asked = self
            .groups
            .share(&id, |c, now, out| c.share_prepare(now, &request, out));
        let (epoch, missing) = asked.await?;
        if !missing.is_empty() {
            let starts = starts(&missing, |_, _| NO_START);
            match self.set_up(&id, epoch, &starts).await {
                Ok(()) => {
                    let kept = self
                        .groups
                        .share(&id, |c, now, out| c.share_kept(now, &id, &missing, out));
                    kept.await?;
                }
                // The member joins without them; the next heartbeat tries again.
                Err(error) => {
                    let error = error.name();
                    tracing::warn!(group.id = %id, error, "the state could not be set up");
                }
            }
        }
        self.groups
            .share(&id, |c, now, out| {
                c.share_heartbeat(now, request, client, out)
            })
            .await
    }

    /// Writes down where a group begins in partitions.
    pub(super) async fn set_up(
        &self,
        group: &str,
        epoch: i32,
        starts: &[(Uuid, i32, i64)],
    ) -> Result<(), ErrorCode> {
        let table = self.states.ensure().await?;
        let group: Arc<str> = group.into();
        let now_ms = self.clock.wall_ms();
        for (topic, partition, start) in starts {
            let key = StateKey {
                group: Arc::clone(&group),
                topic: *topic,
                partition: *partition,
            };
            let shard = table.shard_of(&key.coordinator_key())?;
            let written = shard.change(now_ms, |states| {
                Ok(vec![states.initialize(key, epoch, *start, now_ms)])
            })?;
            coordinator_log::wait(written)
                .await
                .map_err(|_| ErrorCode::NotCoordinator)?;
        }
        Ok(())
    }

    /// Deletes the state of partitions.
    pub(super) async fn tear_down(
        &self,
        group: &str,
        partitions: &Partitions,
    ) -> Result<(), ErrorCode> {
        let table = self.states.ensure().await?;
        let group: Arc<str> = group.into();
        let now_ms = self.clock.wall_ms();
        for (topic, indexes) in partitions {
            self.close(|key| key.group == group && key.topic == *topic);
            for partition in indexes {
                let key = StateKey {
                    group: Arc::clone(&group),
                    topic: *topic,
                    partition: *partition,
                };
                let shard = table.shard_of(&key.coordinator_key())?;
                let written = shard.change(now_ms, |states| {
                    Ok(states.delete(&key).into_iter().collect())
                })?;
                coordinator_log::wait(written)
                    .await
                    .map_err(|_| ErrorCode::NotCoordinator)?;
            }
        }
        Ok(())
    }

    /// DeleteGroups, of a share group. First the state goes, then the group.
    ///
    /// # Errors
    /// It has members, or something could not be written: then it can be tried again.
    pub async fn delete_group(&self, id: &str) -> Result<(), ErrorCode> {
        let asked = self
            .groups
            .share(id, |c, now, out| c.share_delete_all(now, id, out))
            .await;
        let partitions = asked.map_err(|refusal| refusal.error)?;
        if !partitions.is_empty() {
            self.tear_down(id, &partitions).await?;
        }
        let done = self.groups.step(id, |c, _, out| c.delete(id, out)).await?;
        done.value?;
        done.written
    }
}

/// Where to begin in each partition.
pub(super) fn starts(
    partitions: &Partitions,
    start: impl Fn(Uuid, i32) -> i64,
) -> Vec<(Uuid, i32, i64)> {
    let all = partitions
        .iter()
        .flat_map(|(topic, indexes)| indexes.iter().map(|partition| (*topic, *partition)));
    all.map(|(topic, partition)| (topic, partition, start(topic, partition)))
        .collect()
}
