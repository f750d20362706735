//! The state both brokers are in before they are compared.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use limpid_interop::process::wait_for;
use limpid_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use limpid_protocol::messages::create_topics_response::CreatableTopicResult;
use limpid_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use limpid_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use limpid_protocol::messages::{
    CreateTopicsRequest, InitProducerIdRequest, ListOffsetsRequest, ProduceRequest,
};
use limpid_protocol::records::{BatchBuilder, Codec, Producer};

use super::side::Side;

/// Three partitions: 0 has batches of several codecs, 1 is empty, 2 has timestamps out of order.
pub const ALPHA: &str = "alpha";
/// The log's append time counts; at most 1,000 bytes a batch.
pub const STRICT: &str = "strict";
/// A compacted topic.
pub const COMPACTED: &str = "compacted";
/// A topic of which records are deleted.
pub const PRUNED: &str = "pruned";
/// A topic that gets more partitions.
pub const GROWN: &str = "grown";
/// A topic that the produce cases write to.
pub const WRITTEN: &str = "written";
/// A topic of which no test changes anything but the configuration.
pub const TUNED: &str = "tuned";

/// What the set-up waits for must come within this.
const LIMIT: Duration = Duration::from_secs(30);

/// The timestamp of the first record of a batch; well within what brokers accept.
pub const TIME: i64 = 1_700_000_000_000;

/// A topic to be created.
pub fn topic(name: &str, partitions: i32, configs: &[(&str, &str)]) -> CreatableTopic {
    let configs = configs.iter().map(|(name, value)| CreatableTopicConfig {
        name: (*name).to_owned(),
        value: Some((*value).to_owned()),
    });
    CreatableTopic {
        name: name.to_owned(),
        num_partitions: partitions,
        replication_factor: 1,
        configs: configs.collect(),
        ..CreatableTopic::default()
    }
}

/// Waits until a broker hands out producer ids: Kafka fetches its first block only when the first
/// producer asks, and refuses until it is there.
pub fn await_producer_ids(side: &mut Side) -> Result<()> {
    let request = InitProducerIdRequest {
        transactional_id: None,
        producer_id: -1,
        producer_epoch: -1,
        ..InitProducerIdRequest::default()
    };
    wait_for("producer id", LIMIT, || {
        Ok((side.must(&request, 4)?.error_code == 0).then_some(()))
    })
    .with_context(|| side.name)
}

/// A batch with one record per timestamp, counted from [`TIME`].
pub fn batch(codec: Codec, producer: Option<Producer>, times: &[i64]) -> Bytes {
    let mut builder = BatchBuilder::new(codec);
    if let Some(producer) = producer {
        builder = builder.producer(producer);
    }
    for (at, time) in times.iter().enumerate() {
        let (key, value) = (
            format!("key {at}"),
            format!("value {at} {}", "x".repeat(40)),
        );
        let headers: [(&[u8], Option<&[u8]>); 2] = [(b"a", Some(b"1")), (b"b", None)];
        builder
            .append(
                TIME + time,
                Some(key.as_bytes()),
                Some(value.as_bytes()),
                &headers,
            )
            .expect("a small batch");
    }
    builder.build().expect("a small batch")
}

/// A produce request for one partition.
pub fn produce(side: &Side, topic: &str, index: i32, acks: i16, records: Bytes) -> ProduceRequest {
    let partition = PartitionProduceData {
        index,
        records: Some(records),
    };
    let topic = TopicProduceData {
        name: topic.to_owned(),
        topic_id: side.id(topic),
        partition_data: vec![partition],
    };
    ProduceRequest {
        transactional_id: None,
        acks,
        timeout_ms: 10_000,
        topic_data: vec![topic],
    }
}

/// Creates and fills the topics and learns their ids.
pub fn fill(side: &mut Side) -> Result<()> {
    let topics = vec![
        topic(ALPHA, 3, &[("retention.ms", "-1")]),
        topic(
            STRICT,
            1,
            &[
                ("message.timestamp.type", "LogAppendTime"),
                ("max.message.bytes", "1000"),
            ],
        ),
        topic(COMPACTED, 1, &[("cleanup.policy", "compact")]),
        topic(PRUNED, 5, &[("retention.ms", "-1")]),
        topic(GROWN, 1, &[]),
        topic(WRITTEN, 2, &[("retention.ms", "-1")]),
        topic(
            TUNED,
            1,
            &[("retention.ms", "123456"), ("compression.type", "lz4")],
        ),
    ];
    let request = CreateTopicsRequest {
        topics,
        timeout_ms: 20_000,
        validate_only: false,
    };
    let answer = side.must(&request, 7)?;
    for topic in &answer.topics {
        let (name, code) = (&topic.name, topic.error_code);
        ensure!(
            code == 0,
            "creating {name} failed with {code}: {:?}",
            topic.error_message
        );
        side.topic_ids.insert(name.clone(), topic.topic_id);
    }
    wait_for_leaders(side, &answer.topics)?;
    side.must(&super::quotas::first(), 1)?;
    let producer = Producer {
        id: 900,
        epoch: 3,
        base_sequence: 0,
    };
    let batches = [
        (0, batch(Codec::None, None, &[0, 10, 20])),
        (0, batch(Codec::Lz4, None, &[1_000, 1_010, 1_020, 1_030])),
        (0, batch(Codec::None, Some(producer), &[2_000, 2_010])),
        (0, batch(Codec::Zstd, None, &[3_000])),
        (2, batch(Codec::None, None, &[5_000, 3_000, 4_000])),
        (2, batch(Codec::Gzip, None, &[1_000, 4_500])),
    ];
    let alpha = batches.map(|(partition, records)| (ALPHA, partition, records));
    let pruned = (0..4).map(|partition| {
        let records = batch(Codec::None, None, &[0, 1, 2, 3, 4, 5, 6, 7, 8]);
        (PRUNED, partition, records)
    });
    for (topic, partition, records) in alpha.into_iter().chain(pruned) {
        let request = produce(side, topic, partition, -1, records);
        let answer = side.must(&request, 12)?;
        let code = answer.responses[0].partition_responses[0].error_code;
        ensure!(
            code == 0,
            "producing to {topic}-{partition} failed with {code}"
        );
    }
    Ok(())
}

/// Creating a topic is answered before its partitions can be written to and read.
fn wait_for_leaders(side: &mut Side, topics: &[CreatableTopicResult]) -> Result<()> {
    let asked = topics.iter().map(|topic| ListOffsetsTopic {
        name: topic.name.clone(),
        partitions: (0..topic.num_partitions)
            .map(|partition_index| ListOffsetsPartition {
                partition_index,
                current_leader_epoch: -1,
                timestamp: -1,
            })
            .collect(),
    });
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: asked.collect(),
        ..ListOffsetsRequest::default()
    };
    wait_for("leaders of all partitions", LIMIT, || {
        let answer = side.must(&request, 6)?;
        let mut partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        Ok(partitions
            .all(|partition| partition.error_code == 0)
            .then_some(()))
    })
    .with_context(|| side.name)
}
