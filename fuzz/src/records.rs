//! Record batches: cut, checked, decompressed, walked and patched.

use limpid_protocol::records::{
    BatchView, Batches, Codec, TimestampType, ValidationLimits, patch_append_time,
    patch_base_offset, patch_leader_epoch, patch_max_timestamp, reseal, single_batch, validate,
};

use crate::allocation::bounded;

/// Most bytes that anything may decompress to here.
const DECOMPRESSED_BYTES_MAX: usize = 256 * 1024;

/// What a codec holds beside its output: tables and windows of gzip and zstd are C's and not seen here,
/// LZ4's block buffer is.
const CODEC_BYTES: usize = 256 * 1024;

/// Target `records`: what to do u8 | bytes.
///
/// - bit 7: the bytes are a payload, decompressed directly with the codec of bits 0–2;
/// - otherwise they are batches; with bit 6 the first one's length and checksum are made good
///   first, since no fuzzer guesses a CRC, and bits 0–4 set the rules.
pub fn records(input: &[u8]) {
    let Some((&how, bytes)) = input.split_first() else {
        return;
    };
    if how & 0x80 != 0 {
        decompress(how, bytes);
        return;
    }
    let mut bytes = bytes.to_vec();
    if how & 0x40 != 0 {
        make_good(&mut bytes);
    }
    let limits = limits(how);
    let mut scratch = Vec::new();
    let mut walked = 0;
    let mut batches = Batches::new(&bytes);
    for view in batches.by_ref().map_while(Result::ok) {
        one_batch(&view, &limits, &mut scratch);
        walked += view.size();
    }
    assert_eq!(batches.position(), walked);
    let _refused = single_batch(&bytes);
}

fn one_batch(view: &BatchView<'_>, limits: &ValidationLimits, scratch: &mut Vec<u8>) {
    assert!(view.header().to_bytes() == view.bytes()[..61]);
    let valid = validate(view, limits, scratch);
    let mut count = 0;
    let mut sound = true;
    if let Ok(records) = view.records_with(DECOMPRESSED_BYTES_MAX, scratch) {
        for record in records {
            sound &= record.is_ok();
            count += i32::from(record.is_ok());
            let Ok(record) = record else { break };
            let bytes = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
            assert!(bytes < record.size && record.headers.count() < record.size);
        }
    }
    let _refused = view.control_record();
    let Ok(valid) = valid else { return };
    if !limits.trust_compressed_headers {
        assert!(
            sound && count == valid.records_count,
            "a valid batch is read to its end"
        );
    }
    patch(view, limits);
}

/// A valid batch stays valid whatever the broker writes into it.
fn patch(view: &BatchView<'_>, limits: &ValidationLimits) {
    let mut bytes = view.bytes().to_vec();
    patch_base_offset(&mut bytes, 1_234_567);
    patch_leader_epoch(&mut bytes, 89);
    patch_append_time(&mut bytes, 1_700_000_000_000);
    let own = ValidationLimits {
        allow_control: true,
        timestamp_type: TimestampType::LogAppendTime,
        ..limits.clone()
    };
    let patched = BatchView::parse(&bytes).expect("the patched batch parses");
    validate(&patched, &own, &mut Vec::new()).expect("the patched batch is valid");
    patch_max_timestamp(&mut bytes, view.header().max_timestamp);
    patch_base_offset(&mut bytes, view.header().base_offset);
    patch_leader_epoch(&mut bytes, view.header().partition_leader_epoch);
    let same = view.header().attributes.timestamp_type() == TimestampType::LogAppendTime;
    assert!(same || bytes == view.bytes(), "the patches are undone");
}

fn decompress(how: u8, bytes: &[u8]) {
    let Some(codec) = Codec::from_id(how & 0x07) else {
        return;
    };
    let mut out = Vec::new();
    let limit = DECOMPRESSED_BYTES_MAX >> (how >> 3 & 0x0f);
    let result = bounded("decompression", bytes.len(), CODEC_BYTES + 2 * limit, || {
        codec.decompress(bytes, limit, &mut out)
    });
    assert!(result.is_err() || out.len() <= limit);
    assert!(
        out.capacity() <= 2 * limit + 64,
        "{} bytes for {limit}",
        out.capacity()
    );
}

fn limits(how: u8) -> ValidationLimits {
    ValidationLimits {
        max_batch_bytes: 1 << 20,
        max_decompressed_bytes: DECOMPRESSED_BYTES_MAX,
        require_keys: how & 1 != 0,
        allow_control: how & 2 != 0,
        timestamp_type: TimestampType::CreateTime,
        now_ms: 1_700_000_000_000,
        timestamp_before_max_ms: i64::MAX,
        timestamp_after_max_ms: if how & 4 != 0 { 3_600_000 } else { i64::MAX },
        allow_zstd: how & 8 == 0,
        trust_compressed_headers: how & 16 != 0,
    }
}

/// Gives the bytes the length, format and checksum of a batch.
fn make_good(bytes: &mut [u8]) {
    if bytes.len() < 61 {
        return;
    }
    let length = (bytes.len() - 12) as i32;
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    bytes[16] = 2;
    reseal(bytes);
}
