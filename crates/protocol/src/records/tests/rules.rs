//! What may enter the log, rule by rule, with the error code that the client gets.

use super::*;
use crate::records::header::at;

const CORRUPT_MESSAGE: i16 = 2;
const MESSAGE_TOO_LARGE: i16 = 10;
const INVALID_TIMESTAMP: i16 = 32;
const UNSUPPORTED_COMPRESSION_TYPE: i16 = 76;
const INVALID_RECORD: i16 = 87;

/// A sound batch with one header field overwritten and the checksum made good again.
fn with_field(field: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = batch(Codec::None, 3).to_vec();
    bytes[field..field + value.len()].copy_from_slice(value);
    reseal(&mut bytes);
    bytes
}

fn refused(bytes: &[u8], limits: &ValidationLimits, code: i16) -> RecordsError {
    let error = check(bytes, limits).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    error
}

#[test]
fn a_sound_batch_passes_with_every_codec() {
    for codec in Codec::ALL {
        let bytes = batch(codec, 50);
        let validated = check(&bytes, &ValidationLimits::default()).unwrap();
        let expected = Validated {
            size: bytes.len(),
            records_count: 50,
            last_offset_delta: 49,
            max_timestamp: 1_049,
            offset_delta_of_max_timestamp: 49,
            header_max_timestamp_wrong: false,
            codec,
            producer: None,
            is_transactional: false,
            is_control: false,
        };
        assert_eq!(validated, expected);
    }
}

#[test]
fn checksum_and_size() {
    let limits = ValidationLimits::default();
    for position in at::ATTRIBUTES..batch(Codec::None, 3).len() {
        let mut bytes = batch(Codec::None, 3).to_vec();
        bytes[position] ^= 0x10;
        refused(&bytes, &limits, CORRUPT_MESSAGE);
    }
    let bytes = batch(Codec::None, 3);
    let just = ValidationLimits {
        max_batch_bytes: bytes.len(),
        ..limits.clone()
    };
    check(&bytes, &just).unwrap();
    let less = ValidationLimits {
        max_batch_bytes: bytes.len() - 1,
        ..limits.clone()
    };
    refused(&bytes, &less, MESSAGE_TOO_LARGE);
    for cut in 1..bytes.len() {
        refused(&bytes[..cut], &limits, CORRUPT_MESSAGE);
    }
}

#[test]
fn exactly_one_batch() {
    let one = batch(Codec::None, 3);
    let limits = ValidationLimits::default();
    refused(&[], &limits, INVALID_RECORD);
    refused(&[&one[..], &one[..]].concat(), &limits, INVALID_RECORD);
    refused(&[&one[..], &one[..20]].concat(), &limits, CORRUPT_MESSAGE);
}

#[test]
fn old_formats_are_refused_by_name() {
    for magic in [0, 1, 3, -1i8] {
        let error = refused(
            &with_field(at::MAGIC, &[magic as u8]),
            &Default::default(),
            INVALID_RECORD,
        );
        assert_eq!(error, RecordsError::UnsupportedMagic { magic });
    }
}

#[test]
fn counts_and_offsets() {
    let limits = ValidationLimits::default();
    for count in [0, -1, 2, 4, i32::MAX, i32::MIN] {
        refused(
            &with_field(at::RECORDS_COUNT, &count.to_be_bytes()),
            &limits,
            INVALID_RECORD,
        );
    }
    for delta in [0, 1, 3, -1, i32::MAX, i32::MIN] {
        refused(
            &with_field(at::LAST_OFFSET_DELTA, &delta.to_be_bytes()),
            &limits,
            INVALID_RECORD,
        );
    }
    let bytes = with_field(at::BASE_OFFSET, &5i64.to_be_bytes());
    refused(&bytes, &limits, INVALID_RECORD);
    check(
        &bytes,
        &ValidationLimits {
            allow_control: true,
            ..limits.clone()
        },
    )
    .unwrap();

    let one_of = |count: i32, last: i32| {
        let mut bytes = with_field(at::RECORDS_COUNT, &count.to_be_bytes());
        bytes[at::LAST_OFFSET_DELTA..at::BASE_TIMESTAMP].copy_from_slice(&last.to_be_bytes());
        reseal(&mut bytes);
        refused(&bytes, &limits, INVALID_RECORD)
    };
    assert!(matches!(
        one_of(2, 1),
        RecordsError::TrailingBytes { count: 2, .. }
    ));
    assert!(matches!(
        one_of(4, 3),
        RecordsError::BadRecord { index: 3, .. }
    ));
    assert!(matches!(
        one_of(i32::MAX, i32::MAX - 1),
        RecordsError::BadRecord { index: 3, .. }
    ));
}

#[test]
fn offset_deltas_count_up() {
    for codec in Codec::ALL {
        let mut builder = BatchBuilder::new(codec).last_offset_delta(1);
        builder
            .append_at(0, 5, Some(b"a"), None, std::iter::empty())
            .unwrap();
        builder
            .append_at(2, 6, Some(b"b"), None, std::iter::empty())
            .unwrap();
        let bytes = builder.build().unwrap();
        let error = refused(&bytes, &ValidationLimits::default(), INVALID_RECORD);
        assert_eq!(error, RecordsError::BadOffsetDelta { index: 1, delta: 2 });
        assert_eq!(error.by_record(), [(1, &error)]);
    }
}

#[test]
fn compacted_topics_want_keys() {
    for codec in Codec::ALL {
        let mut builder = BatchBuilder::new(codec);
        builder.append(5, Some(b""), Some(b"v"), &[]).unwrap();
        builder.append(5, None, Some(b"v"), &[]).unwrap();
        builder.append(5, None, Some(b"v"), &[]).unwrap();
        let bytes = builder.build().unwrap();
        check(&bytes, &ValidationLimits::default()).unwrap();
        for trust_compressed_headers in [false, true] {
            let limits = ValidationLimits {
                require_keys: true,
                trust_compressed_headers,
                ..ValidationLimits::default()
            };
            let error = refused(&bytes, &limits, INVALID_RECORD);
            let [one, two] = [1, 2].map(|index| RecordsError::MissingKey { index });
            assert_eq!(error.by_record(), [(1, &one), (2, &two)]);
        }
    }
}

#[test]
fn timestamps_stay_in_range() {
    let limits = |before, after| ValidationLimits {
        now_ms: 2_000,
        timestamp_before_max_ms: before,
        timestamp_after_max_ms: after,
        ..ValidationLimits::default()
    };
    for codec in Codec::ALL {
        let bytes = batch(codec, 3); // 1000, 1001, 1002
        check(&bytes, &limits(1_000, 0)).unwrap();
        let error = refused(&bytes, &limits(999, 0), INVALID_TIMESTAMP);
        let expected = RecordsError::TimestampOutOfRange {
            index: 0,
            timestamp: 1_000,
            earliest: 1_001,
            latest: 2_000,
        };
        assert_eq!(error, expected);
        let error = refused(&bytes, &limits(0, 0), INVALID_TIMESTAMP);
        assert_eq!(error.by_record().len(), 3);
        check(&bytes, &limits(i64::MAX, -998)).unwrap();
        let error = refused(&bytes, &limits(i64::MAX, -999), INVALID_TIMESTAMP);
        assert_eq!(error.by_record(), [(2, &error)]);
        let stamped = ValidationLimits {
            timestamp_type: TimestampType::LogAppendTime,
            ..limits(0, 0)
        };
        check(&bytes, &stamped).unwrap();
    }
}

#[test]
fn a_missing_timestamp_is_never_out_of_range() {
    let mut builder = BatchBuilder::new(Codec::None);
    builder.append(NO_TIMESTAMP, None, Some(b"v"), &[]).unwrap();
    let limits = ValidationLimits {
        now_ms: 1_700_000_000_000,
        timestamp_before_max_ms: 1,
        timestamp_after_max_ms: 1,
        ..ValidationLimits::default()
    };
    let validated = check(&builder.build().unwrap(), &limits).unwrap();
    assert_eq!(
        (
            validated.max_timestamp,
            validated.offset_delta_of_max_timestamp
        ),
        (-1, 0)
    );
}

#[test]
fn a_wrong_max_timestamp_is_noticed() {
    let mut bytes = with_field(at::MAX_TIMESTAMP, &9_999i64.to_be_bytes());
    let validated = check(&bytes, &ValidationLimits::default()).unwrap();
    assert!(validated.header_max_timestamp_wrong);
    assert_eq!(validated.max_timestamp, 1_002);
    patch_max_timestamp(&mut bytes, validated.max_timestamp);
    assert!(
        !check(&bytes, &ValidationLimits::default())
            .unwrap()
            .header_max_timestamp_wrong
    );
}

#[test]
fn only_the_broker_stamps_and_controls() {
    let mut bytes = batch(Codec::None, 3).to_vec();
    patch_append_time(&mut bytes, 5);
    refused(&bytes, &ValidationLimits::default(), INVALID_TIMESTAMP);

    let extra = ControlBatch {
        transaction: Some((1, 0)),
        ..ControlBatch::default()
    };
    let marker = end_transaction_marker(false, 0, &extra).unwrap();
    refused(&marker, &ValidationLimits::default(), INVALID_RECORD);
    let own = ValidationLimits {
        allow_control: true,
        ..ValidationLimits::default()
    };
    let validated = check(&marker, &own).unwrap();
    assert!(validated.is_control && validated.is_transactional);
}

#[test]
fn an_idempotent_batch_needs_a_sequence() {
    let build = |base_sequence| {
        let producer = Producer {
            id: 9,
            epoch: 1,
            base_sequence,
        };
        let mut builder = BatchBuilder::new(Codec::None).producer(producer);
        builder.append(1, None, None, &[]).unwrap();
        builder.append(1, None, None, &[]).unwrap();
        builder.build().unwrap()
    };
    let limits = ValidationLimits::default();
    refused(&build(-1), &limits, INVALID_RECORD);
    let producer = check(&build(i32::MAX), &limits).unwrap().producer;
    let expected = ProducerInfo {
        id: 9,
        epoch: 1,
        base_sequence: i32::MAX,
        last_sequence: 0,
    };
    assert_eq!(producer, Some(expected));
}

#[test]
fn codecs_that_are_unknown_or_too_new() {
    for id in 5..8u16 {
        let bytes = with_field(at::ATTRIBUTES, &id.to_be_bytes());
        refused(
            &bytes,
            &ValidationLimits::default(),
            UNSUPPORTED_COMPRESSION_TYPE,
        );
    }
    let old = ValidationLimits {
        allow_zstd: false,
        ..ValidationLimits::default()
    };
    refused(&batch(Codec::Zstd, 1), &old, UNSUPPORTED_COMPRESSION_TYPE);
    check(&batch(Codec::Lz4, 1), &old).unwrap();
}

#[test]
fn a_trusted_header_is_not_decompressed() {
    let bytes = with_payload(Codec::Lz4, 5, b"no lz4 at all");
    refused(&bytes, &ValidationLimits::default(), INVALID_RECORD);
    let trusting = ValidationLimits {
        trust_compressed_headers: true,
        ..ValidationLimits::default()
    };
    assert_eq!(check(&bytes, &trusting).unwrap().records_count, 5);
    let finite = ValidationLimits {
        timestamp_after_max_ms: 10,
        ..trusting
    };
    refused(&bytes, &finite, INVALID_RECORD);
}
