//! DescribeTopicPartitions, key 75, version 0 (KIP-966).
//!
//! Topics in the order of their names, at most `response_partition_limit` partitions an answer
//! (and at most `max.request.partition.size.limit`); the cursor says where to go on.

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_protocol::messages::describe_topic_partitions_request::{
    DescribeTopicPartitionsRequest, TopicRequest,
};
use limpid_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::{Image, NO_LEADER, Partition, Topic};

use crate::access::{Operation, ResourceKind};
use crate::aside::LONG_ANSWER_TOPICS;
use crate::endpoints;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::operations;
use crate::settings::Settings;
use crate::topic_names;
use crate::topics::INTERNAL_TOPICS;

/// Answers DescribeTopicPartitions.
pub struct DescribeTopicPartitions {
    metadata: Arc<Metadata>,
    settings: Arc<Settings>,
}

impl DescribeTopicPartitions {
    /// `settings` has `max.request.partition.size.limit`.
    pub fn new(metadata: Arc<Metadata>, settings: Arc<Settings>) -> Self {
        Self { metadata, settings }
    }
}

impl Answer for DescribeTopicPartitions {
    type Request = DescribeTopicPartitionsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DescribeTopicPartitions, 0, 0);

    async fn answer(
        &self,
        request: DescribeTopicPartitionsRequest,
        call: &mut Call<'_>,
    ) -> DescribeTopicPartitionsResponse {
        let image = self.metadata.image();
        let cap = self
            .settings
            .current()
            .broker()
            .network
            .max_request_partition_size_limit;
        let limit = request.response_partition_limit.min(cap).max(1);
        let mut left = usize::try_from(limit).unwrap_or(1);
        if request.topics.is_empty() && image.topic_count() > LONG_ANSWER_TOPICS {
            call.step_aside().await;
        }
        let named: BTreeSet<&str> = request.topics.iter().map(|t| t.name.as_str()).collect();
        let names: Vec<&str> = if named.is_empty() {
            let seen = |name: &&str| call.sees(Operation::Describe, ResourceKind::Topic, name);
            image
                .topics()
                .map(|t| t.name.as_ref())
                .filter(seen)
                .collect()
        } else {
            named.into_iter().collect()
        };
        let (start_name, start_partition) = match &request.cursor {
            Some(cursor) => (cursor.topic_name.as_str(), cursor.partition_index.max(0)),
            None => ("", 0),
        };
        let behind_all = !names.is_empty() && names.iter().all(|name| *name < start_name);
        if behind_all
            || request
                .cursor
                .as_ref()
                .is_some_and(|c| c.partition_index < 0)
        {
            return bad_cursor(&request, call);
        }
        let mut response = DescribeTopicPartitionsResponse::default();
        for name in names.into_iter().filter(|name| *name >= start_name) {
            if left == 0 {
                response.next_cursor = Some(cursor(name, 0));
                break;
            }
            if !call.sees(Operation::Describe, ResourceKind::Topic, name) {
                response.topics.push(denied(name, call));
                continue;
            }
            let Some(topic) = image.topic_named(name) else {
                response.topics.push(unknown(name, call));
                continue;
            };
            let first = if name == start_name {
                start_partition
            } else {
                0
            };
            let mut rest = topic.partitions.range(first..);
            let partitions: Vec<_> = rest
                .by_ref()
                .take(left)
                .map(|(index, state)| partition(&image, *index, state))
                .collect();
            left -= partitions.len();
            response.topics.push(describe(topic, partitions, call));
            if let Some((next, _)) = rest.next() {
                response.next_cursor = Some(cursor(name, *next));
                break;
            }
        }
        response
    }
}

fn cursor(name: &str, partition_index: i32) -> Cursor {
    Cursor {
        topic_name: name.to_owned(),
        partition_index,
    }
}

fn denied(name: &str, call: &mut Call<'_>) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        error_code: call.note(ErrorCode::TopicAuthorizationFailed),
        name: Some(name.to_owned()),
        topic_authorized_operations: operations::NOT_ASKED,
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

fn unknown(name: &str, call: &mut Call<'_>) -> DescribeTopicPartitionsResponseTopic {
    let error = if topic_names::invalid(name).is_some() {
        ErrorCode::InvalidTopicException
    } else {
        ErrorCode::UnknownTopicOrPartition
    };
    DescribeTopicPartitionsResponseTopic {
        error_code: call.note(error),
        name: Some(name.to_owned()),
        is_internal: INTERNAL_TOPICS.contains(&name),
        topic_authorized_operations: operations::TOPIC,
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

/// The answer to a cursor that points nowhere: each topic that was asked for has the error.
fn bad_cursor(
    request: &DescribeTopicPartitionsRequest,
    call: &mut Call<'_>,
) -> DescribeTopicPartitionsResponse {
    let error_code = call.note(ErrorCode::InvalidRequest);
    let topic = |t: &TopicRequest| DescribeTopicPartitionsResponseTopic {
        error_code,
        name: Some(t.name.clone()),
        ..DescribeTopicPartitionsResponseTopic::default()
    };
    DescribeTopicPartitionsResponse {
        topics: request.topics.iter().map(topic).collect(),
        ..DescribeTopicPartitionsResponse::default()
    }
}

fn describe(
    topic: &Topic,
    partitions: Vec<DescribeTopicPartitionsResponsePartition>,
    call: &Call<'_>,
) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        name: Some(topic.name.to_string()),
        topic_id: topic.id,
        is_internal: INTERNAL_TOPICS.contains(&topic.name.as_ref()),
        partitions,
        topic_authorized_operations: call.operations(
            operations::TOPIC,
            ResourceKind::Topic,
            &topic.name,
        ),
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

fn partition(
    image: &Image,
    partition_index: i32,
    state: &Partition,
) -> DescribeTopicPartitionsResponsePartition {
    let led = state.leader != NO_LEADER;
    DescribeTopicPartitionsResponsePartition {
        error_code: if led {
            ErrorCode::None
        } else {
            ErrorCode::LeaderNotAvailable
        }
        .code(),
        partition_index,
        leader_id: state.leader,
        leader_epoch: state.leader_epoch,
        replica_nodes: state.replicas.clone(),
        isr_nodes: state.isr.clone(),
        eligible_leader_replicas: Some(state.eligible_leader_replicas.clone()),
        last_known_elr: Some(state.last_known_elr.clone()),
        offline_replicas: endpoints::offline(image, &state.replicas),
    }
}
