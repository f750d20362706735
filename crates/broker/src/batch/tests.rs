use std::collections::BTreeMap;

use limpid_protocol::records::{BatchBuilder, BatchView};

use crate::writers::Writers;

use super::*;

fn config(entries: &[(&str, &str)]) -> TopicConfig {
    let map: BTreeMap<_, _> = entries
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    TopicConfig::resolve(&|_| None, &map)
}

fn look(writers: &Writers) -> Look<'_> {
    Look {
        writers,
        for_trace: true,
    }
}

fn batch(codec: Codec) -> bytes::Bytes {
    let mut builder = BatchBuilder::new(codec);
    for n in 0..50_i64 {
        let value = format!("value {n}");
        builder
            .append(1000 + n, Some(b"key"), Some(value.as_bytes()), &[])
            .expect("fits");
    }
    builder.build().expect("a batch")
}

fn values(batch: &[u8]) -> Vec<(i64, Vec<u8>)> {
    let view = BatchView::parse(batch).expect("a batch");
    view.verify_crc().expect("sealed");
    let mut plain = Vec::new();
    view.records_with(1 << 20, &mut plain)
        .expect("unpacks")
        .map(|r| r.expect("a record"))
        .map(|r| (r.timestamp, r.value.unwrap_or_default().to_vec()))
        .collect()
}

#[test]
fn a_batch_is_stored_as_it_came() {
    for codec in [
        Codec::None,
        Codec::Gzip,
        Codec::Snappy,
        Codec::Lz4,
        Codec::Zstd,
    ] {
        let sent = batch(codec);
        let prepared = prepare(
            &sent,
            &ValidationLimits::default(),
            &config(&[]),
            &look(&Writers::default()),
        )
        .expect("a good batch");
        assert_eq!(prepared.rewritten, None, "{codec}: not copied");
        assert_eq!((prepared.records, prepared.converted), (50, 0));
    }
}

#[test]
fn a_topic_with_a_codec_gets_its_batches_rewritten() {
    for from in [Codec::None, Codec::Gzip, Codec::Zstd] {
        for to in ["uncompressed", "gzip", "snappy", "lz4", "zstd"] {
            let sent = batch(from);
            let topic = config(&[("compression.type", to)]);
            let prepared = prepare(
                &sent,
                &ValidationLimits::default(),
                &topic,
                &look(&Writers::default()),
            )
            .expect("a good batch");
            let stored = prepared.rewritten.as_deref().unwrap_or(&sent);
            assert_eq!(values(stored), values(&sent), "{from} to {to}");
            let view = BatchView::parse(stored).expect("a batch");
            let codec = view.compression().expect("a codec");
            assert_eq!(Some(codec), Codec::from_name(to));
            let is_kept = Some(from) == Codec::from_name(to);
            assert_eq!(
                prepared.converted,
                if is_kept { 0 } else { 50 },
                "{from} to {to}"
            );
        }
    }
}

#[test]
fn append_time_is_the_brokers() {
    let sent = batch(Codec::Lz4);
    let limits = ValidationLimits {
        timestamp_type: TimestampType::LogAppendTime,
        now_ms: 777,
        ..ValidationLimits::default()
    };
    let topic = config(&[("message.timestamp.type", "LogAppendTime")]);
    let prepared =
        prepare(&sent, &limits, &topic, &look(&Writers::default())).expect("a good batch");
    let stored = prepared.rewritten.expect("other timestamps");
    assert!(
        values(&stored)
            .iter()
            .all(|(timestamp, _)| *timestamp == 777)
    );
}
