//! Batches of our own: coordinators, the metadata log, compaction, tests, the embedded client.

use bytes::Bytes;

use super::header::{
    Attributes, BATCH_HEADER_BYTES, BATCH_OVERHEAD_BYTES, BatchHeader, NO_TIMESTAMP, TimestampType,
};
use super::{Codec, patch, varint};

/// Who produces: what an idempotent or transactional batch carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Producer {
    /// Producer id.
    pub id: i64,
    /// Producer epoch.
    pub epoch: i16,
    /// Sequence number of the first record.
    pub base_sequence: i32,
}

/// Why a batch could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A length, a count or an offset delta does not fit 31 bits.
    #[error("batch is too large for its format")]
    TooLarge,
    /// Records must come in the order of their offset deltas.
    #[error("offset delta {delta} is not larger than the one before, {last}")]
    OffsetOrder {
        /// Delta of the record refused.
        delta: i32,
        /// Delta of the record before it.
        last: i32,
    },
    /// The compressor failed.
    #[error("payload cannot be compressed with {codec}")]
    Compression {
        /// The codec asked for.
        codec: Codec,
    },
}

/// Collects records and writes them as one batch.
#[derive(Debug, Clone)]
pub struct BatchBuilder {
    header: BatchHeader,
    codec: Codec,
    level: Option<i32>,
    payload: Vec<u8>,
    last_delta: Option<i32>,
    fixed_last_delta: Option<i32>,
}

impl BatchBuilder {
    /// An empty batch without a producer, base offset 0, leader epoch -1.
    pub fn new(codec: Codec) -> Self {
        let header = BatchHeader {
            attributes: Attributes::default().with_codec(codec),
            ..BatchHeader::default()
        };
        Self {
            header,
            codec,
            level: None,
            payload: Vec::new(),
            last_delta: None,
            fixed_last_delta: None,
        }
    }

    /// Compression level of gzip (1–9) or zstd; the others have none.
    #[must_use]
    pub fn level(mut self, level: i32) -> Self {
        self.level = Some(level);
        self
    }

    /// Offset of the record with delta 0.
    #[must_use]
    pub fn base_offset(mut self, base_offset: i64) -> Self {
        self.header.base_offset = base_offset;
        self
    }

    /// Leader epoch, usually left to the log.
    #[must_use]
    pub fn leader_epoch(mut self, leader_epoch: i32) -> Self {
        self.header.partition_leader_epoch = leader_epoch;
        self
    }

    /// Makes the batch idempotent.
    #[must_use]
    pub fn producer(mut self, producer: Producer) -> Self {
        self.header.producer_id = producer.id;
        self.header.producer_epoch = producer.epoch;
        self.header.base_sequence = producer.base_sequence;
        self
    }

    /// Makes the batch part of the producer's transaction.
    #[must_use]
    pub fn transactional(mut self, on: bool) -> Self {
        self.header.attributes = self.header.attributes.with_transactional(on);
        self
    }

    /// Makes the batch a control batch.
    #[must_use]
    pub fn control(mut self, on: bool) -> Self {
        self.header.attributes = self.header.attributes.with_control(on);
        self
    }

    /// Stamps the whole batch with the broker's time.
    #[must_use]
    pub fn append_time(mut self, append_time_ms: i64) -> Self {
        self.header.attributes = self
            .header
            .attributes
            .with_timestamp_type(TimestampType::LogAppendTime);
        self.header.max_timestamp = append_time_ms;
        self
    }

    /// Sets the time from which tombstones may go (KIP-534); must come before the first record,
    /// since the timestamps are then counted from it.
    #[must_use]
    pub fn delete_horizon(mut self, horizon_ms: i64) -> Self {
        debug_assert!(
            self.header.records_count == 0,
            "set before the first record"
        );
        self.header.attributes = self.header.attributes.with_delete_horizon(true);
        self.header.base_timestamp = horizon_ms;
        self
    }

    /// Fixes the last offset delta, for compaction, which keeps it when it drops records.
    #[must_use]
    pub fn last_offset_delta(mut self, delta: i32) -> Self {
        self.fixed_last_delta = Some(delta);
        self
    }

    /// Adds the record with the next offset.
    pub fn append(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&[u8], Option<&[u8]>)],
    ) -> Result<(), BuildError> {
        let delta = match self.last_delta {
            None => 0,
            Some(last) => last.checked_add(1).ok_or(BuildError::TooLarge)?,
        };
        self.append_at(delta, timestamp, key, value, headers.iter().copied())
    }

    /// Adds a record with an offset delta of the caller's choice, for compaction.
    pub fn append_at<'h>(
        &mut self,
        offset_delta: i32,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)> + Clone,
    ) -> Result<(), BuildError> {
        let last = self.last_delta.unwrap_or(-1);
        if offset_delta <= last {
            return Err(BuildError::OffsetOrder {
                delta: offset_delta,
                last,
            });
        }
        let first = self.header.records_count == 0;
        if first && !self.header.attributes.has_delete_horizon() {
            self.header.base_timestamp = timestamp;
        }
        let ts_delta = timestamp.wrapping_sub(self.header.base_timestamp);
        let size = record_size(ts_delta, offset_delta, key, value, headers.clone());
        let length = i32::try_from(size).map_err(|_| BuildError::TooLarge)?;
        let most = i32::MAX as usize - BATCH_HEADER_BYTES;
        if self.payload.len() + size > most {
            return Err(BuildError::TooLarge);
        }
        let out = &mut self.payload;
        varint::put_i32(out, length);
        let start = out.len();
        out.push(0);
        varint::put_i64(out, ts_delta);
        varint::put_i32(out, offset_delta);
        put_nullable(out, key);
        put_nullable(out, value);
        varint::put_i32(out, headers.clone().count() as i32);
        for (key, value) in headers {
            put_nullable(out, Some(key));
            put_nullable(out, value);
        }
        assert_eq!(
            out.len() - start,
            size,
            "the size was computed for other bytes"
        );
        self.header.records_count += 1;
        self.last_delta = Some(offset_delta);
        if self.header.attributes.timestamp_type() == TimestampType::CreateTime {
            self.header.max_timestamp = self.header.max_timestamp.max(timestamp);
        }
        Ok(())
    }

    /// Records so far.
    pub fn records_count(&self) -> i32 {
        self.header.records_count
    }

    /// Whether there is no record yet.
    pub fn is_empty(&self) -> bool {
        self.header.records_count == 0
    }

    /// Bytes of the batch before compression.
    pub fn size(&self) -> usize {
        BATCH_HEADER_BYTES + self.payload.len()
    }

    /// Writes the batch, sealed with its checksum. An empty builder gives an empty batch, which
    /// only compaction may write.
    pub fn build(mut self) -> Result<Bytes, BuildError> {
        if self.header.records_count == 0 && !self.header.attributes.has_delete_horizon() {
            self.header.base_timestamp = NO_TIMESTAMP;
        }
        self.header.last_offset_delta = self
            .fixed_last_delta
            .or(self.last_delta)
            .unwrap_or_default();
        let mut out = Vec::with_capacity(match self.codec {
            Codec::None => BATCH_HEADER_BYTES + self.payload.len(),
            _ => BATCH_HEADER_BYTES + self.payload.len() / 2,
        });
        out.extend_from_slice(&[0; BATCH_HEADER_BYTES]);
        self.codec
            .compress(&self.payload, self.level, &mut out)
            .map_err(|_| BuildError::Compression { codec: self.codec })?;
        self.header.batch_length =
            i32::try_from(out.len() - BATCH_OVERHEAD_BYTES).map_err(|_| BuildError::TooLarge)?;
        out[..BATCH_HEADER_BYTES].copy_from_slice(&self.header.to_bytes());
        patch::reseal(&mut out);
        Ok(Bytes::from(out))
    }
}

fn record_size<'h>(
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: impl Iterator<Item = (&'h [u8], Option<&'h [u8]>)>,
) -> usize {
    let mut count = 0;
    let mut size = 1 + varint::len(timestamp_delta) + varint::len(i64::from(offset_delta));
    size += nullable_size(key) + nullable_size(value);
    for (key, value) in headers {
        count += 1;
        size += nullable_size(Some(key)) + nullable_size(value);
    }
    size + varint::len(count)
}

fn nullable_size(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varint::len(bytes.len() as i64) + bytes.len())
}

fn put_nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => varint::put_i32(out, -1),
        Some(bytes) => {
            varint::put_i32(out, bytes.len() as i32);
            out.extend_from_slice(bytes);
        }
    }
}
