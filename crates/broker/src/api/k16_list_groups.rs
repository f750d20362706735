//! ListGroups, key 16, versions 0–5.
//!
//! - From version 4 by state, from 5 by type (KIP-848); both regardless of case.

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_protocol::ApiKey;
use limpid_protocol::messages::ListGroupsRequest;
use limpid_protocol::messages::list_groups_response::ListGroupsResponse;

use crate::access::{CLUSTER_NAME, Operation, ResourceKind};
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};

/// Answers ListGroups.
pub struct ListGroups {
    groups: Arc<Groups>,
}

impl ListGroups {
    /// `groups` are listed.
    pub fn new(groups: Arc<Groups>) -> Self {
        Self { groups }
    }
}

impl Answer for ListGroups {
    type Request = ListGroupsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ListGroups, 0, 5);

    async fn answer(&self, request: ListGroupsRequest, call: &mut Call<'_>) -> ListGroupsResponse {
        let mut response = ListGroupsResponse::default();
        if self.groups.is_loading() {
            let loading = limpid_protocol::ErrorCode::CoordinatorLoadInProgress;
            response.error_code = call.note(loading);
            return response;
        }
        let states = lower_case(&request.states_filter);
        let types = lower_case(&request.types_filter);
        let listed = self.groups.look_at_all(|c| c.list(&states, &types));
        response.groups = listed.into_iter().flatten().collect();
        // Who may describe the cluster sees all of them.
        if !call.sees(Operation::Describe, ResourceKind::Cluster, CLUSTER_NAME) {
            let seen = |id: &str| call.sees(Operation::Describe, ResourceKind::Group, id);
            response.groups.retain(|group| seen(&group.group_id));
        }
        response
    }
}

fn lower_case(words: &[String]) -> BTreeSet<String> {
    words.iter().map(|word| word.to_ascii_lowercase()).collect()
}
