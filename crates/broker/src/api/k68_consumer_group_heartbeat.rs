//! ConsumerGroupHeartbeat, key 68, versions 0–1 (KIP-848).
//!
//! - Members join with epoch 0, leave with −1, and static ones leave for now with −2. From version
//!   1 they choose their ids themselves (KIP-1082) and may subscribe with a pattern, which means
//!   the topics that they may describe.
//! - Everything that did not change since the last heartbeat may be null; so is the assignment in
//!   the answer.
//! - Without `group.version` 1 there are no consumer groups: UNSUPPORTED_VERSION.

use std::sync::Arc;

use limpid_coordinator::Client;
use limpid_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::features;
use crate::groups::Groups;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;

/// Answers ConsumerGroupHeartbeat.
pub struct ConsumerGroupHeartbeat {
    groups: Arc<Groups>,
    metadata: Arc<Metadata>,
}

impl ConsumerGroupHeartbeat {
    /// `metadata` tell whether the feature is on.
    pub fn new(groups: Arc<Groups>, metadata: Arc<Metadata>) -> Self {
        Self { groups, metadata }
    }
}

impl ConsumerGroupHeartbeat {
    fn check(
        &self,
        request: &ConsumerGroupHeartbeatRequest,
        call: &Call<'_>,
    ) -> Result<(), ErrorCode> {
        if self.metadata.image().feature(features::GROUP_VERSION) == 0 {
            return Err(ErrorCode::UnsupportedVersion);
        }
        if !call.may(Operation::Read, ResourceKind::Group, &request.group_id) {
            return Err(ErrorCode::GroupAuthorizationFailed);
        }
        let mut names = request.subscribed_topic_names.iter().flatten();
        let may_read = |name| call.may(Operation::Describe, ResourceKind::Topic, name);
        match names.all(|name| may_read(name)) {
            true => Ok(()),
            false => Err(ErrorCode::TopicAuthorizationFailed),
        }
    }
}

impl Answer for ConsumerGroupHeartbeat {
    type Request = ConsumerGroupHeartbeatRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ConsumerGroupHeartbeat, 0, 1);

    async fn answer(
        &self,
        request: ConsumerGroupHeartbeatRequest,
        call: &mut Call<'_>,
    ) -> ConsumerGroupHeartbeatResponse {
        if let Err(error) = self.check(&request, call) {
            return ConsumerGroupHeartbeatResponse {
                error_code: call.note(error),
                ..ConsumerGroupHeartbeatResponse::default()
            };
        }
        let client = Client {
            id: call.client_id.unwrap_or_default().to_owned(),
            host: format!("/{}", call.peer.address.ip().to_canonical()),
        };
        let sees = |name: &str| call.sees(Operation::Describe, ResourceKind::Topic, name);
        let answer = self
            .groups
            .consumer_heartbeat(request, call.version, client, &sees)
            .await;
        answer.unwrap_or_else(|refusal| ConsumerGroupHeartbeatResponse {
            error_code: call.note(refusal.error),
            error_message: Some(refusal.message),
            ..ConsumerGroupHeartbeatResponse::default()
        })
    }
}
