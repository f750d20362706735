//! What happens without a request: timers, expiry of offsets, deletion with topics.

use std::sync::Arc;
use std::time::Duration;

use limpid_coordinator::Coordinator;
use limpid_protocol::Uuid;
use tokio::time::{Instant, sleep};

use super::Groups;
use super::shard::Shard;

/// Most timers of a shard that are handled before others get their turn.
const TIMERS_PER_TURN_MAX: usize = 100;
impl Groups {
    /// Reads the offsets topic if it is there, then handles timers until the broker drains.
    pub async fn run(self: Arc<Self>) {
        let mut drain = self.drain.clone();
        let check_every = self
            .settings
            .current()
            .broker()
            .groups
            .offsets_check_interval_ms;
        let check_every = Duration::from_millis(u64::try_from(check_every).unwrap_or(1));
        let mut next_check = Instant::now() + check_every;
        while !drain.has_begun() {
            self.topic.follow(self.now());
            self.topic.follow_settings();
            // A topic may have been deleted just before the broker went down.
            for shard in self.topic.newly_loaded() {
                self.forget_missing_topics_of(&shard).await;
            }
            let busy = self.fire_timers().await;
            if Instant::now() >= next_check {
                self.expire_all().await;
                next_check = Instant::now() + check_every;
            }
            if busy {
                tokio::task::yield_now().await;
                continue;
            }
            let nap = self.nap();
            tokio::select! {
                () = drain.begun() => return,
                () = sleep(nap) => {}
                () = self.alarm.rung() => {}
            }
        }
    }

    /// How long nothing is due.
    fn nap(&self) -> Duration {
        self.alarm.nap(self.now().mono_ms, || {
            let next = self.look_at_all(|coordinator| coordinator.next_deadline_ms());
            next.into_iter().flatten().min()
        })
    }

    /// True if there may be more that are due.
    async fn fire_timers(&self) -> bool {
        let mut busy = false;
        for shard in self.topic.loaded() {
            busy |= self.fire_timers_of(&shard).await;
        }
        busy
    }

    async fn fire_timers_of(&self, shard: &Shard) -> bool {
        for _ in 0..TIMERS_PER_TURN_MAX {
            let tick = |coordinator: &mut Coordinator, now, out: &mut _| coordinator.tick(now, out);
            match self.step_in(shard, tick).await {
                Ok(done) if done.value => {}
                _ => return false,
            }
        }
        true
    }

    /// Deletes offsets that are too old, group by group.
    async fn expire_all(&self) {
        for shard in self.topic.loaded() {
            let Ok(ids) = self.step_in(&shard, |c, _, _| c.ids()).await else {
                continue;
            };
            for id in ids.value {
                let done = self
                    .step_in(&shard, |c, now, out| c.expire(now, &id, out))
                    .await;
                if !done.is_ok_and(|done| done.value) {
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Deletes the offsets in topics that are gone, also if others have come under their names.
    pub async fn forget_missing_topics(&self) {
        for shard in self.topic.loaded() {
            self.forget_missing_topics_of(&shard).await;
        }
    }

    async fn forget_missing_topics_of(&self, shard: &Shard) {
        let Ok(ids) = self.step_in(shard, |c, _, _| c.ids()).await else {
            return;
        };
        for id in ids.value {
            let forget = |c: &mut Coordinator, now, out: &mut _| {
                // Looked at under the shard's lock: a commit that is there now was made to a topic
                // that this table knows, if it still exists.
                let table = self.topic.topics().table();
                let gone = |topic: &str, id: Uuid| match table.named(topic) {
                    None => true,
                    Some(known) => !id.is_zero() && known.id != id,
                };
                c.forget_topics(now, &id, gone, out)
            };
            if let Ok(done) = self.step_in(shard, forget).await
                && let Err(error) = done.written
            {
                let error = error.name();
                tracing::warn!(group.id = %id, error, "offsets of a deleted topic remain");
            }
        }
    }
}
