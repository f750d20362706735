//! SyncGroup, key 14, versions 0–5.
//!
//! - The leader brings the assignment, the others wait for it.
//! - From version 3 with `group.instance.id`; from 5 the member says which protocol it means
//!   (KIP-559), and must.

use std::sync::Arc;

use limpid_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};

/// Version from which the protocol must be named.
const WITH_PROTOCOL: i16 = 5;

/// Answers SyncGroup.
pub struct SyncGroup {
    groups: Arc<Groups>,
}

impl SyncGroup {
    /// `groups` have assignments.
    pub fn new(groups: Arc<Groups>) -> Self {
        Self { groups }
    }
}

impl Answer for SyncGroup {
    type Request = SyncGroupRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::SyncGroup, 0, 5);

    async fn answer(&self, request: SyncGroupRequest, call: &mut Call<'_>) -> SyncGroupResponse {
        let named = request.protocol_type.is_some() && request.protocol_name.is_some();
        if call.version >= WITH_PROTOCOL && !named {
            return SyncGroupResponse {
                error_code: call.note(ErrorCode::InconsistentGroupProtocol),
                ..SyncGroupResponse::default()
            };
        }
        if !call.may(Operation::Read, ResourceKind::Group, &request.group_id) {
            return SyncGroupResponse {
                error_code: call.note(ErrorCode::GroupAuthorizationFailed),
                ..SyncGroupResponse::default()
            };
        }
        call.clock.enter(limpid_telemetry::Stage::Purgatory);
        let response = self.groups.sync(request).await;
        call.clock.enter(limpid_telemetry::Stage::LocalAppend);
        let error = ErrorCode::from_code(response.error_code);
        call.note(error.unwrap_or(ErrorCode::UnknownServerError));
        response
    }
}
