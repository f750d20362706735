//! The requests of the data path's cases, as bytes that are made once.

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use limpid_protocol::messages::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use limpid_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use limpid_protocol::messages::produce_request::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use limpid_protocol::records::{BatchBuilder, Codec};
use limpid_protocol::{Request, RequestHeader};

/// Versions that need no ids of topics.
const PRODUCE: i16 = 9;
const FETCH: i16 = 12;
const CREATE_TOPICS: i16 = 7;
/// Answers are awaited, so that one id does for all.
const CORRELATION_ID: i32 = 7;
/// Bytes of a record's value.
const VALUE_BYTES: usize = 100;
const ANSWER_BYTES_MAX: i32 = 1 << 20;

fn frame<R: Request>(request: &R, version: i16) -> Result<Bytes> {
    let header = RequestHeader {
        api_key: R::KEY as i16,
        api_version: version,
        correlation_id: CORRELATION_ID,
        client_id: Some("instructions".to_owned()),
    };
    let mut frame = BytesMut::from(&[0_u8; 4][..]);
    header.encode(&mut frame)?;
    request.encode(&mut frame, version)?;
    let length = i32::try_from(frame.len() - 4)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame.freeze())
}

/// Makes a topic of so many partitions.
pub fn create(topic: &str, partitions: i32) -> Result<Bytes> {
    let topic = CreatableTopic {
        name: topic.to_owned(),
        num_partitions: partitions,
        replication_factor: 1,
        ..CreatableTopic::default()
    };
    let request = CreateTopicsRequest {
        topics: vec![topic],
        timeout_ms: 10_000,
        ..CreateTopicsRequest::default()
    };
    frame(&request, CREATE_TOPICS)
}

/// A batch of records of 100 bytes, whose first one may carry a trace.
pub fn batch(records: usize, codec: Codec) -> Result<Bytes> {
    let mut batch = BatchBuilder::new(codec);
    for at in 0..records {
        // Not all alike: a codec has something to do.
        let value: Vec<u8> = (0..VALUE_BYTES).map(|i| (i * 7 + at) as u8 % 61).collect();
        let key = (at as u32).to_be_bytes();
        batch.append(1_700_000_000_000, Some(&key), Some(&value), &[])?;
    }
    batch.build().context("no batch")
}

/// Writes one batch to each of the partitions.
pub fn produce(topic: &str, partitions: i32, batch: &Bytes) -> Result<Bytes> {
    let of = |index| PartitionProduceData {
        index,
        records: Some(batch.clone()),
    };
    let request = ProduceRequest {
        transactional_id: None,
        acks: 1,
        timeout_ms: 10_000,
        topic_data: vec![TopicProduceData {
            name: topic.to_owned(),
            partition_data: (0..partitions).map(of).collect(),
            ..TopicProduceData::default()
        }],
    };
    frame(&request, PRODUCE)
}

/// Reads up to 1 MiB of the partitions, from the offset on.
pub fn fetch(topic: &str, partitions: i32, offset: i64) -> Result<Bytes> {
    let of = |partition| FetchPartition {
        partition,
        fetch_offset: offset,
        partition_max_bytes: ANSWER_BYTES_MAX,
        ..FetchPartition::default()
    };
    let request = FetchRequest {
        max_wait_ms: 0,
        min_bytes: 1,
        max_bytes: ANSWER_BYTES_MAX,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: topic.to_owned(),
            partitions: (0..partitions).map(of).collect(),
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    };
    frame(&request, FETCH)
}
