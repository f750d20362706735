//! ListPartitionReassignments, key 46, version 0 (KIP-455).
//!
//! Partitions lie on one node, so none is being reassigned.

use limpid_protocol::messages::ListPartitionReassignmentsRequest;
use limpid_protocol::messages::list_partition_reassignments_response::ListPartitionReassignmentsResponse;
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::Operation;
use crate::handler::{Answer, ApiRange, Call};

/// Answers ListPartitionReassignments.
pub struct ListPartitionReassignments;

impl Answer for ListPartitionReassignments {
    type Request = ListPartitionReassignmentsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ListPartitionReassignments, 0, 0);

    async fn answer(
        &self,
        _request: ListPartitionReassignmentsRequest,
        call: &mut Call<'_>,
    ) -> ListPartitionReassignmentsResponse {
        let error = if call.may_on_cluster(Operation::Describe) {
            ErrorCode::None
        } else {
            ErrorCode::ClusterAuthorizationFailed
        };
        ListPartitionReassignmentsResponse {
            error_code: call.note(error),
            error_message: None,
            ..ListPartitionReassignmentsResponse::default()
        }
    }
}
