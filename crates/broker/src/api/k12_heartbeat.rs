//! Heartbeat, key 12, versions 0–4.
//!
//! - REBALANCE_IN_PROGRESS asks the member to join again. From version 3 with
//!   `group.instance.id`.
//! - While the groups are still being read at the start, members are told that all is well.

use std::sync::Arc;

use limpid_protocol::messages::{HeartbeatRequest, HeartbeatResponse};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};

/// Answers Heartbeat.
pub struct Heartbeat {
    groups: Arc<Groups>,
}

impl Heartbeat {
    /// `groups` have members.
    pub fn new(groups: Arc<Groups>) -> Self {
        Self { groups }
    }
}

impl Answer for Heartbeat {
    type Request = HeartbeatRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::Heartbeat, 0, 4);

    async fn answer(&self, request: HeartbeatRequest, call: &mut Call<'_>) -> HeartbeatResponse {
        if !call.may(Operation::Read, ResourceKind::Group, &request.group_id) {
            return HeartbeatResponse {
                error_code: call.note(ErrorCode::GroupAuthorizationFailed),
                ..HeartbeatResponse::default()
            };
        }
        let done = self
            .groups
            .step(&request.group_id, |c, now, _| c.heartbeat(now, &request))
            .await;
        let error = match done.map(|done| done.value) {
            Ok(Ok(())) | Err(ErrorCode::CoordinatorLoadInProgress) => ErrorCode::None,
            Ok(Err(error)) | Err(error) => error,
        };
        HeartbeatResponse {
            error_code: call.note(error),
            ..HeartbeatResponse::default()
        }
    }
}
