//! Writing the markers of a decided transaction, and that it is complete.

use std::sync::Arc;

use limpid_coordinator::transactions::{Markers as Wanted, Transactions as State};
use limpid_protocol::ErrorCode;

use super::Transactions;
use super::shard::Shard;
use crate::coordinator_log::marker::Marker;
use crate::coordinator_log::{self, Flushed};

impl Transactions {
    /// Writes what markers can be written now. In a task of its own, which ends its work also when
    /// whoever asked goes away.
    pub(super) async fn finish(self: &Arc<Self>, shard: &Arc<Shard>, id: &str) {
        let (transactions, shard, id) = (Arc::clone(self), Arc::clone(shard), Arc::from(id));
        let task = tokio::spawn(async move { transactions.finish_now(&shard, &id).await });
        if let Err(error) = task.await {
            tracing::error!(%error, "the markers of a transaction were not written to the end");
        }
    }

    async fn finish_now(&self, shard: &Arc<Shard>, id: &Arc<str>) {
        let Some(_claim) = shard.claim_markers(id) else {
            return;
        };
        let Ok(Some(wanted)) = shard.look(|state| state.markers(id)) else {
            return;
        };
        let written = self
            .write_markers(&wanted, shard.partition.leader_epoch())
            .await;
        shard.touch(|state| state.marked(&wanted, &written));
        let now_ms = self.clock.wall_ms();
        let complete = |state: &State| {
            let change = state.completion(now_ms, id);
            Ok((change.is_some(), change.into_iter().collect()))
        };
        match shard.change(now_ms, self.level(), complete) {
            // Nobody waits for this record: a restart writes the markers again without it.
            Ok((true, _flushed)) => match wanted.commit {
                true => self.metrics.committed.inc(),
                false => self.metrics.aborted.inc(),
            },
            Ok((false, _)) => {
                self.metrics.markers_delayed.inc();
                tracing::debug!(transactional.id = %id.escape_debug(), "markers are missing");
            }
            Err(error) => {
                let error = error.name();
                tracing::debug!(transactional.id = %id.escape_debug(), error, "not complete yet");
            }
        }
    }

    /// The partitions that need no marker (any more).
    async fn write_markers(&self, wanted: &Wanted, coordinator_epoch: i32) -> Vec<(Arc<str>, i32)> {
        let marker = Marker {
            producer: wanted.producer,
            coordinator_epoch,
            commit: wanted.commit,
            version: wanted.version,
        };
        let places = wanted.partitions.iter();
        let places = places.flat_map(|(topic, of)| of.iter().map(move |index| (topic, *index)));
        // All are appended before the disk is waited for: it can take them together.
        let begun: Vec<_> = places
            .map(|(topic, index)| {
                let done = self.markers.write(&marker, topic, index);
                ((Arc::clone(topic), index), done)
            })
            .collect();
        let mut written = Vec::with_capacity(begun.len());
        for (place, done) in begun {
            if self.is_marked(&place, done).await {
                written.push(place);
            }
        }
        written
    }

    async fn is_marked(
        &self,
        (topic, index): &(Arc<str>, i32),
        done: Result<Flushed, ErrorCode>,
    ) -> bool {
        match done {
            Ok(flushed) => match coordinator_log::wait(flushed).await {
                Ok(()) => true,
                Err(error) => {
                    tracing::error!(%topic, partition = index, error, "a marker is not on disk");
                    false
                }
            },
            // The partition is deleted.
            Err(ErrorCode::UnknownTopicOrPartition) => true,
            // The log has a marker of that epoch, or of a later one: this transaction has ended
            // there. That is so after a restart, when some markers are written a second time.
            Err(ErrorCode::InvalidProducerEpoch | ErrorCode::TransactionCoordinatorFenced) => true,
            Err(error) => {
                let error = error.name();
                tracing::debug!(%topic, partition = index, error, "a marker has to wait");
                false
            }
        }
    }
}
