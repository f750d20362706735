//! AlterPartitionReassignments, key 45, versions 0–1 (KIP-455, KIP-1115).
//!
//! There is no other broker that anything could be copied to. Replicas on brokers that are gone, as a
//! directory of a larger cluster names them, can be given up; what such a cluster had begun can be
//! cancelled; to ask for what is there already changes nothing and succeeds.

use std::sync::Arc;

use limpid_protocol::messages::AlterPartitionReassignmentsRequest;
use limpid_protocol::messages::alter_partition_reassignments_response::{
    AlterPartitionReassignmentsResponse, ReassignablePartitionResponse, ReassignableTopicResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::changes::{Reassignment, reassign};
use limpid_storage::metadata::{Image, Refusal};

use crate::access::Operation;
use crate::audit::changes::Change;
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
        let may_resize = request.allow_replication_factor_change;
        let mut response = AlterPartitionReassignmentsResponse {
            allow_replication_factor_change: may_resize,
            error_message: None,
            ..AlterPartitionReassignmentsResponse::default()
        };
        for topic in request.topics {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for asked in topic.partitions {
                let wanted = Reassignment {
                    topic: topic.name.clone(),
                    partition: asked.partition_index,
                    replicas: asked.replicas,
                    may_resize,
                };
                let (error, error_message) = match self.reassign(wanted, call).await {
                    Ok(()) => (ErrorCode::None, None),
                    Err(refusal) => (refusal.code, Some(refusal.message)),
                };
                partitions.push(ReassignablePartitionResponse {
                    partition_index: asked.partition_index,
                    error_code: call.note(error),
                    error_message,
                });
            }
            response.responses.push(ReassignableTopicResponse {
                name: topic.name,
                partitions,
            });
        }
        response
    }
}

impl AlterPartitionReassignments {
    async fn reassign(&self, wanted: Reassignment, call: &mut Call<'_>) -> Result<(), Refusal> {
        let image = self.metadata.image();
        if reassign(&image, &wanted)?.is_empty() {
            return Ok(());
        }
        let replicas = |image: &Image| {
            let topic = image.topic_named(&wanted.topic)?;
            let partition = topic.partitions.get(&wanted.partition)?;
            Some(format!("{:?}", partition.replicas))
        };
        let mut change = Change::new("reassign", "topic", &wanted.topic);
        change.key = Some(format!("replicas of partition {}", wanted.partition));
        change.before = replicas(&image);
        let asked = wanted.clone();
        let done = self.metadata.change(move |i| reassign(i, &asked)).await;
        let (error, after) = match &done {
            Ok(committed) => (ErrorCode::None, replicas(&committed.image)),
            Err(refusal) => (refusal.code, None),
        };
        change.after = after;
        call.changed(change.ended(error));
        done.map(drop)
    }
}
