//! Tests of the records module. `rules`: what validate refuses, rule by rule; `golden`: batches
//! written by Java and librdkafka; `roundtrip`: what we build we read; `hostile`: bytes nobody
//! sane would send; `traceparent`: what a header says of a trace; `runs`: the offsets
//! of batches behind each other.

mod golden;
mod hostile;
mod roundtrip;
mod rules;
mod runs;
mod traceparent;

use bytes::Bytes;

use super::*;

/// A batch of `count` records with keys, one millisecond apart.
fn batch(codec: Codec, count: i32) -> Bytes {
    let mut builder = BatchBuilder::new(codec);
    for index in 0..count {
        let key = format!("key-{index}");
        let value = format!("value-{index}-{}", "abcdefgh".repeat(4));
        builder
            .append(
                1_000 + i64::from(index),
                Some(key.as_bytes()),
                Some(value.as_bytes()),
                &[],
            )
            .unwrap();
    }
    builder.build().unwrap()
}

fn check(bytes: &[u8], limits: &ValidationLimits) -> Result<Validated, RecordsError> {
    validate(&single_batch(bytes)?, limits, &mut Vec::new())
}

/// The batch with a payload of the test's choice behind its own header.
fn with_payload(codec: Codec, count: i32, payload: &[u8]) -> Vec<u8> {
    let header = BatchHeader {
        batch_length: (BATCH_HEADER_BYTES - BATCH_OVERHEAD_BYTES + payload.len()) as i32,
        attributes: Attributes::default().with_codec(codec),
        last_offset_delta: count - 1,
        records_count: count,
        base_timestamp: 0,
        max_timestamp: 0,
        ..BatchHeader::default()
    };
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend_from_slice(payload);
    reseal(&mut bytes);
    bytes
}
