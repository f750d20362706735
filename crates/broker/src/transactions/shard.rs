//! The transactional ids of one partition of the topic, and the log that they are written to.

use std::collections::HashSet;
use std::sync::Arc;

use limpid_coordinator::transactions::{Change, Transactions};
use limpid_protocol::ErrorCode;
use limpid_protocol::records::{Codec, NO_SEQUENCE};
use parking_lot::Mutex;

use crate::coordinator_log::phase::Phase;
use crate::coordinator_log::sharded;
use crate::coordinator_log::writing::Place;
use crate::coordinator_log::{Flushed, Style};
use crate::topics::{Partition, Topic};

/// One partition of the topic.
pub(super) struct Shard {
    pub(super) partition: Arc<Partition>,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    topic: Arc<Topic>,
    transactions: Transactions,
    /// Whose markers are being written now. Never by two at once: a marker that comes late would
    /// end the producer's next transaction.
    finishing: HashSet<Arc<str>>,
}

impl sharded::Shard for Shard {
    fn partition(&self) -> &Arc<Partition> {
        &self.partition
    }

    fn claim_load(&self) -> bool {
        self.state.lock().phase.claim()
    }
}

impl Shard {
    pub(super) fn new(topic: Arc<Topic>, partition: Arc<Partition>) -> Self {
        let phase = Phase::at_first(&partition.log);
        Self {
            partition,
            state: Mutex::new(State {
                phase,
                topic,
                transactions: Transactions::default(),
                finishing: HashSet::new(),
            }),
        }
    }

    /// The partition was read: `transactions` is what it says.
    pub(super) fn loaded(&self, transactions: Transactions) {
        let mut state = self.state.lock();
        if state.phase.is_loading() {
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
        state.phase.check()?;
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
        state.phase.check()?;
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
        let place = Place {
            topic: &state.topic,
            partition: &self.partition,
        };
        let style = Style {
            codec: Codec::None,
            size_max: place.size_max(),
            now_ms,
            producer: None,
            idle_sequence: NO_SEQUENCE,
        };
        let records = changes.iter().map(|change| change.encode(level));
        let log = &self.partition.log;
        let written = place.write("a transaction", &style, records, |batches, meta| {
            log.append(batches, meta)
        });
        Ok(written?.0)
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
