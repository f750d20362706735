//! Bytes made to hurt: cut, forged, inflated.

use lz4_flex::frame::{BlockMode, FrameEncoder, FrameInfo};
use proptest::collection::vec;
use proptest::prelude::*;
use std::io::Write;

use super::*;

const LIMIT: usize = 1 << 20;

/// Everything one can do to untrusted bytes; must return, whatever they are.
fn exercise(bytes: &[u8]) {
    let mut scratch = Vec::new();
    for view in Batches::new(bytes) {
        let Ok(view) = view else { break };
        let limits = ValidationLimits {
            max_decompressed_bytes: LIMIT,
            ..ValidationLimits::default()
        };
        let _survived = validate(&view, &limits, &mut scratch);
        if let Ok(records) = view.records_with(LIMIT, &mut scratch) {
            for record in records.flatten() {
                assert!(record.headers.count() <= bytes.len().max(LIMIT));
            }
        }
        let _survived = view.control_record();
    }
    assert!(
        scratch.capacity() <= 2 * LIMIT + 64,
        "{} bytes for {LIMIT}",
        scratch.capacity()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn noise_is_survived(noise in vec(any::<u8>(), 0..600)) {
        exercise(&noise);
    }

    #[test]
    fn damaged_batches_are_survived(
        codec in 0..5u8,
        count in 1..30,
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = batch(Codec::from_id(codec).unwrap(), count).to_vec();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        exercise(&bytes);
        if bytes[8..12] == batch(Codec::from_id(codec).unwrap(), count)[8..12] {
            reseal(&mut bytes);
            exercise(&bytes);
        }
        exercise(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn damaged_payloads_are_survived(
        codec in 1..5u8,
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let codec = Codec::from_id(codec).unwrap();
        let mut payload = batch(codec, 20)[BATCH_HEADER_BYTES..].to_vec();
        for (at, value) in damage {
            let at = at.index(payload.len());
            payload[at] = value;
        }
        let mut out = Vec::new();
        let _survived = codec.decompress(&payload, LIMIT, &mut out);
        prop_assert!(out.capacity() <= 2 * LIMIT + 64);
    }
}

#[test]
fn bombs_stop_at_the_limit() {
    let bomb = vec![0u8; 64 * LIMIT];
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let mut compressed = Vec::new();
        codec.compress(&bomb, None, &mut compressed).unwrap();
        assert!(compressed.len() < bomb.len() / 15, "{codec}");
        let mut out = Vec::new();
        let error = codec.decompress(&compressed, LIMIT, &mut out).unwrap_err();
        assert_eq!(
            error,
            RecordsError::DecompressedTooLarge { limit: LIMIT },
            "{codec}"
        );
        assert!(
            out.capacity() <= 2 * LIMIT + 64,
            "{codec} took {}",
            out.capacity()
        );
        assert_eq!(error.code(), 10);
    }
}

/// A scratch buffer that a larger batch left behind does not widen the limit.
#[test]
fn a_large_scratch_buffer_changes_nothing() {
    let input = vec![7u8; 5_000];
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let mut compressed = Vec::new();
        codec.compress(&input, None, &mut compressed).unwrap();
        let mut out = Vec::with_capacity(1 << 20);
        let error = codec.decompress(&compressed, 4_999, &mut out).unwrap_err();
        assert_eq!(
            error,
            RecordsError::DecompressedTooLarge { limit: 4_999 },
            "{codec}"
        );
    }
}

#[test]
fn a_claimed_size_is_not_allocated() {
    // A snappy block of 4 GiB minus one in six bytes, raw and framed.
    let raw = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
    let framed = [
        b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0\0\x06".as_slice(),
        raw.as_slice(),
    ]
    .concat();
    // A zstd frame of one segment that claims 2^60 bytes, then one empty last block.
    let zstd = [
        0x28, 0xB5, 0x2F, 0xFD, 0xE0, 0, 0, 0, 0, 0, 0, 0, 0x10, 1, 0, 0,
    ];
    // A gzip member whose trailer claims 4 GiB.
    let mut gzip = Vec::new();
    Codec::Gzip.compress(b"x", None, &mut gzip).unwrap();
    let claim = gzip.len() - 4;
    gzip[claim..].copy_from_slice(&[0xff; 4]);
    for (codec, payload) in [
        (Codec::Snappy, raw.as_slice()),
        (Codec::Snappy, &framed),
        (Codec::Zstd, &zstd),
        (Codec::Gzip, &gzip),
    ] {
        let mut out = Vec::new();
        let error = codec.decompress(payload, usize::MAX, &mut out).unwrap_err();
        assert!(
            matches!(error, RecordsError::BadCompression { .. }),
            "{codec}: {error}"
        );
        assert!(
            out.capacity() < 64 * 1024,
            "{codec} took {}",
            out.capacity()
        );
    }
}

#[test]
fn a_window_beyond_128_mib_is_refused() {
    // Window descriptor 0x90: 2^28 bytes; Java's reader stops at 2^27.
    let frame = |window| [0x28, 0xB5, 0x2F, 0xFD, 0x00, window, 0x09, 0, 0, b'x'];
    Codec::Zstd
        .decompress(&frame(0x88), LIMIT, &mut Vec::new())
        .unwrap();
    let error = Codec::Zstd
        .decompress(&frame(0x90), LIMIT, &mut Vec::new())
        .unwrap_err();
    let reason = "the zstd window is larger than 128 MiB";
    assert_eq!(
        error,
        RecordsError::BadCompression {
            codec: Codec::Zstd,
            reason
        }
    );
}

#[test]
fn cut_streams_are_no_whole_streams() {
    let input = b"some bytes that compress, compress, compress".repeat(50);
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let mut compressed = Vec::new();
        codec.compress(&input, None, &mut compressed).unwrap();
        for cut in 1..compressed.len() {
            let mut out = Vec::new();
            let result = codec.decompress(&compressed[..cut], LIMIT, &mut out);
            // Snappy's framing has no end: a cut between blocks cannot be seen.
            let between = codec == Codec::Snappy && cut == 16;
            assert_eq!(result.is_ok(), between, "{codec} cut to {cut}");
        }
    }
}

fn lz4_frame(info: FrameInfo, input: &[u8]) -> Vec<u8> {
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(input).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn lz4_frames_of_all_kinds_are_read() {
    let input: Vec<u8> = (0..300_000u32)
        .map(|i| (i.wrapping_mul(i) >> 7) as u8)
        .collect();
    for mode in [BlockMode::Independent, BlockMode::Linked] {
        for (block, content) in [(false, false), (true, false), (false, true), (true, true)] {
            let info = FrameInfo::new()
                .block_mode(mode)
                .block_checksums(block)
                .content_checksum(content)
                .content_size(Some(input.len() as u64));
            let frame = lz4_frame(info, &input);
            let mut out = Vec::new();
            Codec::Lz4.decompress(&frame, LIMIT, &mut out).unwrap();
            assert_eq!(out, input);
            let twice = [frame.as_slice(), frame.as_slice()].concat();
            Codec::Lz4.decompress(&twice, LIMIT, &mut out).unwrap();
            assert_eq!(out, [input.as_slice(), input.as_slice()].concat());
            for position in [frame.len() - 9, 4, 5, 14] {
                let mut damaged = frame.clone();
                damaged[position] ^= 0x40;
                let result = Codec::Lz4.decompress(&damaged, LIMIT, &mut out);
                assert!(result.is_err() || out != input, "byte {position}");
            }
        }
    }
}

/// What Java's consumers cannot read must not enter the log, though we could read it.
#[test]
fn lz4_frames_that_java_cannot_read_are_refused() {
    let records = &batch(Codec::None, 3)[BATCH_HEADER_BYTES..];
    let independent = FrameInfo::new().block_mode(BlockMode::Independent);
    let (first, second) = records.split_at(20);
    let sound = lz4_frame(independent.clone(), records);
    check(
        &with_payload(Codec::Lz4, 3, &sound),
        &ValidationLimits::default(),
    )
    .unwrap();
    let joined = [
        lz4_frame(independent.clone(), first),
        lz4_frame(independent, second),
    ]
    .concat();
    let linked = lz4_frame(FrameInfo::new().block_mode(BlockMode::Linked), records);
    for payload in [joined, linked] {
        let bytes = with_payload(Codec::Lz4, 3, &payload);
        let mut scratch = Vec::new();
        let view = single_batch(&bytes).unwrap();
        assert_eq!(
            view.records_with(LIMIT, &mut scratch)
                .unwrap()
                .flatten()
                .count(),
            3
        );
        let error = check(&bytes, &ValidationLimits::default()).unwrap_err();
        assert!(
            matches!(error, RecordsError::BadCompression { .. }),
            "{error}"
        );
    }
}

#[test]
fn joined_streams_of_the_others_are_read() {
    let records = &batch(Codec::None, 3)[BATCH_HEADER_BYTES..];
    let (first, second) = records.split_at(20);
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Zstd] {
        let mut payload = Vec::new();
        codec.compress(first, None, &mut payload).unwrap();
        codec.compress(second, None, &mut payload).unwrap();
        check(
            &with_payload(codec, 3, &payload),
            &ValidationLimits::default(),
        )
        .unwrap();
    }
}

#[test]
fn forged_records_are_named() {
    let reason = |payload: &[u8]| {
        let bytes = with_payload(Codec::None, 1, payload);
        match check(&bytes, &ValidationLimits::default()).unwrap_err() {
            RecordsError::BadRecord { index: 0, reason } => reason,
            other => panic!("{other}"),
        }
    };
    // length, attributes, timestamp delta, offset delta, key = null, value = null, header count
    assert!(
        check(
            &with_payload(Codec::None, 1, &[12, 0, 0, 0, 1, 1, 0]),
            &Default::default()
        )
        .is_ok()
    );
    assert_eq!(reason(&[]), "length is cut or too long");
    assert_eq!(reason(&[0xff; 6]), "length is cut or too long");
    assert_eq!(reason(&[1, 0, 0]), "length is negative");
    assert_eq!(reason(&[14, 0, 0, 0, 1, 1, 0]), "ends after the batch");
    assert_eq!(reason(&[0]), "has no attributes");
    assert_eq!(reason(&[2, 0]), "timestamp delta is cut");
    assert_eq!(reason(&[4, 0, 0]), "offset delta is cut");
    assert_eq!(reason(&[8, 0, 0, 0, 2]), "key is cut");
    assert_eq!(reason(&[10, 0, 0, 0, 1, 2]), "value is cut");
    assert_eq!(reason(&[10, 0, 0, 0, 1, 1]), "header count is cut");
    assert_eq!(
        reason(&[14, 0, 0, 0, 1, 1, 0, 0]),
        "is longer than its fields"
    );
    assert_eq!(reason(&[12, 0, 0, 0, 1, 1, 1]), "header count is negative");
    assert_eq!(reason(&[12, 0, 0, 0, 1, 1, 2]), "header key is cut");
    assert_eq!(reason(&[14, 0, 0, 0, 1, 1, 2, 1]), "header key is null");
    assert_eq!(reason(&[14, 0, 0, 0, 1, 1, 2, 0]), "header value is cut");
    assert_eq!(
        reason(&[18, 0, 0, 0, 1, 1, 2, 0, 1, 0]),
        "is longer than its fields"
    );
    // Two thousand million headers in seven bytes end at the first that is not there.
    let forged = [20, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f];
    assert_eq!(reason(&forged), "header key is cut");
}

#[test]
fn batches_stop_at_the_first_that_is_none() {
    let one = batch(Codec::Gzip, 4);
    let three = [&one[..], &one[..], &one[..]].concat();
    let mut batches = Batches::new(&three);
    assert_eq!(batches.by_ref().filter(Result::is_ok).count(), 3);
    assert_eq!(batches.position(), three.len());

    let cut = &three[..three.len() - 1];
    let mut batches = Batches::new(cut);
    let (found, errors): (Vec<_>, Vec<_>) = batches.by_ref().partition(Result::is_ok);
    assert_eq!((found.len(), batches.position()), (2, 2 * one.len()));
    let expected = RecordsError::Torn {
        position: 2 * one.len(),
        needed: one.len(),
        available: one.len() - 1,
    };
    assert_eq!(errors, [Err(expected)]);

    let zeros = [&one[..], &[0; 100]].concat();
    let last = Batches::new(&zeros).last().unwrap();
    assert_eq!(
        last,
        Err(RecordsError::BadLength {
            position: one.len(),
            length: 0
        })
    );
}
