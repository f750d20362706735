//! ListPartitionReassignments, key 46, version 0 (KIP-455).
//!
//! None is begun here: what is asked for is done at once. A directory of Apache Kafka's may hold some that
//! were under way and have nobody left to go on with; they stay until somebody gives them up.

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_protocol::messages::ListPartitionReassignmentsRequest;
use limpid_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use limpid_protocol::messages::list_partition_reassignments_response::{
    ListPartitionReassignmentsResponse, OngoingPartitionReassignment, OngoingTopicReassignment,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::Topic;

use crate::access::Operation;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

/// Answers ListPartitionReassignments.
pub struct ListPartitionReassignments {
    metadata: Arc<Metadata>,
}

impl ListPartitionReassignments {
    /// `metadata` knows the partitions.
    pub fn new(metadata: Arc<Metadata>) -> Self {
        Self { metadata }
    }
}

impl Answer for ListPartitionReassignments {
    type Request = ListPartitionReassignmentsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ListPartitionReassignments, 0, 0);

    async fn answer(
        &self,
        request: ListPartitionReassignmentsRequest,
        call: &mut Call<'_>,
    ) -> ListPartitionReassignmentsResponse {
        let mut response = ListPartitionReassignmentsResponse {
            error_message: None,
            ..ListPartitionReassignmentsResponse::default()
        };
        if !call.may_on_cluster(Operation::Describe) {
            response.error_code = call.note(ErrorCode::ClusterAuthorizationFailed);
            return response;
        }
        let image = self.metadata.image();
        response.topics = match request.topics {
            None => image.topics().filter_map(|t| ongoing(t, None)).collect(),
            Some(topics) => {
                let of = |wanted: &ListPartitionReassignmentsTopics| {
                    let known = image.topic_named(&wanted.name)?;
                    ongoing(
                        known,
                        Some(wanted.partition_indexes.iter().copied().collect()),
                    )
                };
                topics.iter().filter_map(of).collect()
            }
        };
        response
    }
}

/// What is under way in a topic, of these partitions or of all.
fn ongoing(topic: &Topic, wanted: Option<BTreeSet<i32>>) -> Option<OngoingTopicReassignment> {
    let partitions = topic.partitions.iter();
    let wanted = |index: &i32| wanted.as_ref().is_none_or(|wanted| wanted.contains(index));
    let under_way: Vec<_> = partitions
        .filter(|(index, _)| wanted(index))
        .filter(|(_, p)| !(p.adding_replicas.is_empty() && p.removing_replicas.is_empty()))
        .map(|(index, p)| OngoingPartitionReassignment {
            partition_index: *index,
            replicas: p.replicas.clone(),
            adding_replicas: p.adding_replicas.clone(),
            removing_replicas: p.removing_replicas.clone(),
        })
        .collect();
    (!under_way.is_empty()).then(|| OngoingTopicReassignment {
        name: topic.name.to_string(),
        partitions: under_way,
    })
}
