//! ListPartitionReassignments, key 46, version 0 (KIP-455).
//!
//! Partitions lie on one node, so none is being reassigned.

use limpid_protocol::ApiKey;
use limpid_protocol::messages::ListPartitionReassignmentsRequest;
use limpid_protocol::messages::list_partition_reassignments_response::ListPartitionReassignmentsResponse;

use crate::handler::{Answer, ApiRange, Call};

/// Answers ListPartitionReassignments.
pub struct ListPartitionReassignments;

impl Answer for ListPartitionReassignments {
    type Request = ListPartitionReassignmentsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ListPartitionReassignments, 0, 0);

    async fn answer(
        &self,
        _request: ListPartitionReassignmentsRequest,
        _call: &mut Call<'_>,
    ) -> ListPartitionReassignmentsResponse {
        ListPartitionReassignmentsResponse {
            error_message: None,
            ..ListPartitionReassignmentsResponse::default()
        }
    }
}
