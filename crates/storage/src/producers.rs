//! What a log knows of the producers that write to it (KIP-98, KIP-360).
//!
//! Per producer id: the epoch, the last [`WINDOW`] batches, the open transaction and the epoch of
//! the coordinator that ended the last one. A batch that repeats one of the window is answered
//! with the old offset; any other must continue the sequence. State is rebuilt from a snapshot
//! and the batches behind it, see [`crate::log`].

use std::collections::{BTreeMap, HashMap, VecDeque};

use limpid_platform::sabotage::Bug;
use limpid_protocol::records::{BatchHeader, NO_PRODUCER_EPOCH, NO_SEQUENCE, add_sequence};

use crate::api::{AbortedTxn, Origin, ProducerStatus, TxnPermit};
use crate::error::AppendError;

mod permits;
pub(crate) mod snapshot;

use self::permits::Permits;
pub(crate) use self::permits::Wanted;

/// Batches remembered per producer; clients keep at most this many requests in flight.
pub(crate) const WINDOW: usize = 5;

/// One appended batch of a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) last_sequence: i32,
    pub(crate) last_offset: i64,
    /// Last offset minus first offset, equally of the sequence numbers.
    pub(crate) offset_delta: i32,
    pub(crate) timestamp: i64,
}

impl Appended {
    pub(crate) fn first_sequence(&self) -> i32 {
        add_sequence(self.last_sequence, -self.offset_delta)
    }

    pub(crate) fn first_offset(&self) -> i64 {
        self.last_offset - i64::from(self.offset_delta)
    }
}

/// The state of one producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Producer {
    pub(crate) id: i64,
    pub(crate) epoch: i16,
    pub(crate) coordinator_epoch: i32,
    pub(crate) last_timestamp: i64,
    /// First offset of the open transaction.
    pub(crate) open_txn: Option<i64>,
    pub(crate) window: VecDeque<Appended>,
}

impl Producer {
    fn new(id: i64) -> Self {
        Self {
            id,
            epoch: NO_PRODUCER_EPOCH,
            coordinator_epoch: -1,
            last_timestamp: -1,
            open_txn: None,
            window: VecDeque::new(),
        }
    }

    pub(crate) fn last_sequence(&self) -> i32 {
        self.window
            .back()
            .map_or(NO_SEQUENCE, |batch| batch.last_sequence)
    }

    fn set_epoch(&mut self, epoch: i16) {
        if self.epoch != epoch {
            self.window.clear();
            self.epoch = epoch;
        }
    }

    fn duplicate_of(&self, header: &BatchHeader) -> Option<Appended> {
        if self.epoch != header.producer_epoch {
            return None;
        }
        if Bug::IgnoreSequences.is_planted() {
            return None;
        }
        let (first, last) = (header.base_sequence, header.last_sequence());
        self.window
            .iter()
            .find(|batch| batch.first_sequence() == first && batch.last_sequence == last)
            .copied()
    }

    fn check_epoch(&self, epoch: i16) -> Result<(), AppendError> {
        if epoch < self.epoch {
            let (producer_id, current) = (self.id, self.epoch);
            return Err(AppendError::InvalidProducerEpoch {
                producer_id,
                current,
                got: epoch,
            });
        }
        Ok(())
    }

    fn check_sequence(&self, header: &BatchHeader) -> Result<(), AppendError> {
        let (epoch, got) = (header.producer_epoch, header.base_sequence);
        // Nothing known (new, expired, or its records are deleted): any start is accepted.
        if Bug::IgnoreSequences.is_planted() || self.epoch == NO_PRODUCER_EPOCH {
            return Ok(());
        }
        let last = if epoch == self.epoch {
            self.last_sequence()
        } else {
            NO_SEQUENCE
        };
        let next = if last == NO_SEQUENCE {
            0
        } else {
            add_sequence(last, 1)
        };
        if got == next {
            return Ok(());
        }
        Err(AppendError::OutOfOrderSequence {
            producer_id: self.id,
            epoch,
            last,
            got,
        })
    }

    fn push(&mut self, header: &BatchHeader) {
        self.set_epoch(header.producer_epoch);
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(Appended {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        });
        self.last_timestamp = header.max_timestamp;
    }
}

/// The marker at the end of a transaction, read from a control batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) commit: bool,
    pub(crate) coordinator_epoch: i32,
}

/// A transaction that a marker completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Completed {
    pub(crate) producer_id: i64,
    pub(crate) first_offset: i64,
    pub(crate) last_offset: i64,
    pub(crate) aborted: bool,
}

/// What an append will change, kept apart until the bytes are written.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    changed: Vec<Producer>,
    completed: Vec<Completed>,
}

impl Pending {
    /// The aborted transactions to index, with the last stable offset that follows each.
    pub(crate) fn aborted(&self, producers: &Producers) -> Vec<AbortedTxn> {
        let aborted = self.completed.iter().filter(|txn| txn.aborted);
        aborted
            .map(|txn| AbortedTxn {
                producer_id: txn.producer_id,
                first_offset: txn.first_offset,
                last_offset: txn.last_offset,
                last_stable_offset: producers
                    .open
                    .iter()
                    .find(|(_, producer)| **producer != txn.producer_id)
                    .map_or(txn.last_offset + 1, |(first, _)| *first),
            })
            .collect()
    }
}

/// All producers of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Producers {
    by_id: HashMap<i64, Producer>,
    /// First offset → producer of each open transaction.
    open: BTreeMap<i64, i64>,
    permits: Permits,
}

impl Producers {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Producer> {
        self.by_id.values()
    }

    /// The first offset of the oldest open transaction: readers of committed data stop there.
    pub(crate) fn first_undecided(&self) -> Option<i64> {
        self.open.first_key_value().map(|(offset, _)| *offset)
    }

    /// See [`permits`]; `None` if the producer's transaction is open.
    pub(crate) fn permit(
        &mut self,
        wanted: Wanted,
        now_ms: i64,
    ) -> Result<Option<TxnPermit>, AppendError> {
        if let Some(producer) = self.by_id.get(&wanted.producer_id) {
            producer.check_epoch(wanted.epoch)?;
        }
        if self.is_open(wanted.producer_id, wanted.epoch) {
            return Ok(None);
        }
        Ok(Some(self.permits.draw(wanted, now_ms)))
    }

    /// Whether a batch of a transaction may be written: it continues one, or it has a permit.
    pub(crate) fn check_permit(
        &self,
        header: &BatchHeader,
        permit: Option<TxnPermit>,
    ) -> Result<(), AppendError> {
        if self.is_open(header.producer_id, header.producer_epoch) {
            return Ok(());
        }
        let known = self.by_id.get(&header.producer_id);
        if let Some(producer) = known {
            producer.check_epoch(header.producer_epoch)?;
        }
        self.permits.check(header, permit, known.is_some())
    }

    /// Whether a marker is newer than everything that its producer wrote. One that is there
    /// already may come again; the highest epoch is the end of the line.
    pub(crate) fn check_higher_epoch(&self, header: &BatchHeader) -> Result<(), AppendError> {
        let epoch = header.producer_epoch;
        let is_late = |producer: &Producer| {
            let is_same = epoch == producer.epoch && epoch != i16::MAX;
            epoch < producer.epoch || (is_same && producer.open_txn.is_some())
        };
        match self.by_id.get(&header.producer_id) {
            Some(producer) if is_late(producer) => Err(AppendError::InvalidProducerEpoch {
                producer_id: producer.id,
                current: producer.epoch,
                got: epoch,
            }),
            _ => Ok(()),
        }
    }

    fn is_open(&self, producer_id: i64, epoch: i16) -> bool {
        let known = self.by_id.get(&producer_id);
        known.is_some_and(|producer| producer.open_txn.is_some() && producer.epoch == epoch)
    }

    /// Whether a transaction is open whose producer was last heard of before `before_ms`.
    pub(crate) fn has_open_since(&self, before_ms: i64) -> bool {
        let mut open = self.open.values().filter_map(|id| self.by_id.get(id));
        open.any(|producer| producer.last_timestamp < before_ms)
    }

    /// Batches of a transaction, or its marker, are in the log.
    pub(crate) fn settle_permits<'a>(&mut self, headers: impl Iterator<Item = &'a BatchHeader>) {
        for header in headers.filter(|header| header.attributes.is_transactional()) {
            self.permits.settle(header);
        }
    }

    /// The batch that `header` repeats, if it is one of its producer's last [`WINDOW`].
    pub(crate) fn duplicate_of(&self, header: &BatchHeader) -> Option<Appended> {
        if !header.has_producer() || header.attributes.is_control() {
            return None;
        }
        self.by_id.get(&header.producer_id)?.duplicate_of(header)
    }

    /// Checks one batch against the state and what is already pending, and adds it there.
    /// `header` has its final offsets.
    pub(crate) fn prepare(
        &self,
        pending: &mut Pending,
        header: &BatchHeader,
        marker: Option<Marker>,
        origin: Origin,
    ) -> Result<(), AppendError> {
        if !header.has_producer() {
            return Ok(());
        }
        let id = header.producer_id;
        let index = pending
            .changed
            .iter()
            .position(|producer| producer.id == id);
        let known = index
            .map(|i| &pending.changed[i])
            .or_else(|| self.by_id.get(&id));
        let mut producer = known.cloned().unwrap_or_else(|| Producer::new(id));
        if origin != Origin::Replica {
            producer.check_epoch(header.producer_epoch)?;
        }
        let completed = if header.attributes.is_control() {
            // A control batch without a readable marker was emptied by compaction.
            let Some(marker) = marker else { return Ok(()) };
            end_transaction(&mut producer, header, marker, origin)?
        } else {
            if origin == Origin::Client {
                producer.check_sequence(header)?;
            }
            match (producer.open_txn, header.attributes.is_transactional()) {
                (Some(_), false) => {
                    return Err(AppendError::InvalidTxnState { producer_id: id });
                }
                (None, true) => producer.open_txn = Some(header.base_offset),
                _ => {}
            }
            producer.push(header);
            None
        };
        pending.completed.extend(completed);
        match index {
            Some(i) => pending.changed[i] = producer,
            None => pending.changed.push(producer),
        }
        Ok(())
    }

    /// Makes what was prepared the state. Called once the bytes are in the log.
    pub(crate) fn commit(&mut self, pending: Pending) {
        for txn in &pending.completed {
            self.open.remove(&txn.first_offset);
        }
        for producer in pending.changed {
            if let Some(first) = producer.open_txn {
                self.open.insert(first, producer.id);
            }
            self.by_id.insert(producer.id, producer);
        }
    }

    /// Takes a producer from a snapshot.
    pub(crate) fn load(&mut self, producer: Producer) {
        if let Some(first) = producer.open_txn {
            self.open.insert(first, producer.id);
        }
        self.by_id.insert(producer.id, producer);
    }

    /// Puts older batches in front of what a snapshot knew: it keeps only the last one of each
    /// producer. `headers` are batches before the snapshot's offset, in order.
    pub(crate) fn refill_windows(&mut self, headers: &[BatchHeader]) {
        for header in headers.iter().rev() {
            if !header.has_producer() || header.attributes.is_control() {
                continue;
            }
            let Some(producer) = self.by_id.get_mut(&header.producer_id) else {
                continue;
            };
            let Some(oldest) = producer.window.front().copied() else {
                continue;
            };
            let precedes = header.last_offset() < oldest.first_offset()
                && producer.epoch == header.producer_epoch
                && add_sequence(header.last_sequence(), 1) == oldest.first_sequence();
            if precedes && producer.window.len() < WINDOW {
                producer.window.push_front(Appended {
                    last_sequence: header.last_sequence(),
                    last_offset: header.last_offset(),
                    offset_delta: header.last_offset_delta,
                    timestamp: header.max_timestamp,
                });
            }
        }
    }

    /// Forgets producers idle for `expiration_ms` with no transaction open.
    pub(crate) fn expire(&mut self, now_ms: i64, expiration_ms: i64) -> usize {
        self.permits.expire(now_ms, expiration_ms);
        let before = self.by_id.len();
        self.by_id.retain(|_, producer| {
            producer.open_txn.is_some()
                || now_ms.saturating_sub(producer.last_timestamp) < expiration_ms
        });
        before - self.by_id.len()
    }

    pub(crate) fn statuses(&self) -> Vec<ProducerStatus> {
        let status = |producer: &Producer| ProducerStatus {
            producer_id: producer.id,
            epoch: producer.epoch,
            last_sequence: producer.last_sequence(),
            last_timestamp: producer.last_timestamp,
            coordinator_epoch: producer.coordinator_epoch,
            current_txn_start_offset: producer.open_txn.unwrap_or(-1),
        };
        self.by_id.values().map(status).collect()
    }
}

fn end_transaction(
    producer: &mut Producer,
    header: &BatchHeader,
    marker: Marker,
    origin: Origin,
) -> Result<Option<Completed>, AppendError> {
    if origin != Origin::Replica && marker.coordinator_epoch < producer.coordinator_epoch {
        return Err(AppendError::CoordinatorFenced {
            producer_id: producer.id,
            current: producer.coordinator_epoch,
            got: marker.coordinator_epoch,
        });
    }
    producer.set_epoch(header.producer_epoch);
    producer.coordinator_epoch = marker.coordinator_epoch;
    producer.last_timestamp = header.max_timestamp;
    let completed = producer.open_txn.take().map(|first_offset| Completed {
        producer_id: producer.id,
        first_offset,
        last_offset: header.base_offset,
        aborted: !marker.commit,
    });
    Ok(completed)
}

#[cfg(test)]
mod tests;
