//! DescribeGroups, key 15, versions 0–6.
//!
//! - Subscriptions are told of stable groups only, assignments always. From version 3 with the
//!   operations the client is allowed, from 4 with `group.instance.id`.
//! - A group that isn't there, or is of another type, is "Dead"; from version 6 also
//!   GROUP_ID_NOT_FOUND (KIP-1043).

use std::sync::Arc;

use limpid_coordinator::Refusal;
use limpid_protocol::messages::DescribeGroupsRequest;
use limpid_protocol::messages::describe_groups_response::{DescribeGroupsResponse, DescribedGroup};
use limpid_protocol::{ApiKey, ErrorCode};

use super::described_groups::operations_of;
use crate::access::{Operation, ResourceKind};
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};

/// Version from which a missing group is an error.
const NOT_FOUND: i16 = 6;
const DEAD: &str = "Dead";

/// Answers DescribeGroups.
pub struct DescribeGroups {
    groups: Arc<Groups>,
}

impl DescribeGroups {
    /// `groups` are described.
    pub fn new(groups: Arc<Groups>) -> Self {
        Self { groups }
    }
}

impl Answer for DescribeGroups {
    type Request = DescribeGroupsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DescribeGroups, 0, 6);

    async fn answer(
        &self,
        request: DescribeGroupsRequest,
        call: &mut Call<'_>,
    ) -> DescribeGroupsResponse {
        let mut response = DescribeGroupsResponse::default();
        for id in request.groups {
            let done = match call.may(Operation::Describe, ResourceKind::Group, &id) {
                true => self.groups.step(&id, |c, _, _| c.describe(&id)).await,
                false => Err(ErrorCode::GroupAuthorizationFailed),
            };
            let mut group = match done.map(|done| done.value) {
                Ok(Ok(group)) => group,
                Ok(Err(refusal)) => missing(id, refusal, call),
                Err(error) => DescribedGroup {
                    error_code: call.note(error),
                    group_id: id,
                    ..DescribedGroup::default()
                },
            };
            let asked = request.include_authorized_operations;
            group.authorized_operations =
                operations_of(call, asked, group.error_code, &group.group_id);
            response.groups.push(group);
        }
        response
    }
}

fn missing(id: String, refusal: Refusal, call: &mut Call<'_>) -> DescribedGroup {
    let mut group = DescribedGroup {
        group_state: DEAD.to_owned(),
        ..DescribedGroup::default()
    };
    if call.version >= NOT_FOUND {
        group.error_code = call.note(refusal.error);
        group.error_message = Some(refusal.message);
    }
    group.group_id = id;
    group
}
