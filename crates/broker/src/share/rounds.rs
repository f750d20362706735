//! What happens without a request: locks that are over, topics that are gone, records of the state
//! topic that are not needed any more.

use std::sync::Arc;
use std::time::Duration;

use limpid_coordinator::share_state::StateKey;
use tokio::time::{Instant, sleep};

use super::shard::Shard;
use super::{Shares, rules};

impl Shares {
    /// Reads the state topic if it is there, then looks after it until the broker drains.
    pub async fn run(self: Arc<Self>) {
        let mut drain = self.drain.clone();
        let mut last_pruned = Instant::now();
        while !drain.has_begun() {
            self.states.follow();
            // A topic may have been deleted just before the broker went down.
            for shard in self.states.shards() {
                if shard.claim_check() {
                    self.forget_missing_topics_of(&shard);
                }
            }
            self.expire_locks();
            let config = self.settings.current();
            let prune_ms = config.broker().groups.share.prune_interval_ms;
            let prune_every = Duration::from_millis(u64::try_from(prune_ms).unwrap_or(1).max(1));
            if last_pruned.elapsed() >= prune_every {
                last_pruned = Instant::now();
                self.prune();
            }
            let nap = self.nap();
            tokio::select! {
                () = drain.begun() => return,
                () = sleep(nap) => {}
                () = self.alarm.rung() => {}
            }
        }
    }

    /// How long no lock ends.
    fn nap(&self) -> Duration {
        let nap = self.alarm.nap(self.mono_ms(), || {
            let open = self.open.lock();
            open.values().filter_map(|share| share.deadline_ms()).min()
        });
        nap.max(Duration::from_millis(1))
    }

    fn expire_locks(&self) {
        let now_ms = self.mono_ms();
        let due: Vec<_> = {
            let open = self.open.lock();
            let is_due = |at: Option<u64>| at.is_some_and(|at| at <= now_ms);
            let due = open.values().filter(|share| is_due(share.deadline_ms()));
            due.cloned().collect()
        };
        for share in due {
            let group = &share.key.group;
            let rules = rules(&self.settings_of(group));
            let expired = share.expire(self.write(), |state| {
                let plan = state.plan_expiry(now_ms, &rules)?;
                self.tallies.expired(group, &plan.1);
                Some(plan)
            });
            if expired.is_some() {
                self.metrics.expired_locks.inc();
            }
            if let Some(Err(error)) = expired {
                let error = error.name();
                tracing::warn!(group.id = %group, error, "locks that are over are not written");
            }
        }
    }

    /// Forgets what is kept of topics that are gone.
    pub fn forget_missing_topics(&self) {
        let topics = self.topics.table();
        self.close(|key| topics.with_id(key.topic).is_none());
        self.tallies.keep(|group| self.has_state(group));
        for shard in self.states.shards() {
            self.forget_missing_topics_of(&shard);
        }
    }

    fn forget_missing_topics_of(&self, shard: &Shard) {
        let topics = self.topics.table();
        let done = shard.change(self.clock.wall_ms(), |states| {
            let gone = states.without_topic(|id| topics.with_id(id).is_some());
            let gone: Vec<StateKey> = gone.into_iter().collect();
            Ok(gone.iter().filter_map(|key| states.delete(key)).collect())
        });
        if let Err(error) = done {
            let error = error.name();
            tracing::debug!(error, "the state of a deleted topic remains");
        }
    }

    /// Cuts the state topic behind what is needed; partitions that hold it up are written anew.
    fn prune(&self) {
        let config = self.settings.current();
        let cold_ms = config.broker().groups.share.cold_snapshot_interval_ms;
        let now_ms = self.clock.wall_ms();
        for shard in self.states.shards() {
            let refreshed = shard.change(now_ms, |states| {
                Ok(states.refresh(now_ms, i64::from(cold_ms)))
            });
            let log = &shard.partition.log;
            let Some(needed) = shard.needed_from() else {
                continue;
            };
            if refreshed.is_err() || needed <= log.log_start_offset() {
                continue;
            }
            if let Err(error) = log.delete_records_before(needed) {
                tracing::debug!(partition = shard.partition.index, %error, "not pruned");
            }
        }
    }
}
