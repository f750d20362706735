//! DeleteGroups, key 42, versions 0–2.
//!
//! - A group with members is NON_EMPTY_GROUP, one that isn't there GROUP_ID_NOT_FOUND. Its offsets
//!   go with it. A group that is named twice is answered once.

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_protocol::messages::DeleteGroupsRequest;
use limpid_protocol::messages::delete_groups_response::{
    DeletableGroupResult, DeleteGroupsResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};

/// Answers DeleteGroups.
pub struct DeleteGroups {
    groups: Arc<Groups>,
}

impl DeleteGroups {
    /// `groups` are deleted.
    pub fn new(groups: Arc<Groups>) -> Self {
        Self { groups }
    }
}

impl Answer for DeleteGroups {
    type Request = DeleteGroupsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DeleteGroups, 0, 2);

    async fn answer(
        &self,
        request: DeleteGroupsRequest,
        call: &mut Call<'_>,
    ) -> DeleteGroupsResponse {
        let mut response = DeleteGroupsResponse::default();
        let mut seen = BTreeSet::new();
        for id in request.groups_names {
            if !seen.insert(id.clone()) {
                continue;
            }
            if !call.may(Operation::Delete, ResourceKind::Group, &id) {
                response.results.push(DeletableGroupResult {
                    group_id: id,
                    error_code: call.note(ErrorCode::GroupAuthorizationFailed),
                });
                continue;
            }
            let done = self.groups.step(&id, |c, _, out| c.delete(&id, out)).await;
            let error = match done {
                Ok(done) => done.value.and(done.written).err(),
                Err(error) => Some(error),
            };
            response.results.push(DeletableGroupResult {
                group_id: id,
                error_code: call.note(error.unwrap_or(ErrorCode::None)),
            });
        }
        response
    }
}
