//! Cases of Produce and InitProducerId.

use anyhow::Result;
use bytes::Bytes;
use limpid_protocol::ApiKey;
use limpid_protocol::messages::{InitProducerIdRequest, ProduceRequest};
use limpid_protocol::records::{BatchBuilder, Codec, Producer, reseal};

use super::case::{Case, Outcome, case, talk};
use super::setup::{COMPACTED, STRICT, TIME, WRITTEN, batch, produce};
use super::side::{Reply, Side};
use super::walk::fields;

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    accepted(all);
    refused_requests(all);
    refused_batches(all);
    sequences(all);
    producer_ids(all);
}

fn accepted(all: &mut Vec<Case>) {
    let plain = || batch(Codec::None, None, &[0, 5, 3]);
    all.push(case("one batch, acks 1", move |s, _| {
        produce(s, WRITTEN, 0, 1, plain())
    }));
    all.push(case("one batch, acks all", move |s, _| {
        produce(s, WRITTEN, 0, -1, plain())
    }));
    for (name, codec) in [
        ("gzip", Codec::Gzip),
        ("snappy", Codec::Snappy),
        ("lz4", Codec::Lz4),
        ("zstd, which is refused below version 7", Codec::Zstd),
    ] {
        all.push(case(name, move |s, _| {
            produce(s, WRITTEN, 1, 1, batch(codec, None, &[0, 1]))
        }));
    }
    all.push(case("to the topic of consumer groups", move |s, _| {
        produce(s, "__consumer_offsets", 0, 1, plain())
    }));
    all.push(case("append time", |s, _| {
        produce(s, STRICT, 0, 1, batch(Codec::None, None, &[0]))
    }));
    all.push(case("two partitions and an unknown topic", |s, _| {
        let mut request = produce(s, WRITTEN, 0, 1, batch(Codec::None, None, &[0]));
        let other = produce(s, WRITTEN, 1, 1, batch(Codec::Lz4, None, &[0]));
        let absent = produce(s, "absent", 0, 1, batch(Codec::None, None, &[0]));
        let partitions = other
            .topic_data
            .into_iter()
            .flat_map(|topic| topic.partition_data);
        request.topic_data[0].partition_data.extend(partitions);
        request.topic_data.extend(absent.topic_data);
        request
    }));
    all.push(case("no topics", |_, _| ProduceRequest {
        acks: 1,
        timeout_ms: 1_000,
        ..ProduceRequest::default()
    }));
    all.push(talk(
        ApiKey::Produce,
        "acks 0 gets no answer",
        |side, version, _| {
            let request = produce(side, WRITTEN, 0, 0, batch(Codec::None, None, &[0]));
            let mut body = bytes::BytesMut::new();
            if limpid_protocol::Message::encode(&request, &mut body, version).is_err() {
                return Ok(Outcome::Inexpressible);
            }
            side.post(ApiKey::Produce, version, &body)?;
            // What comes next on the connection is the answer to this.
            answer(
                side,
                &produce(side, WRITTEN, 0, 1, batch(Codec::None, None, &[0])),
                version,
            )
        },
    ));
    all.push(talk(
        ApiKey::Produce,
        "versions before 3",
        |side, version, _| {
            if version >= 3 {
                return Ok(Outcome::Inexpressible);
            }
            // acks, timeout and no topics: well-formed, were the version not refused.
            let answer = side.send(ApiKey::Produce, version, &[0, 1, 0, 0, 4, 0, 0, 0, 0, 0])?;
            Ok(answer.map_or(Outcome::Closed, |frame| {
                let text = format!("{:?}", frame.slice(4..));
                Outcome::Answer([("bytes".to_owned(), text)].into())
            }))
        },
    ));
}

fn answer(side: &mut Side, request: &ProduceRequest, version: i16) -> Result<Outcome> {
    Ok(match side.ask(request, version)? {
        Reply::Inexpressible => Outcome::Inexpressible,
        Reply::Closed => Outcome::Closed,
        Reply::Answer(answer) => Outcome::Answer(fields(&answer, side)),
    })
}

fn refused_requests(all: &mut Vec<Case>) {
    let plain = || batch(Codec::None, None, &[0]);
    all.push(case("unknown topic", move |s, _| {
        produce(s, "absent", 0, 1, plain())
    }));
    all.push(case("partition that isn't there", move |s, _| {
        produce(s, WRITTEN, 9, 1, plain())
    }));
    all.push(case("negative partition", move |s, _| {
        produce(s, WRITTEN, -1, 1, plain())
    }));
    all.push(case("acks 2", move |s, _| {
        produce(s, WRITTEN, 0, 2, plain())
    }));
    all.push(case("acks -2 for an unknown topic", move |s, _| {
        produce(s, "absent", 0, -2, plain())
    }));
    // Records that are null are left out: Apache Kafka 4.3 never answers them.
    all.push(case("records empty", move |s, _| {
        produce(s, WRITTEN, 0, 1, Bytes::new())
    }));
    all.push(case("the internal topic", move |s, _| {
        produce(s, "__cluster_metadata", 0, 1, plain())
    }));
}

/// A batch with one byte changed and, if asked for, its checksum made right again.
fn spoiled(at: usize, xor: u8, sealed: bool) -> Bytes {
    let mut bytes = batch(Codec::None, None, &[0, 1, 2]).to_vec();
    bytes[at] ^= xor;
    if sealed {
        reseal(&mut bytes);
    }
    bytes.into()
}

fn refused_batches(all: &mut Vec<Case>) {
    // Positions in a batch: magic 16, attributes 21, last offset delta 23, count 57.
    for (name, at, xor, sealed) in [
        ("wrong checksum", 70, 1, false),
        ("magic 1", 16, 3, true),
        ("magic 3", 16, 1, true),
        ("wrong record count", 60, 1, true),
        ("wrong last offset delta", 26, 1, true),
        ("unknown codec", 22, 7, true),
        ("a control batch", 22, 0x20, true),
        ("a transactional batch without a producer", 22, 0x10, true),
        ("length beyond the end", 11, 0x40, false),
        ("codec that does not fit the bytes", 22, 1, true),
    ] {
        all.push(case(name, move |s, _| {
            produce(s, WRITTEN, 0, 1, spoiled(at, xor, sealed))
        }));
    }
    all.push(case("a batch cut off", |s, _| {
        let bytes = batch(Codec::None, None, &[0, 1]);
        produce(s, WRITTEN, 0, 1, bytes.slice(..bytes.len() - 3))
    }));
    all.push(case("a few bytes of garbage", |s, _| {
        produce(s, WRITTEN, 0, 1, Bytes::from_static(b"garbage"))
    }));
    all.push(case("two batches for a partition", |s, _| {
        let one = batch(Codec::None, None, &[0]);
        produce(s, WRITTEN, 0, 1, [&one[..], &one[..]].concat().into())
    }));
    all.push(case("larger than the topic allows", |s, _| {
        produce(s, STRICT, 0, 1, batch(Codec::None, None, &[0; 40]))
    }));
    all.push(case("without a key to a compacted topic", |s, _| {
        let mut builder = BatchBuilder::new(Codec::None);
        for key in [Some(&b"key"[..]), None, None] {
            builder
                .append(TIME, key, Some(b"value"), &[])
                .expect("a small batch");
        }
        produce(s, COMPACTED, 0, 1, builder.build().expect("a small batch"))
    }));
    all.push(case("a time in the future", |s, _| {
        produce(
            s,
            WRITTEN,
            0,
            1,
            batch(Codec::None, None, &[0, 4_000_000_000_000]),
        )
    }));
}

fn idempotent(side: &Side, id: i64, epoch: i16, base_sequence: i32) -> ProduceRequest {
    let producer = Producer {
        id,
        epoch,
        base_sequence,
    };
    produce(
        side,
        WRITTEN,
        1,
        -1,
        batch(Codec::None, Some(producer), &[0, 1, 2]),
    )
}

/// One producer's story: each step is a case, and the steps of a version share a producer.
fn sequences(all: &mut Vec<Case>) {
    let steps: [(&'static str, i16, i32); 10] = [
        ("sequence: the first batch", 0, 0),
        ("sequence: the next batch", 0, 3),
        ("sequence: a duplicate of the last", 0, 3),
        ("sequence: a duplicate of the first", 0, 0),
        ("sequence: a gap", 0, 9),
        ("sequence: overlapping", 0, 4),
        ("sequence: a new epoch not from 0", 1, 3),
        ("sequence: a new epoch from 0", 1, 0),
        ("sequence: an old epoch", 0, 6),
        ("sequence: a negative one", 1, -5),
    ];
    for (name, epoch, sequence) in steps {
        all.push(case(name, move |s, v| {
            idempotent(s, 1_000 + i64::from(v), epoch, sequence)
        }));
    }
    all.push(case(
        "sequence: a producer never seen, not from 0",
        |s, v| idempotent(s, 2_000 + i64::from(v), 0, 7),
    ));
}

fn producer_ids(all: &mut Vec<Case>) {
    all.push(case("a new producer", |_, _| InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: 60_000,
        ..InitProducerIdRequest::default()
    }));
    all.push(case("a producer that has an id", |_, _| {
        InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: 60_000,
            producer_id: 5,
            producer_epoch: 2,
            ..InitProducerIdRequest::default()
        }
    }));
    all.push(case("an empty transactional id", |_, _| {
        InitProducerIdRequest {
            transactional_id: Some(String::new()),
            transaction_timeout_ms: 60_000,
            ..InitProducerIdRequest::default()
        }
    }));
}
