//! What is remembered of each client between its requests.
//!
//! Nobody is forgotten before [`IDLE_MIN`] or three of its intervals have passed, unless there are
//! more than [`INSTANCES_MAX`]: then whoever was silent longest goes, and is taken in anew with its
//! next request (`ClientMetricsManager` of Kafka does the same).

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use limpid_protocol::{ErrorCode, Uuid};

/// Most clients remembered (Kafka's `CLIENT_METRICS_CACHE_MAX_SIZE`).
pub const INSTANCES_MAX: usize = 16_384;
/// Kafka's `CLIENT_METRICS_CACHE_EXPIRY_MS`.
const IDLE_MIN: Duration = Duration::from_secs(60);
const IDLE_INTERVALS: u32 = 3;

/// One client.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Instance {
    subscription_id: i32,
    interval: Duration,
    asked: Option<Duration>,
    pushed: Option<Duration>,
    /// It was told to ask again at once.
    must_ask: bool,
    is_gone: bool,
    /// Its place in the order of use.
    used: u64,
    seen: Duration,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Instances {
    known: HashMap<Uuid, Instance>,
    /// By use, oldest first.
    order: BTreeMap<u64, Uuid>,
    uses: u64,
}

impl Instances {
    /// How many are known.
    #[must_use]
    pub fn count(&self) -> usize {
        self.known.len()
    }

    /// A client asks what it is to push, at `now`.
    ///
    /// # Errors
    /// THROTTLING_QUOTA_EXCEEDED: it asks more often than it was told to.
    pub fn ask(
        &mut self,
        id: Uuid,
        subscription_id: i32,
        interval: Duration,
        now: Duration,
    ) -> Result<(), ErrorCode> {
        let instance = self.take_up(id, subscription_id, interval, now);
        let last = instance.asked.max(instance.pushed);
        let is_early = last.is_some_and(|last| now.saturating_sub(last) < instance.interval);
        if is_early && !instance.must_ask && instance.subscription_id == subscription_id {
            return Err(ErrorCode::ThrottlingQuotaExceeded);
        }
        instance.asked = Some(now);
        instance.must_ask = false;
        instance.subscription_id = subscription_id;
        instance.interval = interval;
        Ok(())
    }

    /// A client pushes by the subscription `claimed`, at `now`; `current` is what it should have.
    ///
    /// # Errors
    /// - UNKNOWN_SUBSCRIPTION_ID: it is to ask again.
    /// - THROTTLING_QUOTA_EXCEEDED: too early.
    /// - INVALID_REQUEST: it said before that it won't push again.
    pub fn push(
        &mut self,
        id: Uuid,
        claimed: i32,
        current: (i32, Duration),
        is_last: bool,
        now: Duration,
    ) -> Result<(), ErrorCode> {
        let (subscription_id, interval) = current;
        let instance = self.take_up(id, subscription_id, interval, now);
        if instance.is_gone {
            return Err(ErrorCode::InvalidRequest);
        }
        let since_asked = instance.asked >= instance.pushed;
        let waited = |last: Duration| now.saturating_sub(last) >= instance.interval;
        if !since_asked && !is_last && !instance.pushed.is_none_or(waited) {
            return Err(ErrorCode::ThrottlingQuotaExceeded);
        }
        instance.pushed = Some(now);
        if claimed != subscription_id {
            instance.must_ask = true;
            return Err(ErrorCode::UnknownSubscriptionId);
        }
        instance.is_gone = is_last;
        Ok(())
    }

    /// A push of this client could not be used for a reason that asking again may mend.
    pub fn must_ask(&mut self, id: Uuid) {
        if let Some(instance) = self.known.get_mut(&id) {
            instance.must_ask = true;
        }
    }

    fn take_up(
        &mut self,
        id: Uuid,
        subscription_id: i32,
        interval: Duration,
        now: Duration,
    ) -> &mut Instance {
        self.forget_idle(now);
        if !self.known.contains_key(&id) && self.known.len() >= INSTANCES_MAX {
            self.forget_oldest();
        }
        self.uses += 1;
        let used = self.uses;
        self.order.insert(used, id);
        let fresh = Instance {
            subscription_id,
            interval,
            asked: None,
            pushed: None,
            must_ask: false,
            is_gone: false,
            used,
            seen: now,
        };
        let instance = self.known.entry(id).or_insert(fresh);
        if instance.used != used {
            self.order.remove(&instance.used);
        }
        instance.used = used;
        instance.seen = now;
        instance
    }

    /// From the oldest on, as far as they are idle; one that lives longer shields those behind it
    /// until it is used or goes.
    fn forget_idle(&mut self, now: Duration) {
        while let Some((_, id)) = self.order.first_key_value() {
            let idle = self.known.get(id).map(|instance| {
                let allowed = IDLE_MIN.max(instance.interval * IDLE_INTERVALS);
                now.saturating_sub(instance.seen) > allowed
            });
            if idle == Some(false) {
                return;
            }
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, id)) = self.order.pop_first() {
            self.known.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests;
