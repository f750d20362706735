//! Who may begin a transaction in this log (KIP-890).
//!
//! A batch that begins a transaction here may be written only when the coordinator knows that the
//! partition is part of it, or nobody would ever end it. The coordinator is asked outside of the
//! log's lock, and its answer may be old when it comes. So a permit is drawn first, the batch is
//! appended with it, and a marker that is written in between makes it void.

use std::collections::HashMap;

use limpid_protocol::records::{BatchHeader, NO_SEQUENCE};

use crate::api::TxnPermit;
use crate::error::AppendError;

/// One producer whose batch is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    permit: TxnPermit,
    epoch: i16,
    /// The first batch that has to come: a later one must not overtake it while it is tried again.
    lowest_sequence: i32,
    /// Its producer raises the epoch with each transaction, and so begins each with sequence 0.
    raises_epoch: bool,
    since_ms: i64,
}

/// The permits that were drawn and not used yet, at most one for each producer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Permits {
    drawn: u64,
    by_producer: HashMap<i64, Entry>,
}

/// What a producer wants to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    pub(crate) base_sequence: i32,
    pub(crate) raises_epoch: bool,
}

impl Permits {
    /// A permit for the producer: the one it has, or a new one.
    pub(crate) fn draw(&mut self, wanted: Wanted, now_ms: i64) -> TxnPermit {
        if let Some(entry) = self.by_producer.get_mut(&wanted.producer_id) {
            if wanted.epoch == entry.epoch {
                entry.lowest_sequence = entry.lowest_sequence.min(wanted.base_sequence);
            } else if wanted.epoch > entry.epoch {
                entry.epoch = wanted.epoch;
                entry.lowest_sequence = wanted.base_sequence;
            }
            return entry.permit;
        }
        self.drawn += 1;
        let permit = TxnPermit(self.drawn);
        let entry = Entry {
            permit,
            epoch: wanted.epoch,
            lowest_sequence: wanted.base_sequence,
            raises_epoch: wanted.raises_epoch,
            since_ms: now_ms,
        };
        self.by_producer.insert(wanted.producer_id, entry);
        permit
    }

    /// Checks the first batch of a transaction. `is_known` says whether the log has heard of the
    /// producer before.
    pub(crate) fn check(
        &self,
        header: &BatchHeader,
        permit: Option<TxnPermit>,
        is_known: bool,
    ) -> Result<(), AppendError> {
        let producer_id = header.producer_id;
        let entry = self.by_producer.get(&producer_id);
        let Some(entry) = entry.filter(|entry| Some(entry.permit) == permit) else {
            return Err(AppendError::NotInTransaction { producer_id });
        };
        let got = header.base_sequence;
        if got == NO_SEQUENCE {
            // Coordinators don't count their batches.
            return Ok(());
        }
        let must_begin = entry.raises_epoch && !is_known && got != 0;
        if must_begin || got > entry.lowest_sequence {
            return Err(AppendError::OutOfOrderSequence {
                producer_id,
                epoch: header.producer_epoch,
                last: -1,
                got,
            });
        }
        Ok(())
    }

    /// A batch of a transaction, or the marker at its end, is in the log.
    pub(crate) fn settle(&mut self, header: &BatchHeader) {
        // With the epoch raised, a marker may come after its producer has drawn a permit for the
        // next transaction: the marker carries the epoch of that one.
        let is_next = self.by_producer.get(&header.producer_id).is_some_and(|e| {
            e.raises_epoch && header.attributes.is_control() && header.producer_epoch == e.epoch
        });
        if !is_next {
            self.by_producer.remove(&header.producer_id);
        }
    }

    /// Forgets those that nobody came back with.
    pub(crate) fn expire(&mut self, now_ms: i64, expiration_ms: i64) {
        self.by_producer
            .retain(|_, entry| now_ms.saturating_sub(entry.since_ms) < expiration_ms);
    }
}
