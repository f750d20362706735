//! A partition that members of a share group read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use limpid_coordinator::Refusal;
use limpid_coordinator::delivery::{Deliveries, Plan};
use limpid_coordinator::share_state::StateKey;
use limpid_protocol::ErrorCode;
use parking_lot::Mutex;

use super::shard::Shard;
use crate::coordinator_log::Flushed;
use crate::topics::Partition;
use crate::waiters::{Waiter, Waiters};

/// "No lock is held."
const NEVER: u64 = u64::MAX;

/// A partition of a share group.
pub(super) struct SharePartition {
    pub(super) key: StateKey,
    pub(super) partition: Arc<Partition>,
    shard: Arc<Shard>,
    state: Mutex<Deliveries>,
    /// When the first lock is over.
    deadline_ms: AtomicU64,
    /// Somebody reads records that it is going to acquire.
    fetching: AtomicBool,
    /// Somebody else wanted to.
    contended: AtomicBool,
    closed: AtomicBool,
    /// Fetches that wait for records to become available again.
    pub(super) waiters: Waiters,
}

impl SharePartition {
    pub(super) fn new(
        key: StateKey,
        partition: Arc<Partition>,
        shard: Arc<Shard>,
        deliveries: Deliveries,
    ) -> Self {
        Self {
            key,
            partition,
            shard,
            state: Mutex::new(deliveries),
            deadline_ms: AtomicU64::new(NEVER),
            fetching: AtomicBool::new(false),
            contended: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            waiters: Waiters::default(),
        }
    }

    /// It is not the one to be asked any more.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.waiters.wake_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// When the first lock is over, if there is one.
    pub(super) fn deadline_ms(&self) -> Option<u64> {
        let at = self.deadline_ms.load(Ordering::Acquire);
        (at != NEVER).then_some(at)
    }

    /// Looks at the state, or changes what need not be written.
    pub(super) fn touch<T>(&self, touch: impl FnOnce(&mut Deliveries) -> T) -> T {
        let mut state = self.state.lock();
        let value = touch(&mut state);
        self.set_deadline(&state);
        value
    }

    /// Plans a change, writes it, and makes it the state.
    ///
    /// # Errors
    /// What the plan says, or the log; nothing was changed.
    pub(super) fn change(
        &self,
        write: (i64, i32),
        plan: impl FnOnce(&Deliveries) -> Result<Option<Plan>, Refusal>,
    ) -> Result<Flushed, Refusal> {
        let mut state = self.state.lock();
        if self.is_closed() {
            return Err(ErrorCode::UnknownTopicOrPartition.into());
        }
        let Some(plan) = plan(&state)? else {
            return Ok(None);
        };
        let flushed = self.write(write, &plan)?;
        *state = plan.0;
        self.set_deadline(&state);
        drop(state);
        self.waiters.wake_all();
        Ok(flushed)
    }

    /// Locks that are over are taken away, also if that can't be written: what is available is not
    /// for the log to decide.
    pub(super) fn expire(
        &self,
        write: (i64, i32),
        plan: impl FnOnce(&Deliveries) -> Option<Plan>,
    ) -> Option<Result<Flushed, ErrorCode>> {
        let mut state = self.state.lock();
        let plan = plan(&state)?;
        let written = self.write(write, &plan);
        *state = plan.0;
        self.set_deadline(&state);
        drop(state);
        self.waiters.wake_all();
        Some(written)
    }

    fn write(
        &self,
        (now_ms, updates_max): (i64, i32),
        (_, write): &Plan,
    ) -> Result<Flushed, ErrorCode> {
        if write.batches.is_empty() {
            return Ok(None);
        }
        let done = self.shard.change(now_ms, |states| {
            let record = states.update(&self.key, write, now_ms, updates_max);
            // Somebody deleted it.
            Ok(vec![record.ok_or(ErrorCode::UnknownTopicOrPartition)?])
        });
        done.map_err(told)
    }

    fn set_deadline(&self, state: &Deliveries) {
        let deadline = state.next_deadline_ms().unwrap_or(NEVER);
        self.deadline_ms.store(deadline, Ordering::Release);
    }

    /// The right to read records and to acquire them; one at a time, so that nobody reads in vain.
    pub(super) fn claim(self: &Arc<Self>, waiter: &Arc<Waiter>) -> Option<Claim> {
        if self.fetching.swap(true, Ordering::SeqCst) {
            self.contended.store(true, Ordering::SeqCst);
            // It may have been given back before it heard of us.
            if self.fetching.swap(true, Ordering::SeqCst) {
                return None;
            }
        }
        Some(Claim {
            of: Arc::clone(self),
            waiter: Arc::clone(waiter),
        })
    }
}

/// What clients are told when the log of the state refuses.
pub(super) fn told(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::NotCoordinator
        | ErrorCode::CoordinatorNotAvailable
        | ErrorCode::CoordinatorLoadInProgress => ErrorCode::CoordinatorNotAvailable,
        ErrorCode::UnknownTopicOrPartition => error,
        _ => ErrorCode::UnknownServerError,
    }
}

/// The right to fetch from a share partition; given back on drop.
pub(super) struct Claim {
    of: Arc<SharePartition>,
    waiter: Arc<Waiter>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.of.fetching.store(false, Ordering::SeqCst);
        if self.of.contended.swap(false, Ordering::SeqCst) {
            self.of.waiters.wake_others(&self.waiter);
        }
    }
}
