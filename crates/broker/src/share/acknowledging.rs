//! What members say of records, and what they had when they go.

use std::sync::Arc;
use std::time::Duration;

use limpid_coordinator::Refusal;
use limpid_coordinator::delivery::Acknowledgement;
use limpid_coordinator::share_state::StateKey;
use limpid_protocol::ErrorCode;

use super::sessions::SessionKey;
use super::{Shares, rules, tallies};
use crate::coordinator_log;
use crate::metrics::Acknowledged;

/// Longest wait of a client that found no place for its session.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// What a member says of a partition.
#[derive(Debug)]
pub struct Said {
    /// The partition.
    pub key: StateKey,
    /// In the order of offsets.
    pub batches: Vec<Acknowledgement>,
}

impl Shares {
    /// Takes over what a member says. It is in the log before this returns.
    ///
    /// # Errors
    /// What it is to hear; nothing was changed.
    pub async fn acknowledge(&self, member: &str, said: &Said) -> Result<(), Refusal> {
        let share = self.opened(&said.key);
        let share = share.ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let rules = rules(&self.settings_of(&said.key.group));
        let now_ms = self.mono_ms();
        let mut given_up = 0;
        let flushed = share.change(self.write(), |deliveries| {
            let plan = deliveries.plan_acknowledgement(now_ms, member, &said.batches, &rules)?;
            given_up = tallies::given_up(&plan.1, &said.batches, rules.deliveries_max);
            Ok(Some(plan))
        })?;
        self.tallies.given_up(&said.key.group, given_up);
        self.alarm.wake_by(share.deadline_ms());
        if let Err(why) = coordinator_log::wait(flushed).await {
            tracing::error!(error = why, "the disk failed a share group");
            return Err(ErrorCode::CoordinatorNotAvailable.into());
        }
        self.count(&said.batches);
        Ok(())
    }

    fn count(&self, batches: &[Acknowledgement]) {
        for batch in batches {
            let records = batch.last.saturating_sub(batch.first).saturating_add(1);
            let each = match batch.verdicts.len() {
                1 => u64::try_from(records).unwrap_or(0),
                _ => 1,
            };
            for verdict in &batch.verdicts {
                self.acknowledged.get(Acknowledged(*verdict)).inc_by(each);
            }
        }
    }

    /// Ends a session: others get at once what the member had. With a number, only the session with
    /// that number. False if there is none.
    pub fn end_session(&self, key: &SessionKey, number: Option<u64>) -> bool {
        let Some(partitions) = self.sessions.end(key, number) else {
            return false;
        };
        let (group, member) = key;
        let rules = rules(&self.settings_of(group));
        for (topic, partition) in partitions {
            let key = StateKey {
                group: Arc::clone(group),
                topic,
                partition,
            };
            let Some(share) = self.opened(&key) else {
                continue;
            };
            let released = share.change(self.write(), |deliveries| {
                Ok(deliveries.plan_release(member, &rules))
            });
            if let Err(refusal) = released {
                // They are available when their locks are over.
                let error = refusal.error.name();
                tracing::debug!(group.id = %group, error, "records could not be released");
            }
        }
        true
    }

    /// The connection of a member is lost, and its session with it.
    pub fn connection_lost(&self, key: &SessionKey, number: u64) {
        if self.end_session(key, Some(number)) {
            self.metrics.evictions.inc();
        }
        let (group, _) = key;
        if !self.sessions.has_group(group) {
            self.close(|key| key.group == *group);
        }
    }

    /// Lets a client wait that would come again at once.
    pub async fn wait(&self, max_wait_ms: i32) {
        let wait = Duration::from_millis(u64::try_from(max_wait_ms).unwrap_or(0));
        let mut drain = self.drain.clone();
        tokio::select! {
            () = drain.begun() => {}
            () = tokio::time::sleep(wait.min(WAIT_MAX)) => {}
        }
    }

    /// The time of a write, and how many updates there are between two snapshots.
    pub(super) fn write(&self) -> (i64, i32) {
        let config = self.settings.current();
        let updates_max = config.broker().groups.share.updates_per_snapshot;
        (self.clock.wall_ms(), updates_max)
    }
}
