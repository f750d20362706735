//! What stays of one batch.

use std::borrow::Cow;
use std::collections::HashMap;

use limpid_protocol::records::{
    BATCH_HEADER_BYTES, BATCH_OVERHEAD_BYTES, BatchBuilder, BatchHeader, BatchView, Codec,
    NO_TIMESTAMP, Producer, RecordView, TimestampType, reseal,
};

use super::key_map::KeyMap;
use super::transactions::Fate;
use super::{DECOMPRESSED_BYTES_MAX, Trouble};

/// The last thing that is known of a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastOfProducer {
    /// Last offset of its last batch; `None` when only a marker is known of it.
    pub(crate) data_offset: Option<i64>,
    /// Its epoch.
    pub(crate) epoch: i16,
}

/// What a round judges by.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The newest offset of each key in the dirty part.
    pub(crate) keys: KeyMap,
    /// From here on nothing is in `keys`.
    pub(crate) keys_end: i64,
    /// Where the part that may be compacted ends: the batch that ends there stays.
    pub(crate) round_end: i64,
    /// Wall clock at the beginning of the round.
    pub(crate) now_ms: i64,
    /// `delete.retention.ms`.
    pub(crate) delete_retention_ms: i64,
    /// The producers remembered.
    pub(crate) producers: HashMap<i64, LastOfProducer>,
}

/// What is left of a batch: its bytes, if anything.
#[derive(Debug, Default)]
pub(crate) struct Left<'a> {
    pub(crate) batch: Option<Cow<'a, [u8]>>,
    pub(crate) records: u64,
    pub(crate) without_key: u64,
}

/// Memory used again for each batch.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    payload: Vec<u8>,
    stays: Vec<bool>,
}

/// What walking the records of a batch found.
#[derive(Debug, Default)]
struct Walk {
    stay: usize,
    tombstones: usize,
    without_key: u64,
}

impl Rules {
    /// Judges a batch, of which `fate` says what its transaction became.
    pub(crate) fn apply<'a>(
        &self,
        batch: &BatchView<'a>,
        fate: Fate,
        scratch: &mut Scratch,
    ) -> Result<Left<'a>, Trouble> {
        let header = batch.header();
        let expired = header
            .delete_horizon()
            .is_some_and(|horizon| horizon <= self.now_ms);
        let idle_marker = fate == Fate::IdleMarker;
        let nothing_counts = fate == Fate::Aborted || (idle_marker && expired);
        let must_stay = self.is_last_of_producer(header) || header.next_offset() == self.round_end;
        if nothing_counts {
            return Ok(if must_stay {
                emptied(batch)
            } else {
                Left::default()
            });
        }
        let walk = self.walk(batch, expired, scratch)?;
        let mut left = Left {
            batch: None,
            records: walk.stay as u64,
            without_key: walk.without_key,
        };
        if walk.stay == 0 {
            left.batch = if must_stay {
                emptied(batch).batch
            } else {
                None
            };
            return Ok(left);
        }
        let starts_waiting =
            (walk.tombstones > 0 || idle_marker) && header.delete_horizon().is_none();
        let horizon = if starts_waiting {
            Some(self.now_ms.saturating_add(self.delete_retention_ms))
        } else {
            header.delete_horizon()
        };
        let is_whole = walk.stay == scratch.stays.len();
        left.batch = Some(if is_whole && !starts_waiting {
            Cow::Borrowed(batch.bytes())
        } else {
            Cow::Owned(rebuilt(batch, horizon, scratch)?)
        });
        Ok(left)
    }

    fn is_last_of_producer(&self, header: &BatchHeader) -> bool {
        let known = header
            .has_producer()
            .then(|| self.producers.get(&header.producer_id));
        known.flatten().is_some_and(|last| match last.data_offset {
            Some(offset) => offset == header.last_offset(),
            // It fences older epochs.
            None => header.attributes.is_control() && header.producer_epoch == last.epoch,
        })
    }

    /// Marks in `scratch` which records stay.
    fn walk(
        &self,
        batch: &BatchView<'_>,
        tombstones_expired: bool,
        scratch: &mut Scratch,
    ) -> Result<Walk, Trouble> {
        let mut walk = Walk::default();
        scratch.stays.clear();
        let is_control = batch.header().attributes.is_control();
        for record in batch.records_with(DECOMPRESSED_BYTES_MAX, &mut scratch.payload)? {
            let record = record?;
            let stays = is_control || self.stays(&record, tombstones_expired);
            walk.stay += usize::from(stays);
            walk.tombstones += usize::from(stays && !is_control && record.value.is_none());
            walk.without_key += u64::from(!stays && record.key.is_none());
            scratch.stays.push(stays);
        }
        Ok(walk)
    }

    fn stays(&self, record: &RecordView<'_>, tombstones_expired: bool) -> bool {
        if record.offset >= self.keys_end {
            return true;
        }
        let Some(key) = record.key else {
            return false;
        };
        let is_newest = self
            .keys
            .newest(key)
            .is_none_or(|newest| newest <= record.offset);
        is_newest && (record.value.is_some() || !tombstones_expired)
    }
}

/// The header alone: it keeps the place of the batch, and its producer's sequence number.
fn emptied<'a>(batch: &BatchView<'a>) -> Left<'a> {
    let mut header = *batch.header();
    let mut left = Left::default();
    if header.records_count == 0 {
        left.batch = Some(Cow::Borrowed(batch.bytes()));
        return left;
    }
    header.attributes = header
        .attributes
        .with_codec(Codec::None)
        .with_delete_horizon(false);
    header.batch_length = (BATCH_HEADER_BYTES - BATCH_OVERHEAD_BYTES) as i32;
    header.base_timestamp = NO_TIMESTAMP;
    header.records_count = 0;
    let mut bytes = header.to_bytes().to_vec();
    reseal(&mut bytes);
    left.batch = Some(Cow::Owned(bytes));
    left
}

/// The batch with the records that stay, under the same offsets and codec.
fn rebuilt(
    batch: &BatchView<'_>,
    horizon: Option<i64>,
    scratch: &Scratch,
) -> Result<Vec<u8>, Trouble> {
    let header = batch.header();
    let mut builder = BatchBuilder::new(batch.compression()?)
        .base_offset(header.base_offset)
        .leader_epoch(header.partition_leader_epoch)
        .transactional(header.attributes.is_transactional())
        .control(header.attributes.is_control())
        .last_offset_delta(header.last_offset_delta)
        .producer(Producer {
            id: header.producer_id,
            epoch: header.producer_epoch,
            base_sequence: header.base_sequence,
        });
    if header.attributes.timestamp_type() == TimestampType::LogAppendTime {
        builder = builder.append_time(header.max_timestamp);
    }
    if let Some(horizon_ms) = horizon {
        builder = builder.delete_horizon(horizon_ms);
    }
    // Unpacked already, if it is packed.
    let records = match batch.compression()? {
        Codec::None => batch.records()?,
        _ => batch.records_in(&scratch.payload),
    };
    for (record, stays) in records.zip(&scratch.stays) {
        let record = record?;
        if *stays {
            let delta = i32::try_from(record.offset - header.base_offset);
            let delta = delta.map_err(|_| limpid_protocol::records::BuildError::TooLarge)?;
            let headers = record.headers.map(|header| (header.key, header.value));
            builder.append_at(delta, record.timestamp, record.key, record.value, headers)?;
        }
    }
    Ok(builder.build()?.into())
}
