//! ListGroups, key 16, versions 0–5.
//!
//! - From version 4 by state, from 5 by type (KIP-848); both regardless of case. Only classic
//!   groups exist yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_protocol::ApiKey;
use limpid_protocol::messages::ListGroupsRequest;
use limpid_protocol::messages::list_groups_response::ListGroupsResponse;

use crate::access::{CLUSTER_NAME, Operation, ResourceKind};
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};

/// The type of all groups here.
const CLASSIC: &str = "classic";

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
        let types = request.types_filter;
        if !types.is_empty() && !types.iter().any(|t| t.eq_ignore_ascii_case(CLASSIC)) {
            return response;
        }
        let states = request.states_filter.iter();
        let states: BTreeSet<String> = states.map(|s| s.to_ascii_lowercase()).collect();
        let listed = self.groups.look_at_all(|c| c.list(&states));
        response.groups = listed.into_iter().flatten().collect();
        // Who may describe the cluster sees all of them.
        if !call.sees(Operation::Describe, ResourceKind::Cluster, CLUSTER_NAME) {
            let seen = |id: &str| call.sees(Operation::Describe, ResourceKind::Group, id);
            response.groups.retain(|group| seen(&group.group_id));
        }
        response
    }
}
