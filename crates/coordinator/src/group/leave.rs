//! LeaveGroup.

use std::sync::Arc;

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::leave_group_request::MemberIdentity;
use limpid_protocol::messages::leave_group_response::MemberResponse;

use super::{Group, Turn};
use crate::cause::Cause;
use crate::state::State;

impl Group {
    pub(crate) fn leave(
        &mut self,
        turn: &mut Turn<'_>,
        members: Vec<MemberIdentity>,
    ) -> Vec<MemberResponse> {
        let mut answers = Vec::with_capacity(members.len());
        let mut somebody_left = false;
        for member in members {
            let left = self.leave_one(turn, &member);
            somebody_left |= left.is_ok();
            answers.push(MemberResponse {
                member_id: member.member_id,
                group_instance_id: member.group_instance_id,
                error_code: left.err().unwrap_or(ErrorCode::None).code(),
            });
        }
        if somebody_left {
            match self.state {
                State::Stable | State::CompletingRebalance => {
                    self.prepare_rebalance(turn, Cause::MemberLeft);
                }
                State::PreparingRebalance => self.complete_join_if_ready(turn),
                State::Empty | State::Dead | State::Assigning | State::Reconciling => {}
            }
        }
        answers
    }

    fn leave_one(&mut self, turn: &mut Turn<'_>, member: &MemberIdentity) -> Result<(), ErrorCode> {
        let instance = member.group_instance_id.as_deref();
        let id: Arc<str> = if member.member_id.is_empty() {
            // An administrator removes a static member by its name.
            let known = instance.and_then(|i| self.statics.get(i));
            Arc::clone(known.ok_or(ErrorCode::UnknownMemberId)?)
        } else {
            if !self.is_pending(&member.member_id) {
                self.check_member(&member.member_id, instance)?;
            }
            member.member_id.as_str().into()
        };
        self.remove(turn, &id);
        Ok(())
    }
}
