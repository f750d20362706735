//! RemoveRaftVoter, key 81, version 0 (KIP-853).
//!
//! The one voter can't be removed: a log without voters can't be opened again.

use std::sync::Arc;

use limpid_protocol::messages::{RemoveRaftVoterRequest, RemoveRaftVoterResponse};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::metadata::Refusal;

use crate::handler::{Answer, ApiRange, Call};
use crate::raft_voters::{Key, Voters};

/// Answers RemoveRaftVoter.
pub struct RemoveRaftVoter {
    voters: Arc<Voters>,
}

impl RemoveRaftVoter {
    /// `voters` are those there are.
    pub fn new(voters: Arc<Voters>) -> Self {
        Self { voters }
    }

    fn refusal(&self, request: &RemoveRaftVoterRequest, call: &Call<'_>) -> Refusal {
        let key = Key {
            id: request.voter_id,
            directory: request.voter_directory_id,
        };
        if let Err(refusal) = self.voters.check(call, request.cluster_id.as_deref(), key) {
            return refusal;
        }
        if let Err(refusal) = self.voters.check_level() {
            return refusal;
        }
        if !self.voters.all().contains(&key) {
            let message = format!("{} with {} is no voter", key.id, key.directory);
            return Refusal::new(ErrorCode::VoterNotFound, message);
        }
        let message = format!("{} is the only voter", key.id);
        Refusal::new(ErrorCode::InvalidRequest, message)
    }
}

impl Answer for RemoveRaftVoter {
    type Request = RemoveRaftVoterRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::RemoveRaftVoter, 0, 0);

    async fn answer(
        &self,
        request: RemoveRaftVoterRequest,
        call: &mut Call<'_>,
    ) -> RemoveRaftVoterResponse {
        let refusal = self.refusal(&request, call);
        RemoveRaftVoterResponse {
            error_code: call.note(refusal.code),
            error_message: Some(refusal.message),
            ..RemoveRaftVoterResponse::default()
        }
    }
}
