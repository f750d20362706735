//! LeaveGroup, key 13, versions 0–5.
//!
//! - From version 3 several members at once, which a tool may name by `group.instance.id`; each
//!   gets an answer of its own.

use std::sync::Arc;

use limpid_protocol::messages::LeaveGroupRequest;
use limpid_protocol::messages::leave_group_request::MemberIdentity;
use limpid_protocol::messages::leave_group_response::LeaveGroupResponse;
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};

/// Version from which several members leave at once.
const MANY_MEMBERS: i16 = 3;

/// Answers LeaveGroup.
pub struct LeaveGroup {
    groups: Arc<Groups>,
}

impl LeaveGroup {
    /// `groups` are left.
    pub fn new(groups: Arc<Groups>) -> Self {
        Self { groups }
    }
}

impl Answer for LeaveGroup {
    type Request = LeaveGroupRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::LeaveGroup, 0, 5);

    async fn answer(&self, request: LeaveGroupRequest, call: &mut Call<'_>) -> LeaveGroupResponse {
        if !call.may(Operation::Read, ResourceKind::Group, &request.group_id) {
            return LeaveGroupResponse {
                error_code: call.note(ErrorCode::GroupAuthorizationFailed),
                ..LeaveGroupResponse::default()
            };
        }
        let many = call.version >= MANY_MEMBERS;
        let members = if many {
            request.members
        } else {
            vec![MemberIdentity {
                member_id: request.member_id,
                ..MemberIdentity::default()
            }]
        };
        let id = request.group_id;
        let done = self
            .groups
            .step(&id, |c, now, out| c.leave(now, &id, members, out))
            .await;
        let mut response = LeaveGroupResponse::default();
        match done.map(|done| done.value) {
            Ok(Ok(members)) if many => {
                for code in members.iter().map(|m| m.error_code) {
                    call.note(ErrorCode::from_code(code).unwrap_or(ErrorCode::None));
                }
                response.members = members;
            }
            Ok(Ok(members)) => {
                let code = members.first().map_or(0, |m| m.error_code);
                let error = ErrorCode::from_code(code).unwrap_or(ErrorCode::None);
                response.error_code = call.note(error);
            }
            Ok(Err(error)) | Err(error) => response.error_code = call.note(error),
        }
        response
    }
}
