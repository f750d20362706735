//! DescribeProducers, key 61, version 0.
//!
//! - Who writes to a partition with a producer id, and where its open transaction begins (KIP-664):
//!   for finding transactions that hang.

use std::sync::Arc;

use limpid_protocol::messages::describe_producers_request::{
    DescribeProducersRequest, TopicRequest,
};
use limpid_protocol::messages::describe_producers_response::{
    DescribeProducersResponse, PartitionResponse, ProducerState, TopicResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::ProducerStatus;

use crate::access::{Operation, ResourceKind};
use crate::handler::{Answer, ApiRange, Call};
use crate::topic_names;
use crate::topics::{Topic, Topics};

/// Answers DescribeProducers.
pub struct DescribeProducers {
    topics: Arc<Topics>,
}

impl DescribeProducers {
    /// `topics` are looked at.
    pub fn new(topics: Arc<Topics>) -> Self {
        Self { topics }
    }

    fn topic(&self, wanted: TopicRequest, call: &mut Call<'_>) -> TopicResponse {
        let table = self.topics.table();
        let topic = table.named(&wanted.name);
        let may_read = call.may(Operation::Read, ResourceKind::Topic, &wanted.name);
        let refused = match (topic_names::invalid(&wanted.name), topic) {
            _ if !may_read => Some((ErrorCode::TopicAuthorizationFailed, None)),
            (Some(why), _) => Some((ErrorCode::InvalidTopicException, Some(why))),
            (None, None) => {
                let why = format!("there is no topic '{}'", wanted.name);
                Some((ErrorCode::UnknownTopicOrPartition, Some(why)))
            }
            (None, Some(_)) => None,
        };
        let partitions = wanted.partition_indexes.into_iter().map(|index| {
            let found = match (&refused, topic) {
                (Some((error, message)), _) => Err((*error, message.clone())),
                (None, Some(topic)) => active(topic, index).map_err(|error| (error, None)),
                (None, None) => Err((ErrorCode::UnknownTopicOrPartition, None)),
            };
            match found {
                Ok(active_producers) => PartitionResponse {
                    partition_index: index,
                    active_producers,
                    ..PartitionResponse::default()
                },
                Err((error, error_message)) => PartitionResponse {
                    partition_index: index,
                    error_code: call.note(error),
                    error_message,
                    ..PartitionResponse::default()
                },
            }
        });
        TopicResponse {
            partitions: partitions.collect(),
            name: wanted.name,
        }
    }
}

fn active(topic: &Topic, index: i32) -> Result<Vec<ProducerState>, ErrorCode> {
    let partition = topic.partition(index);
    let partition = partition.ok_or_else(|| topic.missing(index))?;
    let state = |producer: ProducerStatus| ProducerState {
        producer_id: producer.producer_id,
        producer_epoch: i32::from(producer.epoch),
        last_sequence: producer.last_sequence,
        last_timestamp: producer.last_timestamp,
        coordinator_epoch: producer.coordinator_epoch,
        current_txn_start_offset: producer.current_txn_start_offset,
    };
    Ok(partition.log.producers().into_iter().map(state).collect())
}

impl Answer for DescribeProducers {
    type Request = DescribeProducersRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DescribeProducers, 0, 0);

    async fn answer(
        &self,
        request: DescribeProducersRequest,
        call: &mut Call<'_>,
    ) -> DescribeProducersResponse {
        let topics = request.topics.into_iter();
        DescribeProducersResponse {
            topics: topics.map(|topic| self.topic(topic, call)).collect(),
            ..DescribeProducersResponse::default()
        }
    }
}
