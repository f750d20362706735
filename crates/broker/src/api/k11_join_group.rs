//! JoinGroup, key 11, versions 0–9.
//!
//! - The answer comes when the group's members have gathered. Meanwhile only this connection
//!   waits.
//! - Version 0 has no rebalance timeout: the session timeout stands in for it. From version 4 a
//!   new member first gets MEMBER_ID_REQUIRED and its id (KIP-394), from 5 there are static members
//!   (KIP-345), from 9 a static leader that comes back is told not to assign (KIP-814).
//! - librdkafka before 2.11 gates Kerberos on versions 0 and 1 (KAFKA-19444).

use std::sync::Arc;

use limpid_coordinator::Client;
use limpid_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};

/// Version from which no protocol is null instead of empty.
const NULL_PROTOCOL: i16 = 7;

/// Answers JoinGroup.
pub struct JoinGroup {
    groups: Arc<Groups>,
}

impl JoinGroup {
    /// `groups` are joined.
    pub fn new(groups: Arc<Groups>) -> Self {
        Self { groups }
    }
}

impl Answer for JoinGroup {
    type Request = JoinGroupRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::JoinGroup, 0, 9);

    async fn answer(&self, request: JoinGroupRequest, call: &mut Call<'_>) -> JoinGroupResponse {
        if !call.may(Operation::Read, ResourceKind::Group, &request.group_id) {
            return JoinGroupResponse {
                error_code: call.note(ErrorCode::GroupAuthorizationFailed),
                protocol_name: (call.version < NULL_PROTOCOL).then(String::new),
                ..JoinGroupResponse::default()
            };
        }
        let client = Client {
            id: call.client_id.unwrap_or_default().to_owned(),
            host: format!("/{}", call.peer.address.ip().to_canonical()),
        };
        call.clock.enter(limpid_telemetry::Stage::Purgatory);
        let mut response = self.groups.join(request, call.version, client).await;
        call.clock.enter(limpid_telemetry::Stage::LocalAppend);
        if call.version < NULL_PROTOCOL {
            response.protocol_name.get_or_insert_default();
        }
        let error = ErrorCode::from_code(response.error_code);
        call.note(error.unwrap_or(ErrorCode::UnknownServerError));
        response
    }
}
