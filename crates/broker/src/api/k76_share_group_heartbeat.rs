//! ShareGroupHeartbeat, key 76, version 1 (KIP-932).
//!
//! - Members choose their ids, join with epoch 0 and leave with −1. What did not change since the
//!   last heartbeat may be null; so is the assignment in the answer.
//! - Kafka sets the state of partitions up after the first heartbeat and assigns with the next; here
//!   it is set up before, so that the first answer has the assignment already.
//! - Without `share.version` 1 there are no share groups: UNSUPPORTED_VERSION.

use std::sync::Arc;

use limpid_coordinator::Client;
use limpid_protocol::messages::{ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::features;
use crate::handler::{Answer, ApiRange, Call};
use crate::metadata::Metadata;
use crate::share::Shares;

/// Longest id of a member: that of a UUID as people read it.
const MEMBER_ID_CHARS_MAX: usize = 36;

/// Whether this can be the id of a member.
pub fn is_member_id(id: &str) -> bool {
    !id.is_empty() && id.encode_utf16().count() <= MEMBER_ID_CHARS_MAX
}

/// Answers ShareGroupHeartbeat.
pub struct ShareGroupHeartbeat {
    shares: Arc<Shares>,
    metadata: Arc<Metadata>,
}

impl ShareGroupHeartbeat {
    /// `metadata` tell whether the feature is on.
    pub fn new(shares: Arc<Shares>, metadata: Arc<Metadata>) -> Self {
        Self { shares, metadata }
    }

    fn check(
        &self,
        request: &ShareGroupHeartbeatRequest,
        call: &Call<'_>,
    ) -> Result<(), ErrorCode> {
        if !features::has_share_groups(&self.metadata.image()) {
            return Err(ErrorCode::UnsupportedVersion);
        }
        if !call.may(Operation::Read, ResourceKind::Group, &request.group_id) {
            return Err(ErrorCode::GroupAuthorizationFailed);
        }
        if !is_member_id(&request.member_id) {
            return Err(ErrorCode::InvalidRequest);
        }
        let mut names = request.subscribed_topic_names.iter().flatten();
        let may = |name| call.may(Operation::Describe, ResourceKind::Topic, name);
        match names.all(|name| may(name)) {
            true => Ok(()),
            false => Err(ErrorCode::TopicAuthorizationFailed),
        }
    }
}

impl Answer for ShareGroupHeartbeat {
    type Request = ShareGroupHeartbeatRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ShareGroupHeartbeat, 1, 1);

    async fn answer(
        &self,
        request: ShareGroupHeartbeatRequest,
        call: &mut Call<'_>,
    ) -> ShareGroupHeartbeatResponse {
        if let Err(error) = self.check(&request, call) {
            return ShareGroupHeartbeatResponse {
                error_code: call.note(error),
                ..ShareGroupHeartbeatResponse::default()
            };
        }
        let client = Client {
            id: call.client_id.unwrap_or_default().to_owned(),
            host: format!("/{}", call.peer.address.ip().to_canonical()),
        };
        let answer = self.shares.heartbeat(request, client).await;
        answer.unwrap_or_else(|refusal| ShareGroupHeartbeatResponse {
            error_code: call.note(refusal.error),
            error_message: Some(refusal.message),
            ..ShareGroupHeartbeatResponse::default()
        })
    }
}
