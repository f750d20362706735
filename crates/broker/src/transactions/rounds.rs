//! What happens without a request: markers that had to wait, transactions that take too long,
//! transactional ids that nobody uses.

use std::sync::Arc;
use std::time::Duration;

use limpid_coordinator::transactions::Transactions as State;
use tokio::time::{Instant, sleep};

use super::Transactions;
use super::shard::Shard;
use crate::coordinator_log;

/// How often markers are tried again, and new partitions of the topic are looked for.
const ROUND: Duration = Duration::from_secs(1);
/// Most ids that are forgotten in one append.
const EXPIRED_PER_APPEND_MAX: usize = 500;

impl Transactions {
    /// Reads the topic if it is there, then looks after it until the broker drains.
    pub async fn run(self: Arc<Self>) {
        let mut drain = self.drain.clone();
        let (mut last_abort, mut last_expiry) = (Instant::now(), Instant::now());
        while !drain.has_begun() {
            self.topic.follow();
            self.finish_unmarked().await;
            let (abort_every, expire_every) = self.intervals();
            if last_abort.elapsed() >= abort_every {
                last_abort = Instant::now();
                self.abort_overdue().await;
            }
            if last_expiry.elapsed() >= expire_every {
                last_expiry = Instant::now();
                self.forget_idle().await;
            }
            let nap = ROUND.min(abort_every).min(expire_every);
            tokio::select! {
                () = drain.begun() => return,
                () = sleep(nap) => {}
            }
        }
    }

    fn intervals(&self) -> (Duration, Duration) {
        let config = self.settings.current();
        let config = &config.broker().transactions;
        (
            Duration::from_millis(config.abort_interval_ms.max(1)),
            Duration::from_millis(config.expiration_interval_ms.max(1)),
        )
    }

    async fn finish_unmarked(self: &Arc<Self>) {
        for shard in self.topic.shards() {
            let unmarked = shard.look(|state| state.unmarked()).unwrap_or_default();
            for id in unmarked {
                self.finish(&shard, &id).await;
            }
        }
    }

    async fn abort_overdue(self: &Arc<Self>) {
        let now_ms = self.clock.wall_ms();
        for shard in self.topic.shards() {
            let overdue = shard
                .look(|state| state.overdue(now_ms))
                .unwrap_or_default();
            for id in overdue {
                self.abort(&shard, &id).await;
            }
        }
    }

    async fn abort(self: &Arc<Self>, shard: &Arc<Shard>, id: &Arc<str>) {
        let level = self.level();
        let plan = |state: &State, now_ms: i64| {
            let change = state.abort_overdue(now_ms, id, level);
            Ok((change.is_some(), change))
        };
        match self.change(shard, plan).await {
            Ok(true) => {
                self.metrics.timed_out.inc();
                tracing::info!(
                    transactional.id = %id.escape_debug(),
                    "a transaction took too long and is aborted"
                );
                self.finish(shard, id).await;
            }
            Ok(false) => {}
            Err(error) => {
                let error = error.name();
                tracing::warn!(
                    transactional.id = %id.escape_debug(),
                    error,
                    "a transaction that took too long can't be aborted now"
                );
            }
        }
    }

    async fn forget_idle(&self) {
        let now_ms = self.clock.wall_ms();
        let expiration_ms = i64::from(
            self.settings
                .current()
                .broker()
                .transactions
                .id_expiration_ms,
        );
        for shard in self.topic.shards() {
            loop {
                let plan = |state: &State| {
                    let idle = state.expired(now_ms, expiration_ms, EXPIRED_PER_APPEND_MAX);
                    Ok((idle.len(), idle))
                };
                let Ok((forgotten, flushed)) = shard.change(now_ms, self.level(), plan) else {
                    break;
                };
                if forgotten > 0 {
                    tracing::info!(
                        partition = shard.partition.index,
                        ids = forgotten,
                        "transactional ids that nobody used are forgotten"
                    );
                }
                let safe = coordinator_log::wait(flushed).await.is_ok();
                if forgotten < EXPIRED_PER_APPEND_MAX || !safe {
                    break;
                }
            }
        }
    }
}
