//! Batches that other implementations wrote; how they were made stands in `fixtures/`.

use super::*;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("fixtures/", $name, ".batch")).as_slice()
    };
}

const LIMIT: usize = 1 << 20;

fn assert_java(bytes: &[u8], codec: Codec, count: i32, pad: usize) {
    let view = single_batch(bytes).unwrap();
    let header = view.header();
    assert_eq!((header.producer_id, header.producer_epoch), (4711, 3));
    assert!(header.attributes.is_transactional());
    assert_eq!(header.last_sequence(), 42 + count - 1);
    let mut scratch = Vec::new();
    let limits = ValidationLimits {
        now_ms: 1_700_000_010_000,
        ..Default::default()
    };
    let validated = validate(&view, &limits, &mut scratch).unwrap();
    assert_eq!(validated.codec, codec);
    assert_eq!(
        (validated.records_count, validated.last_offset_delta),
        (count, count - 1)
    );
    assert_eq!(validated.max_timestamp, 1_700_000_004_000);
    assert_eq!(validated.offset_delta_of_max_timestamp, 4);
    assert!(!validated.header_max_timestamp_wrong);

    let records = view.records_with(LIMIT, &mut scratch).unwrap();
    let mut seen = 0;
    for (record, i) in records.zip(0i64..) {
        let record = record.unwrap();
        assert_eq!(
            (record.offset, record.timestamp),
            (i, 1_700_000_000_000 + (i % 5) * 1000)
        );
        let key = (i % 4 != 3).then(|| format!("key-{i}"));
        assert_eq!(record.key, key.as_deref().map(str::as_bytes));
        let value = (i % 7 != 6).then(|| format!("value-{i}-{}", "abcdefgh".repeat(pad)));
        assert_eq!(record.value, value.as_deref().map(str::as_bytes));
        let trace = format!("id-{i}");
        let mut headers = Vec::new();
        if i % 3 == 0 {
            headers.push(HeaderView {
                key: b"trace",
                value: Some(trace.as_bytes()),
            });
            headers.push(HeaderView {
                key: b"empty",
                value: None,
            });
        }
        assert_eq!(record.headers.collect::<Vec<_>>(), headers);
        seen += 1;
    }
    assert_eq!(seen, count);
}

fn assert_librdkafka(bytes: &[u8], codec: Codec) {
    let view = single_batch(bytes).unwrap();
    let mut scratch = Vec::new();
    let validated = validate(&view, &ValidationLimits::default(), &mut scratch).unwrap();
    assert_eq!((validated.codec, validated.records_count), (codec, 20));
    assert_eq!(validated.producer, None);
    for (record, i) in view.records_with(LIMIT, &mut scratch).unwrap().zip(0..) {
        let record = record.unwrap();
        assert_eq!(record.key, Some(format!("key-{i}").as_bytes()));
        assert_eq!(
            record.value,
            Some(format!("value-{i}-abcdefghabcdefgh").as_bytes())
        );
        let headers: Vec<_> = record.headers.collect();
        assert_eq!(
            headers,
            [HeaderView {
                key: b"trace",
                value: Some(b"x")
            }]
        );
    }
}

#[test]
fn java_batches_are_read() {
    assert_java(fixture!("java-none"), Codec::None, 20, 2);
    assert_java(fixture!("java-gzip"), Codec::Gzip, 20, 2);
    assert_java(fixture!("java-snappy"), Codec::Snappy, 20, 2);
    assert_java(fixture!("java-lz4"), Codec::Lz4, 20, 2);
    assert_java(fixture!("java-zstd"), Codec::Zstd, 20, 2);
    assert_java(fixture!("java-zstd22"), Codec::Zstd, 20, 2);
}

#[test]
fn java_batches_of_many_blocks_are_read() {
    assert_java(fixture!("java-snappy-blocks"), Codec::Snappy, 60, 500);
    assert_java(fixture!("java-lz4-blocks"), Codec::Lz4, 60, 500);
}

#[test]
fn librdkafka_batches_are_read() {
    assert_librdkafka(fixture!("rdkafka-none"), Codec::None);
    assert_librdkafka(fixture!("rdkafka-gzip"), Codec::Gzip);
    assert_librdkafka(fixture!("rdkafka-snappy"), Codec::Snappy);
    assert_librdkafka(fixture!("rdkafka-lz4"), Codec::Lz4);
    assert_librdkafka(fixture!("rdkafka-zstd"), Codec::Zstd);
}

/// An uncompressed batch has one form only, so ours must equal Java's byte by byte.
#[test]
fn the_builder_writes_what_java_writes() {
    let java = fixture!("java-none");
    let view = single_batch(java).unwrap();
    let mut builder = BatchBuilder::new(Codec::None)
        .producer(Producer {
            id: 4711,
            epoch: 3,
            base_sequence: 42,
        })
        .transactional(true);
    for record in view.records().unwrap() {
        let record = record.unwrap();
        let headers: Vec<_> = record.headers.map(|h| (h.key, h.value)).collect();
        builder
            .append(record.timestamp, record.key, record.value, &headers)
            .unwrap();
    }
    assert_eq!(builder.build().unwrap(), java);
}
