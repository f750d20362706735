//! A producer's batch on its way into the log: checked, and rewritten only where the topic says so.

use std::borrow::Cow;
use std::cell::RefCell;

use limpid_config::{CompressionType, TopicConfig};
use limpid_protocol::records::{
    self, BATCH_HEADER_BYTES, BATCH_OVERHEAD_BYTES, BatchView, Codec, RecordsError, TimestampType,
    TraceParent, Validated, ValidationLimits, first_traceparent,
};

use crate::writers::Writers;

/// A worker keeps this much of its scratch memory between batches.
const SCRATCH_KEPT_BYTES: usize = 1024 * 1024;

thread_local! {
    /// Where compressed batches are unpacked; at most one batch per worker at a time.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A batch that may be appended.
pub struct Prepared {
    /// What goes into the log in place of what came, if that is not the same.
    pub rewritten: Option<Vec<u8>>,
    /// Bytes of it that were looked at: those of a compressed batch count as they were unpacked.
    pub looked_at: usize,
    /// Number of its records.
    pub records: i32,
    /// Records that were rewritten under another codec, since the topic has one of its own.
    pub converted: u64,
    /// Whether it belongs to a transaction.
    pub is_transactional: bool,
    /// The trace that its first record says, if somebody looked.
    pub trace: Option<TraceParent>,
}

/// What is looked at in a batch beyond whether it is good.
pub struct Look<'a> {
    /// Whose sample of keys it may be part of.
    pub writers: &'a Writers,
    /// Whether a trace is of interest.
    pub for_trace: bool,
}

/// Checks the one batch of a produce request for a partition, and applies the topic's
/// `compression.type` and `message.timestamp.type`. A record that the topic picks has its key told.
///
/// # Errors
/// What is wrong with the batch; nothing is kept.
pub fn prepare(
    bytes: &[u8],
    limits: &ValidationLimits,
    config: &TopicConfig,
    look: &Look<'_>,
) -> Result<Prepared, RecordsError> {
    SCRATCH.with_borrow_mut(|scratch| {
        let prepared = prepare_in(scratch, bytes, limits, (config, look));
        scratch.clear();
        scratch.shrink_to(SCRATCH_KEPT_BYTES);
        prepared
    })
}

fn prepare_in(
    scratch: &mut Vec<u8>,
    bytes: &[u8],
    limits: &ValidationLimits,
    (config, look): (&TopicConfig, &Look<'_>),
) -> Result<Prepared, RecordsError> {
    let view = records::single_batch(bytes)?;
    let validated = records::validate(&view, limits, scratch)?;
    if let Some(index) = look.writers.pick(validated.records_count) {
        tell_key(&view, scratch, index, look.writers);
    }
    let looked_at = match validated.codec {
        Codec::None => bytes.len(),
        _ => scratch.len(),
    };
    let mut stored = Cow::Borrowed(bytes);
    let mut converted = 0;
    if let Some((codec, level)) = target_codec(config)
        && codec != validated.codec
    {
        stored = Cow::Owned(recompress(&view, codec, level, limits, scratch)?);
        converted = u64::try_from(validated.records_count).unwrap_or(0);
    }
    stamp(&mut stored, &validated, limits);
    Ok(Prepared {
        rewritten: match stored {
            Cow::Borrowed(_) => None,
            Cow::Owned(bytes) => Some(bytes),
        },
        looked_at,
        records: validated.records_count,
        converted,
        is_transactional: validated.is_transactional,
        trace: look.for_trace.then(|| first_traceparent(&view)).flatten(),
    })
}

/// Looks at one record of a batch that was checked. One whose records were not unpacked, since its
/// header is trusted, has nothing to look at.
fn tell_key(view: &BatchView<'_>, unpacked: &[u8], index: usize, writers: &Writers) {
    let payload = match view.header().attributes.is_compressed() {
        true => unpacked,
        false => view.payload(),
    };
    if let Some(Ok(record)) = view.records_in(payload).after(index).next() {
        writers.sampled(record.key);
    }
}

/// `message.timestamp.type` in the words of the record format.
pub fn timestamp_type(config: &TopicConfig) -> TimestampType {
    match config.message_timestamp_type {
        limpid_config::TimestampType::CreateTime => TimestampType::CreateTime,
        limpid_config::TimestampType::LogAppendTime => TimestampType::LogAppendTime,
    }
}

/// The codec that the topic demands, unless it keeps the producer's.
fn target_codec(config: &TopicConfig) -> Option<(Codec, Option<i32>)> {
    match config.compression_type {
        CompressionType::Producer => None,
        CompressionType::Uncompressed => Some((Codec::None, None)),
        CompressionType::Gzip => Some((Codec::Gzip, Some(config.compression_gzip_level))),
        CompressionType::Snappy => Some((Codec::Snappy, None)),
        CompressionType::Lz4 => Some((Codec::Lz4, Some(config.compression_lz4_level))),
        CompressionType::Zstd => Some((Codec::Zstd, Some(config.compression_zstd_level))),
    }
}

/// The same records under another codec.
fn recompress(
    view: &BatchView<'_>,
    codec: Codec,
    level: Option<i32>,
    limits: &ValidationLimits,
    scratch: &mut Vec<u8>,
) -> Result<Vec<u8>, RecordsError> {
    view.decompress(limits.max_decompressed_bytes, scratch)?;
    let mut batch = vec![0; BATCH_HEADER_BYTES];
    let level = level.filter(|level| *level != -1);
    codec
        .compress(scratch, level, &mut batch)
        .map_err(|_| RecordsError::BadCompression {
            codec,
            reason: "the codec refused to compress the records",
        })?;
    let mut header = *view.header();
    header.attributes = header.attributes.with_codec(codec);
    let too_large = RecordsError::BatchTooLarge {
        size: batch.len(),
        limit: limits.max_batch_bytes,
    };
    header.batch_length =
        i32::try_from(batch.len() - BATCH_OVERHEAD_BYTES).map_err(|_| too_large.clone())?;
    if batch.len() > limits.max_batch_bytes {
        return Err(too_large);
    }
    batch[..BATCH_HEADER_BYTES].copy_from_slice(&header.to_bytes());
    records::reseal(&mut batch);
    Ok(batch)
}

/// Sets the timestamps that are the broker's to set.
fn stamp(stored: &mut Cow<'_, [u8]>, validated: &Validated, limits: &ValidationLimits) {
    if limits.timestamp_type == TimestampType::LogAppendTime {
        records::patch_append_time(stored.to_mut(), limits.now_ms);
    } else if validated.header_max_timestamp_wrong {
        records::patch_max_timestamp(stored.to_mut(), validated.max_timestamp);
    }
}

#[cfg(test)]
mod tests;
