//! AlterPartitionReassignments, key 45, versions 0–1 (KIP-455, KIP-1115).
//!
//! A partition can lie on this node and nowhere else: to ask for that changes nothing and succeeds,
//! anything else is refused, and there is never a reassignment that could be cancelled.

use std::sync::Arc;

use limpid_protocol::messages::AlterPartitionReassignmentsRequest;
use limpid_protocol::messages::alter_partition_reassignments_request::ReassignablePartition;
use limpid_protocol::messages::alter_partition_reassignments_response::{
    AlterPartitionReassignmentsResponse, ReassignablePartitionResponse, ReassignableTopicResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::{Image, Refusal};

use crate::access::Operation;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

/// Answers AlterPartitionReassignments.
pub struct AlterPartitionReassignments {
    metadata: Arc<Metadata>,
}

impl AlterPartitionReassignments {
    /// `metadata` knows partitions and brokers.
    pub fn new(metadata: Arc<Metadata>) -> Self {
        Self { metadata }
    }
}

impl Answer for AlterPartitionReassignments {
    type Request = AlterPartitionReassignmentsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::AlterPartitionReassignments, 0, 1);

    async fn answer(
        &self,
        request: AlterPartitionReassignmentsRequest,
        call: &mut Call<'_>,
    ) -> AlterPartitionReassignmentsResponse {
        if !call.may_on_cluster(Operation::Alter) {
            return AlterPartitionReassignmentsResponse {
                error_code: call.note(ErrorCode::ClusterAuthorizationFailed),
                ..AlterPartitionReassignmentsResponse::default()
            };
        }
        let image = self.metadata.image();
        let resize = request.allow_replication_factor_change;
        let mut response = AlterPartitionReassignmentsResponse {
            allow_replication_factor_change: resize,
            error_message: None,
            ..AlterPartitionReassignmentsResponse::default()
        };
        for topic in request.topics {
            let answers = topic.partitions.iter().map(|wanted| {
                let done = reassign(&image, &topic.name, wanted, resize);
                let (error_code, error_message) = match done {
                    Ok(()) => (ErrorCode::None.code(), None),
                    Err(refusal) => (call.note(refusal.code), Some(refusal.message)),
                };
                ReassignablePartitionResponse {
                    partition_index: wanted.partition_index,
                    error_code,
                    error_message,
                }
            });
            let partitions = answers.collect();
            response.responses.push(ReassignableTopicResponse {
                name: topic.name,
                partitions,
            });
        }
        response
    }
}

fn reassign(
    image: &Image,
    topic: &str,
    wanted: &ReassignablePartition,
    resize: bool,
) -> Result<(), Refusal> {
    let unknown = |what: String| Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, what));
    let Some(known) = image.topic_named(topic) else {
        return unknown(format!("there is no topic '{topic}'"));
    };
    let index = wanted.partition_index;
    let Some(partition) = known.partitions.get(&index) else {
        return unknown(format!("there is no partition {topic}-{index}"));
    };
    let Some(replicas) = &wanted.replicas else {
        let message = "no reassignment is in progress";
        return Err(Refusal::new(ErrorCode::NoReassignmentInProgress, message));
    };
    let wrong = |what: String| Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, what));
    if replicas.is_empty() {
        return wrong("a partition needs a replica".to_owned());
    }
    if let Some(stranger) = replicas.iter().find(|id| image.broker(**id).is_none()) {
        return wrong(format!("there is no broker {stranger}"));
    }
    if replicas.len() != partition.replicas.len() && !resize {
        let message = "the number of replicas may not change";
        return Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message));
    }
    if *replicas != partition.replicas {
        return wrong("a broker may be there only once".to_owned());
    }
    Ok(())
}
