//! One transactional id, and how it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::state::TxnState;
use super::{EPOCH_BUMP, NO_EPOCH, NO_PRODUCER_ID};

/// Partitions by topic.
pub type Partitions = BTreeMap<Arc<str>, BTreeSet<i32>>;

/// "It has not begun."
pub(super) const NOT_STARTED: i64 = -1;

/// Who writes: a producer id and which of its lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProducerKey {
    /// The producer id.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
}

impl ProducerKey {
    /// The highest epoch is kept for fencing: no client is given it.
    pub fn is_exhausted(self) -> bool {
        self.epoch >= i16::MAX - 1
    }
}

/// What is known of a transactional id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// `transactional.id`.
    pub id: Arc<str>,
    /// Who may write under it.
    pub producer: ProducerKey,
    /// The producer id before the last change; −1 at first.
    pub previous_producer_id: i64,
    /// The producer id that the client was given for its next transaction, if the epochs of this
    /// one are used up; else −1.
    pub next_producer_id: i64,
    /// The epoch before the last one that the same client got; −1 if another client had it. Not
    /// in records.
    pub last_epoch: i16,
    /// `transaction.timeout.ms`.
    pub timeout_ms: i32,
    /// Where it is.
    pub state: TxnState,
    /// Partitions that are part of it; while it is decided, those that lack a marker.
    pub partitions: Partitions,
    /// When it began; −1 if it has not.
    pub started_ms: i64,
    /// When anything last changed.
    pub updated_ms: i64,
    /// The protocol that its producer speaks.
    pub version: i16,
}

impl Transaction {
    /// An id that is not known yet. It is not to be written down before it has an epoch.
    pub(super) fn new(id: Arc<str>, producer_id: i64, timeout_ms: i32, now_ms: i64) -> Self {
        Self {
            id,
            producer: ProducerKey {
                id: producer_id,
                epoch: NO_EPOCH,
            },
            previous_producer_id: NO_PRODUCER_ID,
            next_producer_id: NO_PRODUCER_ID,
            last_epoch: NO_EPOCH,
            timeout_ms,
            state: TxnState::Empty,
            partitions: Partitions::new(),
            started_ms: NOT_STARTED,
            updated_ms: now_ms,
            version: 0,
        }
    }

    /// Whether a partition is part of it.
    pub fn has(&self, topic: &str, partition: i32) -> bool {
        self.partitions
            .get(topic)
            .is_some_and(|partitions| partitions.contains(&partition))
    }

    pub(super) fn has_all(&self, wanted: &Partitions) -> bool {
        wanted.iter().all(|(topic, partitions)| {
            let known = self.partitions.get(topic);
            known.is_some_and(|known| partitions.is_subset(known))
        })
    }

    pub(super) fn remove(&mut self, topic: &str, partition: i32) {
        if let Some(partitions) = self.partitions.get_mut(topic) {
            partitions.remove(&partition);
            if partitions.is_empty() {
                self.partitions.remove(topic);
            }
        }
    }

    fn changed(&self, state: TxnState, now_ms: i64) -> Self {
        Self {
            state,
            previous_producer_id: self.producer.id,
            updated_ms: now_ms,
            ..self.clone()
        }
    }

    /// A producer starts (again) under the id, as `producer`.
    pub(super) fn initialized(
        &self,
        (producer, last_epoch): (ProducerKey, i16),
        timeout_ms: i32,
        now_ms: i64,
    ) -> Self {
        Self {
            producer,
            last_epoch,
            timeout_ms,
            partitions: Partitions::new(),
            started_ms: NOT_STARTED,
            ..self.changed(TxnState::Empty, now_ms)
        }
    }

    /// More partitions become part of it.
    pub(super) fn with_partitions(&self, more: &Partitions, version: i16, now_ms: i64) -> Self {
        let mut next = self.changed(TxnState::Ongoing, now_ms);
        if self.state != TxnState::Ongoing {
            next.started_ms = now_ms;
        }
        for (topic, partitions) in more {
            let known = next.partitions.entry(Arc::clone(topic)).or_default();
            known.extend(partitions);
        }
        next.version = version;
        next
    }

    /// The decision. `next_producer_id` is what the producer goes on with if the epochs of its id
    /// are used up.
    pub(super) fn prepared(
        &self,
        commit: bool,
        version: i16,
        next_producer_id: i64,
        now_ms: i64,
    ) -> Self {
        let state = match commit {
            true => TxnState::PrepareCommit,
            false => TxnState::PrepareAbort,
        };
        let mut next = self.changed(state, now_ms);
        if version >= EPOCH_BUMP {
            // At the top it stays there, so that something broken can be aborted at least.
            next.producer.epoch = self.producer.epoch.saturating_add(1);
            next.last_epoch = self.producer.epoch;
        }
        if self.state != TxnState::Ongoing {
            next.started_ms = now_ms;
            next.partitions.clear();
        }
        next.next_producer_id = next_producer_id;
        next.version = version;
        next
    }

    /// An abort that the producer did not ask for. It has a higher epoch, which no client knows.
    pub(super) fn fenced(&self, version: i16, now_ms: i64) -> Self {
        let mut next = self.prepared(false, version, NO_PRODUCER_ID, now_ms);
        if version < EPOCH_BUMP {
            next.producer.epoch = self.producer.epoch.saturating_add(1);
            next.last_epoch = NO_EPOCH;
        }
        next
    }

    /// Every partition has its marker.
    pub(super) fn completed(&self, now_ms: i64) -> Self {
        let state = match self.state {
            TxnState::PrepareCommit => TxnState::CompleteCommit,
            _ => TxnState::CompleteAbort,
        };
        let mut next = self.changed(state, now_ms);
        next.producer = self.producer_afterwards();
        next.next_producer_id = NO_PRODUCER_ID;
        next.partitions.clear();
        next
    }

    /// Who writes the next transaction, once this one is complete.
    pub(super) fn producer_afterwards(&self) -> ProducerKey {
        if self.version >= EPOCH_BUMP && self.next_producer_id != NO_PRODUCER_ID {
            return ProducerKey {
                id: self.next_producer_id,
                epoch: 0,
            };
        }
        self.producer
    }
}
