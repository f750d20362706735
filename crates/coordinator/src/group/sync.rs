//! SyncGroup.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use limpid_protocol::ErrorCode;
use limpid_protocol::messages::sync_group_request::SyncGroupRequest;
use limpid_protocol::messages::sync_group_response::SyncGroupResponse;

use super::{Group, Turn};
use crate::after::After;
use crate::cause::Cause;
use crate::out::Token;
use crate::state::State;

impl Group {
    pub(crate) fn sync(&mut self, turn: &mut Turn<'_>, request: SyncGroupRequest, token: Token) {
        if let Err(error) = self.check_sync(&request) {
            return turn.out.sync_error(token, error);
        }
        match self.state {
            State::CompletingRebalance => self.await_assignment(turn, request, token),
            State::Stable => {
                self.synced(turn, &request.member_id);
                let member = self.members.get(&*request.member_id);
                let response = SyncGroupResponse {
                    protocol_type: self.protocol_type.clone(),
                    protocol_name: self.protocol.clone(),
                    assignment: member.map_or_else(Bytes::new, |m| m.assignment.clone()),
                    ..SyncGroupResponse::default()
                };
                turn.out.sync(token, response);
            }
            State::PreparingRebalance => {
                turn.out.sync_error(token, ErrorCode::RebalanceInProgress);
            }
            State::Empty | State::Dead | State::Assigning | State::Reconciling => {
                turn.out.sync_error(token, ErrorCode::UnknownMemberId);
            }
        }
    }

    fn check_sync(&self, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
        if self.state == State::Empty {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.check_member(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        let differs = |theirs: &Option<String>, ours: &Option<String>| {
            theirs.is_some() && ours.is_some() && theirs != ours
        };
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol_name, &self.protocol)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        Ok(())
    }

    fn await_assignment(&mut self, turn: &mut Turn<'_>, request: SyncGroupRequest, token: Token) {
        let id = &*request.member_id;
        if let Some(member) = self.members.get_mut(id)
            && let Some(before) = member.awaiting_sync.replace(token)
        {
            turn.out.sync_error(before, ErrorCode::RebalanceInProgress);
        }
        self.synced(turn, id);
        if !self.is_leader(id) {
            return;
        }
        let assignment: HashMap<String, Bytes> = request
            .assignments
            .into_iter()
            // Copied, so that the whole request is not kept for as long as the group lives.
            .map(|a| (a.member_id, Bytes::copy_from_slice(&a.assignment)))
            .collect();
        let record = self.record(|m| assignment.get(&*m.id).cloned().unwrap_or_default());
        let after = After::Assigned {
            group: Arc::clone(&self.id),
            generation: self.generation,
            assignment,
        };
        turn.out.write(vec![record], after);
    }

    fn synced(&mut self, turn: &mut Turn<'_>, member_id: &str) {
        if self.pending_sync.remove(member_id) && self.pending_sync.is_empty() {
            self.clear_phase(turn);
        }
    }

    /// The leader's assignment was written, or was not.
    pub(crate) fn assigned(
        &mut self,
        turn: &mut Turn<'_>,
        generation: i32,
        mut assignment: HashMap<String, Bytes>,
        written: Result<(), ErrorCode>,
    ) {
        if self.state != State::CompletingRebalance || self.generation != generation {
            return;
        }
        match written {
            Ok(()) => {
                for member in self.members.values_mut() {
                    member.assignment = assignment.remove(&*member.id).unwrap_or_default();
                }
                self.answer_syncs(turn, ErrorCode::None);
                self.transition(State::Stable, turn.now);
                self.rebalance_ended(turn);
            }
            Err(error) => {
                self.reset_assignment(turn, error);
                self.rebalance_or_go_on(turn, Cause::StorageError);
            }
        }
    }
}
