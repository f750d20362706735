//! The transactional ids of one partition of the topic, and the log that they are written to.

use std::collections::HashSet;
use std::sync::Arc;

use limpid_coordinator::transactions::{Change, Transactions};
use limpid_protocol::ErrorCode;
use limpid_protocol::records::Codec;
use parking_lot::Mutex;

use crate::coordinator_log::{self, Flushed, Style};
use crate::topics::{Partition, Topic};

/// One partition of the topic.
pub(super) struct Shard {
    pub(super) partition: Arc<Partition>,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// Somebody reads the partition already.
    claimed: bool,
    topic: Arc<Topic>,
    transactions: Transactions,
    /// Whose markers are being written now. Never by two at once: a marker that comes late would
    /// end the producer's next transaction.
    finishing: HashSet<Arc<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Loading,
    Ready,
    /// It could not be read, or it is not ours any more.
    Closed,
}

impl State {
    fn check(&self) -> Result<(), ErrorCode> {
        match self.phase {
            Phase::Ready => Ok(()),
            Phase::Loading => Err(ErrorCode::CoordinatorLoadInProgress),
            Phase::Closed => Err(ErrorCode::NotCoordinator),
        }
    }
}

impl Shard {
    pub(super) fn new(topic: Arc<Topic>, partition: Arc<Partition>) -> Self {
        let log = &partition.log;
        let is_empty = log.log_start_offset() == log.log_end_offset();
        let phase = if is_empty {
            Phase::Ready
        } else {
            Phase::Loading
        };
        Self {
            partition,
            state: Mutex::new(State {
                phase,
                claimed: false,
                topic,
                transactions: Transactions::default(),
                finishing: HashSet::new(),
            }),
        }
    }

    /// True once, for the one who is to read the partition.
    pub(super) fn claim_load(&self) -> bool {
        let mut state = self.state.lock();
        state.phase == Phase::Loading && !std::mem::replace(&mut state.claimed, true)
    }

    /// The partition was read: `transactions` is what it says.
    pub(super) fn loaded(&self, transactions: Transactions) {
        let mut state = self.state.lock();
        if state.phase == Phase::Loading {
            state.transactions = transactions;
            state.phase = Phase::Ready;
        }
    }

    /// From now on everybody is sent away.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.phase = Phase::Closed;
        state.transactions = Transactions::default();
    }

    /// Follows changed settings.
    pub(super) fn update(&self, topic: &Arc<Topic>) {
        self.state.lock().topic = Arc::clone(topic);
    }

    /// A look at the state.
    ///
    /// # Errors
    /// It is not there.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Transactions) -> T) -> Result<T, ErrorCode> {
        let state = self.state.lock();
        state.check()?;
        Ok(look(&state.transactions))
    }

    /// What needs no record.
    pub(super) fn touch(&self, touch: impl FnOnce(&mut Transactions)) {
        touch(&mut self.state.lock().transactions);
    }

    /// Plans changes, writes them down in the schema of `level`, and makes them the state.
    ///
    /// # Errors
    /// What the plan says, or the log.
    pub(super) fn change<T>(
        &self,
        now_ms: i64,
        level: i16,
        plan: impl FnOnce(&Transactions) -> Result<(T, Vec<Change>), ErrorCode>,
    ) -> Result<(T, Flushed), ErrorCode> {
        let mut state = self.state.lock();
        state.check()?;
        let (value, changes) = plan(&state.transactions)?;
        if changes.is_empty() {
            return Ok((value, None));
        }
        let flushed = self.append(&state, (now_ms, level), &changes)?;
        for change in changes {
            state.transactions.apply(change);
        }
        Ok((value, flushed))
    }

    fn append(
        &self,
        state: &State,
        (now_ms, level): (i64, i16),
        changes: &[Change],
    ) -> Result<Flushed, ErrorCode> {
        let style = Style {
            codec: Codec::None,
            size_max: usize::try_from(state.topic.config.max_message_bytes).unwrap_or(0),
            now_ms,
            producer: None,
        };
        let pairs: Result<Vec<_>, _> = changes.iter().map(|c| c.encode(level)).collect();
        let pairs = pairs.map_err(|_| ErrorCode::UnknownServerError)?;
        let batches = coordinator_log::batches(&pairs, &style)?;
        let meta = coordinator_log::append_meta(&self.partition);
        let done = self.partition.log.append(&batches, &meta);
        let info = done.map_err(|error| {
            // At debug level, since clients could fill the log with it; what is wrong with the
            // disk is told by the log itself.
            tracing::debug!(
                partition = self.partition.index,
                %error,
                "a transaction could not be written down"
            );
            coordinator_log::code_of(&error)
        })?;
        let place = (&*state.topic, &*self.partition);
        Ok(coordinator_log::appended(
            place,
            &info,
            (pairs.len(), batches.len()),
        ))
    }

    /// Lets the caller write the markers of a transaction, unless somebody does already.
    pub(super) fn claim_markers(self: &Arc<Self>, id: &Arc<str>) -> Option<MarkerClaim> {
        let claimed = self.state.lock().finishing.insert(Arc::clone(id));
        claimed.then(|| MarkerClaim {
            shard: Arc::clone(self),
            id: Arc::clone(id),
        })
    }
}

/// The right to write the markers of a transaction; given back on drop.
pub(super) struct MarkerClaim {
    shard: Arc<Shard>,
    id: Arc<str>,
}

impl Drop for MarkerClaim {
    fn drop(&mut self) {
        self.shard.state.lock().finishing.remove(&self.id);
    }
}
