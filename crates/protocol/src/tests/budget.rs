//! What large clusters' clients send fits into the budget, in the oldest version and the newest.

use bytes::{Bytes, BytesMut};

use crate::messages::describe_configs_request::DescribeConfigsResource;
use crate::messages::fetch_request::{FetchPartition, FetchTopic};
use crate::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use crate::messages::metadata_request::MetadataRequestTopic;
use crate::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use crate::messages::produce_request::{PartitionProduceData, TopicProduceData};
use crate::messages::*;
use crate::{Message, Reader};

/// Topics in a request, each with one partition: the worst that there is for names of this length.
const TOPICS: usize = 10_000;
/// Bytes in the smallest batch: its header and a record of a few bytes.
const BATCH_BYTES: usize = 70;

fn name(number: usize) -> String {
    format!("t{number:05}")
}

fn fits<M: Message>(message: &M, versions: [i16; 2]) {
    fits_into(Reader::new, message, versions);
}

fn fits_into<M: Message>(reader: fn(Bytes) -> Reader, message: &M, versions: [i16; 2]) {
    for version in versions {
        let mut frame = BytesMut::new();
        message.encode(&mut frame, version).expect("of the version");
        let length = frame.len();
        let mut reader = reader(frame.freeze());
        let read = M::decode(&mut reader, version);
        assert!(
            read.is_ok(),
            "{} {version}: {length} bytes hold more than {}",
            M::NAME,
            reader.allocated()
        );
    }
}

#[test]
fn what_clients_of_large_clusters_send_fits() {
    let metadata = MetadataRequest {
        topics: Some((0..TOPICS).map(|n| topic_of_metadata(name(n))).collect()),
        ..MetadataRequest::default()
    };
    fits(&metadata, [4, 12]);
    let fetch = FetchRequest {
        topics: (0..TOPICS).map(|n| topic_of_fetch(name(n))).collect(),
        ..FetchRequest::default()
    };
    fits(&fetch, [4, 12]);
    let produce = ProduceRequest {
        topic_data: (0..TOPICS).map(|n| topic_of_produce(name(n))).collect(),
        ..ProduceRequest::default()
    };
    fits(&produce, [3, 12]);
    let offsets = ListOffsetsRequest {
        topics: (0..TOPICS).map(|n| topic_of_offsets(name(n))).collect(),
        ..ListOffsetsRequest::default()
    };
    fits(&offsets, [1, 10]);
    let commit = OffsetCommitRequest {
        topics: (0..TOPICS).map(|n| topic_of_commit(name(n))).collect(),
        ..OffsetCommitRequest::default()
    };
    fits(&commit, [2, 9]);
    let configs = DescribeConfigsRequest {
        resources: (0..TOPICS).map(|n| resource(name(n))).collect(),
        ..DescribeConfigsRequest::default()
    };
    fits(&configs, [1, 4]);
}

fn topic_of_metadata(name: String) -> MetadataRequestTopic {
    MetadataRequestTopic {
        name: Some(name),
        ..MetadataRequestTopic::default()
    }
}

fn topic_of_fetch(topic: String) -> FetchTopic {
    FetchTopic {
        topic,
        partitions: vec![FetchPartition::default()],
        ..FetchTopic::default()
    }
}

fn topic_of_produce(name: String) -> TopicProduceData {
    let partition = PartitionProduceData {
        index: 0,
        records: Some(Bytes::from_static(&[0; BATCH_BYTES])),
    };
    TopicProduceData {
        name,
        partition_data: vec![partition],
        ..TopicProduceData::default()
    }
}

fn topic_of_offsets(name: String) -> ListOffsetsTopic {
    ListOffsetsTopic {
        name,
        partitions: vec![ListOffsetsPartition::default()],
    }
}

fn topic_of_commit(name: String) -> OffsetCommitRequestTopic {
    OffsetCommitRequestTopic {
        name,
        partitions: vec![OffsetCommitRequestPartition::default()],
        ..OffsetCommitRequestTopic::default()
    }
}

fn resource(resource_name: String) -> DescribeConfigsResource {
    DescribeConfigsResource {
        resource_type: 2,
        resource_name,
        configuration_keys: None,
    }
}

/// Responses that a client of ours reads: every topic has one partition with one replica.
#[test]
fn what_large_clusters_answer_fits() {
    use crate::messages::fetch_response::{FetchableTopicResponse, PartitionData};
    use crate::messages::list_offsets_response::{
        ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
    };
    use crate::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
    use crate::messages::offset_fetch_response::{
        OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
    };
    let partition = MetadataResponsePartition {
        replica_nodes: vec![1],
        isr_nodes: vec![1],
        ..MetadataResponsePartition::default()
    };
    let topic = |n, partitions: usize| MetadataResponseTopic {
        name: Some(name(n)),
        partitions: vec![partition.clone(); partitions],
        ..MetadataResponseTopic::default()
    };
    let many_topics = MetadataResponse {
        topics: (0..TOPICS).map(|n| topic(n, 1)).collect(),
        ..MetadataResponse::default()
    };
    fits_into(Reader::of_answer, &many_topics, [0, 12]);
    let many_partitions = MetadataResponse {
        topics: vec![topic(0, 10 * TOPICS)],
        ..MetadataResponse::default()
    };
    fits_into(Reader::of_answer, &many_partitions, [0, 12]);
    let fetched = FetchResponse {
        responses: (0..TOPICS)
            .map(|n| FetchableTopicResponse {
                topic: name(n),
                partitions: vec![PartitionData::default(); 3],
                ..FetchableTopicResponse::default()
            })
            .collect(),
        ..FetchResponse::default()
    };
    fits_into(Reader::of_answer, &fetched, [4, 12]);
    let offsets = ListOffsetsResponse {
        topics: (0..TOPICS)
            .map(|n| ListOffsetsTopicResponse {
                name: name(n),
                partitions: vec![ListOffsetsPartitionResponse::default(); 3],
            })
            .collect(),
        ..ListOffsetsResponse::default()
    };
    fits_into(Reader::of_answer, &offsets, [1, 10]);
    let committed = OffsetFetchResponse {
        groups: vec![OffsetFetchResponseGroup {
            topics: (0..TOPICS)
                .map(|n| OffsetFetchResponseTopics {
                    name: name(n),
                    partitions: vec![OffsetFetchResponsePartitions::default(); 3],
                    ..OffsetFetchResponseTopics::default()
                })
                .collect(),
            ..OffsetFetchResponseGroup::default()
        }],
        ..OffsetFetchResponse::default()
    };
    fits_into(Reader::of_answer, &committed, [8, 9]);
}
