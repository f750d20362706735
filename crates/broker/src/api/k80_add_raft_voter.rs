//! AddRaftVoter, key 80, versions 0–1 (KIP-853).
//!
//! This node is a quorum of its own and stays one: who is a voter already is refused as in Kafka, and so
//! is everybody else, for want of a log that could be fetched.

use std::sync::Arc;

use limpid_protocol::messages::{AddRaftVoterRequest, AddRaftVoterResponse};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::Refusal;

use crate::handler::{Answer, ApiRange, Call};
use crate::raft_voters::{Key, Voters};

/// Answers AddRaftVoter.
pub struct AddRaftVoter {
    voters: Arc<Voters>,
}

impl AddRaftVoter {
    /// `voters` are those there are.
    pub fn new(voters: Arc<Voters>) -> Self {
        Self { voters }
    }

    fn refusal(&self, request: &AddRaftVoterRequest, call: &Call<'_>) -> Refusal {
        let key = Key {
            id: request.voter_id,
            directory: request.voter_directory_id,
        };
        if let Err(refusal) = self.voters.check(call, request.cluster_id.as_deref(), key) {
            return refusal;
        }
        if request.listeners.is_empty() {
            let message = "the voter's endpoint is missing";
            return Refusal::new(ErrorCode::InvalidRequest, message);
        }
        if let Err(refusal) = self.voters.check_level() {
            return refusal;
        }
        if self.voters.all().iter().any(|voter| voter.id == key.id) {
            let message = format!("{} is among the voters already", key.id);
            return Refusal::new(ErrorCode::DuplicateVoter, message);
        }
        let message = "this version is one node and can't share its metadata log with others";
        Refusal::new(ErrorCode::InvalidRequest, message)
    }
}

impl Answer for AddRaftVoter {
    type Request = AddRaftVoterRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::AddRaftVoter, 0, 1);

    async fn answer(
        &self,
        request: AddRaftVoterRequest,
        call: &mut Call<'_>,
    ) -> AddRaftVoterResponse {
        let refusal = self.refusal(&request, call);
        AddRaftVoterResponse {
            error_code: call.note(refusal.code),
            error_message: Some(refusal.message),
            ..AddRaftVoterResponse::default()
        }
    }
}
