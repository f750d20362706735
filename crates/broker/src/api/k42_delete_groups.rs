//! DeleteGroups, key 42, versions 0–2.
//!
//! - A group with members is NON_EMPTY_GROUP, one that isn't there GROUP_ID_NOT_FOUND. Its offsets
//!   go with it. A group that is named twice is answered once.

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_coordinator::{Coordinator, Out};
use limpid_protocol::messages::DeleteGroupsRequest;
use limpid_protocol::messages::delete_groups_response::{
    DeletableGroupResult, DeleteGroupsResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::audit::changes::Change;
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};
use crate::share::Shares;

/// Answers DeleteGroups.
pub struct DeleteGroups {
    groups: Arc<Groups>,
    shares: Arc<Shares>,
}

impl DeleteGroups {
    /// `groups` are deleted, with what `shares` keep of them.
    pub fn new(groups: Arc<Groups>, shares: Arc<Shares>) -> Self {
        Self { groups, shares }
    }

    async fn delete(&self, id: &str) -> Result<(), ErrorCode> {
        let delete = |c: &mut Coordinator, _, out: &mut Out| match c.is_share(id) {
            true => Ok(true),
            false => c.delete(id, out).map(|()| false),
        };
        let done = self.groups.step(id, delete).await?;
        done.written?;
        match done.value? {
            true => self.shares.delete_group(id).await,
            false => Ok(()),
        }
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
            let error = self.delete(&id).await.err().unwrap_or(ErrorCode::None);
            call.changed(Change::new("delete", "group", &id).ended(error));
            response.results.push(DeletableGroupResult {
                group_id: id,
                error_code: call.note(error),
            });
        }
        response
    }
}
