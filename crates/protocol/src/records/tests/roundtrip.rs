//! What is built is read back, with every codec.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::records::varint;

const LIMIT: usize = 1 << 22;

type OwnedHeader = (Vec<u8>, Option<Vec<u8>>);

#[derive(Debug, Clone)]
struct Owned {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<OwnedHeader>,
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    // Long runs make the compressors use their long matches.
    prop_oneof![
        vec(any::<u8>(), 0..200),
        (any::<u8>(), 0..3000usize).prop_map(|(b, n)| vec![b; n])
    ]
}

fn record() -> impl Strategy<Value = Owned> {
    let timestamp = prop_oneof![Just(-1), 0..2_000_000_000_000i64, any::<i64>()];
    (
        timestamp,
        of(bytes()),
        of(bytes()),
        vec((bytes(), of(bytes())), 0..3),
    )
        .prop_map(|(timestamp, key, value, headers)| Owned {
            timestamp,
            key,
            value,
            headers,
        })
}

fn codec() -> impl Strategy<Value = Codec> {
    (0..5u8).prop_map(|id| Codec::from_id(id).unwrap())
}

fn append(builder: &mut BatchBuilder, record: &Owned) {
    let headers: Vec<_> = record
        .headers
        .iter()
        .map(|(k, v)| (k.as_slice(), v.as_deref()))
        .collect();
    let (key, value) = (record.key.as_deref(), record.value.as_deref());
    builder
        .append(record.timestamp, key, value, &headers)
        .unwrap();
}

proptest! {
    #[test]
    fn records_come_back(codec in codec(), base in 0..i64::MAX / 2, records in vec(record(), 1..40)) {
        let mut builder = BatchBuilder::new(codec).base_offset(base).leader_epoch(7);
        for record in &records {
            append(&mut builder, record);
        }
        let bytes = builder.build().unwrap();
        let view = single_batch(&bytes).unwrap();
        view.verify_crc().unwrap();
        let mut scratch = Vec::new();
        let read = view.records_with(LIMIT, &mut scratch).unwrap();
        let mut count = 0;
        for (index, (read, wrote)) in read.zip(&records).enumerate() {
            let read = read.unwrap();
            prop_assert_eq!(read.offset, base + index as i64);
            prop_assert_eq!(read.timestamp, wrote.timestamp);
            prop_assert_eq!(read.key, wrote.key.as_deref());
            prop_assert_eq!(read.value, wrote.value.as_deref());
            let headers: Vec<OwnedHeader> =
                read.headers.map(|h| (h.key.to_vec(), h.value.map(<[u8]>::to_vec))).collect();
            prop_assert_eq!(&headers, &wrote.headers);
            count += 1;
        }
        prop_assert_eq!(count, records.len());
    }

    #[test]
    fn what_is_built_is_valid(codec in codec(), records in vec(record(), 1..40)) {
        let mut builder = BatchBuilder::new(codec);
        for record in &records {
            append(&mut builder, record);
        }
        let limits =
            ValidationLimits { max_batch_bytes: usize::MAX, ..ValidationLimits::default() };
        let validated = check(&builder.build().unwrap(), &limits).unwrap();
        let max = records.iter().map(|record| record.timestamp).max().unwrap().max(-1);
        prop_assert_eq!(validated.max_timestamp, max);
        prop_assert!(!validated.header_max_timestamp_wrong);
        let at = validated.offset_delta_of_max_timestamp as usize;
        prop_assert!(records[at].timestamp == max || max == -1);
    }

    #[test]
    fn every_codec_returns_its_input(
        codec in codec(),
        input in vec(bytes(), 0..60),
        level in of(1..9),
    ) {
        let input = input.concat();
        let (mut compressed, mut output) = (Vec::new(), vec![1, 2, 3]);
        codec.compress(&input, level, &mut compressed).unwrap();
        codec.decompress(&compressed, input.len(), &mut output).unwrap();
        prop_assert_eq!(&output, &input);
        if let Some(less) = input.len().checked_sub(1) {
            let error = codec.decompress(&compressed, less, &mut Vec::new()).unwrap_err();
            prop_assert_eq!(error, RecordsError::DecompressedTooLarge { limit: less });
        }
    }

    #[test]
    fn headers_come_back(raw in vec(any::<u8>(), BATCH_HEADER_BYTES)) {
        let mut raw = raw;
        raw[8..12].copy_from_slice(&77i32.to_be_bytes());
        raw[16] = 2;
        prop_assert_eq!(BatchHeader::parse(&raw).unwrap().to_bytes().to_vec(), raw);
    }

    #[test]
    fn varints_come_back(value in any::<i64>()) {
        let mut out = Vec::new();
        varint::put_i64(&mut out, value);
        prop_assert_eq!(out.len(), varint::len(value));
        prop_assert_eq!(varint::take_i64(&mut out.as_slice()), Some(value));
        let mut out = Vec::new();
        varint::put_i32(&mut out, value as i32);
        prop_assert_eq!(out.len(), varint::len(i64::from(value as i32)));
        prop_assert_eq!(varint::take_i32(&mut out.as_slice()), Some(value as i32));
    }
}

#[test]
fn compaction_keeps_offsets() {
    let mut builder = BatchBuilder::new(Codec::Lz4)
        .base_offset(100)
        .last_offset_delta(9);
    builder
        .append_at(2, 5, Some(b"a"), None, std::iter::empty())
        .unwrap();
    builder
        .append_at(7, 6, Some(b"b"), Some(b"v"), std::iter::empty())
        .unwrap();
    let order = builder.append_at(7, 6, None, None, std::iter::empty());
    assert_eq!(order, Err(BuildError::OffsetOrder { delta: 7, last: 7 }));
    let bytes = builder.build().unwrap();
    let view = single_batch(&bytes).unwrap();
    assert_eq!(
        (view.header().last_offset(), view.header().records_count),
        (109, 2)
    );
    let mut scratch = Vec::new();
    let offsets: Vec<_> = view
        .records_with(LIMIT, &mut scratch)
        .unwrap()
        .map(|r| r.unwrap().offset)
        .collect();
    assert_eq!(offsets, [102, 107]);
}

#[test]
fn a_delete_horizon_keeps_timestamps() {
    let mut builder = BatchBuilder::new(Codec::None).delete_horizon(9_000);
    builder.append(1_234, Some(b"k"), None, &[]).unwrap();
    let bytes = builder.build().unwrap();
    let view = single_batch(&bytes).unwrap();
    assert_eq!(view.header().delete_horizon(), Some(9_000));
    assert_eq!(view.header().max_timestamp, 1_234);
    assert_eq!(
        view.records().unwrap().next().unwrap().unwrap().timestamp,
        1_234
    );
}

#[test]
fn control_records_come_back() {
    let extra = ControlBatch {
        base_offset: 5,
        leader_epoch: 2,
        timestamp: 77,
        transaction: Some((4711, 3)),
    };
    let bytes = end_transaction_marker(true, 9, &extra).unwrap();
    let view = single_batch(&bytes).unwrap();
    let expected = Some((ControlType::Commit, [0, 0, 0, 0, 0, 9].as_slice()));
    assert_eq!(view.control_record().unwrap(), expected);
    assert!(view.header().attributes.is_control() && view.header().attributes.is_transactional());
    assert_eq!(
        (view.header().producer_id, view.header().base_sequence),
        (4711, NO_SEQUENCE)
    );
    assert_eq!(
        (
            view.header().base_offset,
            view.header().partition_leader_epoch
        ),
        (5, 2)
    );

    let bytes = control_batch(ControlType::LeaderChange, b"msg", &ControlBatch::default()).unwrap();
    let view = single_batch(&bytes).unwrap();
    let expected = Some((ControlType::LeaderChange, b"msg".as_slice()));
    assert_eq!(view.control_record().unwrap(), expected);
    assert!(!view.header().attributes.is_transactional());
    for id in 0..7 {
        let kind = ControlType::from_key(&[0, 0, 0, id]).unwrap();
        assert_eq!(kind.key(), [0, 0, 0, id]);
    }
    assert_eq!(ControlType::from_key(&[0, 0, 0, 7]), None);
    assert_eq!(ControlType::from_key(&[0, 0, 0]), None);
}

#[test]
fn patches_touch_only_their_field() {
    let before = batch(Codec::Zstd, 3);
    let mut bytes = before.to_vec();
    patch_base_offset(&mut bytes, i64::MAX - 2);
    patch_leader_epoch(&mut bytes, 12);
    let view = single_batch(&bytes).unwrap();
    view.verify_crc().unwrap();
    assert_eq!(view.header().last_offset(), i64::MAX);
    assert_eq!(view.header().partition_leader_epoch, 12);
    assert_eq!(bytes[16..], before[16..]);

    patch_append_time(&mut bytes, 55_555);
    let view = single_batch(&bytes).unwrap();
    view.verify_crc().unwrap();
    assert_eq!(
        view.header().attributes.timestamp_type(),
        TimestampType::LogAppendTime
    );
    let mut scratch = Vec::new();
    let records = view.records_with(LIMIT, &mut scratch).unwrap();
    assert!(
        records
            .into_iter()
            .all(|record| record.unwrap().timestamp == 55_555)
    );

    patch_max_timestamp(
        &mut bytes,
        single_batch(&before).unwrap().header().max_timestamp,
    );
    assert_eq!(bytes[16..], before[16..]);
}

#[test]
fn sequences_wrap_to_zero() {
    assert_eq!(add_sequence(i32::MAX, 1), 0);
    assert_eq!(add_sequence(i32::MAX - 1, 3), 1);
    assert_eq!(add_sequence(0, i32::MAX), i32::MAX);
    let header = BatchHeader {
        base_sequence: i32::MAX,
        last_offset_delta: 2,
        ..BatchHeader::default()
    };
    assert_eq!(header.last_sequence(), 1);
    assert_eq!(BatchHeader::default().last_sequence(), NO_SEQUENCE);
}

#[test]
fn codecs_are_found_by_id_and_name() {
    for codec in Codec::ALL {
        assert_eq!(Codec::from_id(codec.id()), Some(codec));
        assert_eq!(Codec::from_name(codec.name()), Some(codec));
    }
    assert_eq!(Codec::from_name("uncompressed"), Some(Codec::None));
    assert_eq!((Codec::from_id(5), Codec::from_name("lzma")), (None, None));
    assert_eq!(
        Attributes(6).codec(),
        Err(RecordsError::UnknownCodec { id: 6 })
    );
}

#[test]
fn records_are_gone_over_by_their_lengths() {
    let bytes = batch(Codec::None, 200);
    let view = single_batch(&bytes).unwrap();
    for count in 0..=201 {
        let (over, mut through) = (view.records().unwrap(), view.records().unwrap());
        assert_eq!(over.after(count).next(), through.nth(count));
    }
    // A record that ends behind its batch, or has no length, is where it stops.
    for payload in [&[0x02, 0, 0x7f][..], &[0x02, 0, 0x01], &[0x02, 0], &[]] {
        let bytes = with_payload(Codec::None, 3, payload);
        let view = single_batch(&bytes).unwrap();
        let next = view.records().unwrap().after(2).next();
        assert!(matches!(next, Some(Err(_))), "{next:?}");
    }
}
