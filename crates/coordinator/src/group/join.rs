//! JoinGroup.

use std::sync::Arc;

use bytes::Bytes;
use limpid_protocol::ErrorCode;
use limpid_protocol::messages::join_group_response::JoinGroupResponse;

use super::{Group, NEW_MEMBER_JOIN_TIMEOUT_MS, Turn};
use crate::after::{After, Protocol, Replaced};
use crate::cause::Cause;
use crate::join_call::JoinCall;
use crate::limits::PENDING_MEMBERS_MAX;
use crate::member::Member;
use crate::state::State;
use crate::timers::{Deadline, TimerKey};

impl Group {
    pub(crate) fn join(&mut self, turn: &mut Turn<'_>, call: JoinCall) {
        if !self.has_room_for(turn, &call.member_id) {
            self.remove(turn, &call.member_id);
            let error = ErrorCode::GroupMaxSizeReached;
            turn.out.join_error(call.token, "", error);
            // It may have been the last one the others waited for.
            return self.complete_join_if_ready(turn);
        }
        if !self.supports(&call.protocol_type, &call.protocols) {
            let error = ErrorCode::InconsistentGroupProtocol;
            return turn.out.join_error(call.token, &call.member_id, error);
        }
        if call.member_id.is_empty() {
            self.join_new(turn, call);
        } else if self.is_pending(&call.member_id) {
            if call.instance_id.is_some() {
                // Static members are never pending: it contradicts itself.
                let error = ErrorCode::UnknownServerError;
                return turn.out.join_error(call.token, &call.member_id, error);
            }
            let id: Arc<str> = call.member_id.as_str().into();
            self.add_and_rebalance(turn, call, id);
        } else {
            self.join_again(turn, call);
        }
    }

    /// Those who wait count while members join, because the others may not come back.
    fn has_room_for(&self, turn: &Turn<'_>, member_id: &str) -> bool {
        let max = turn.limits.group_size_max;
        let known = self.members.get(member_id);
        match self.state {
            State::Empty | State::Dead | State::Assigning | State::Reconciling => {
                self.pending.len() < PENDING_MEMBERS_MAX
            }
            State::PreparingRebalance => {
                known.is_some_and(|m| m.awaiting_join.is_some())
                    || self.awaiting_join < max && self.pending.len() < PENDING_MEMBERS_MAX
            }
            State::CompletingRebalance | State::Stable => {
                known.is_some()
                    || self.members.len() < max && self.pending.len() < PENDING_MEMBERS_MAX
            }
        }
    }

    fn join_new(&mut self, turn: &mut Turn<'_>, call: JoinCall) {
        let id = Arc::clone(&call.new_id);
        let known = call.instance_id.as_ref().and_then(|i| self.statics.get(i));
        if let Some(old_id) = known.cloned() {
            return self.replace_static(turn, call, &old_id);
        }
        if call.instance_id.is_some() || !call.needs_known_id {
            return self.add_and_rebalance(turn, call, id);
        }
        let mut deadline = Deadline::default();
        let timeout = u64::try_from(call.session_timeout_ms).unwrap_or(0);
        let at = turn.now.mono_ms.saturating_add(timeout);
        let key = || TimerKey::Member(Arc::clone(&self.id), Arc::clone(&id));
        turn.timers.set(&mut deadline, at, key);
        self.pending.insert(Arc::clone(&id), deadline);
        turn.out
            .join_error(call.token, &id, ErrorCode::MemberIdRequired);
    }

    fn add_and_rebalance(&mut self, turn: &mut Turn<'_>, call: JoinCall, id: Arc<str>) {
        let member = Member {
            id: Arc::clone(&id),
            instance_id: call.instance_id,
            client_id: call.client_id,
            client_host: call.client_host,
            rebalance_timeout_ms: call.rebalance_timeout_ms,
            session_timeout_ms: call.session_timeout_ms,
            protocol_type: call.protocol_type,
            protocols: call.protocols,
            assignment: Bytes::new(),
            awaiting_join: Some(call.token),
            awaiting_sync: None,
            is_new: true,
            deadline: Deadline::default(),
        };
        if self.state == State::PreparingRebalance && self.previous == State::Empty {
            self.new_member_added = true;
        }
        self.add(turn, member);
        self.set_deadline(turn, &id, NEW_MEMBER_JOIN_TIMEOUT_MS);
        self.rebalance_or_go_on(turn, Cause::MemberJoined);
    }

    fn join_again(&mut self, turn: &mut Turn<'_>, call: JoinCall) {
        let id = call.member_id.clone();
        if let Err(error) = self.check_member(&id, call.instance_id.as_deref()) {
            return turn.out.join_error(call.token, &id, error);
        }
        let known = self.members.get(&*id);
        let same = known.is_some_and(|m| m.protocols == call.protocols);
        match self.state {
            State::PreparingRebalance => {
                self.update_and_rebalance(turn, call, Cause::MemberJoined);
            }
            // It did not get our answer, perhaps: it gets it again.
            State::CompletingRebalance if same => {
                let response = self.joined(&id, self.is_leader(&id));
                turn.out.join(call.token, response);
            }
            State::Stable if self.is_leader(&id) => {
                self.update_and_rebalance(turn, call, Cause::LeaderRejoined);
            }
            State::Stable if same => {
                let response = self.joined(&id, false);
                turn.out.join(call.token, response);
            }
            State::CompletingRebalance | State::Stable => {
                self.update_and_rebalance(turn, call, Cause::SubscriptionChanged);
            }
            State::Empty | State::Dead | State::Assigning | State::Reconciling => {
                let error = ErrorCode::UnknownMemberId;
                turn.out.join_error(call.token, &id, error);
            }
        }
    }

    fn update_and_rebalance(&mut self, turn: &mut Turn<'_>, call: JoinCall, cause: Cause) {
        let timeouts = (call.rebalance_timeout_ms, call.session_timeout_ms);
        self.update(&call.member_id, call.protocols, timeouts);
        self.set_awaiting_join(turn, &call.member_id, call.token);
        self.rebalance_or_go_on(turn, cause);
    }

    /// Takes over what a member says about itself.
    fn update(&mut self, member_id: &str, protocols: Vec<Protocol>, timeouts_ms: (i32, i32)) {
        let Some(mut member) = self.members.remove(member_id) else {
            return;
        };
        self.count_protocols(&member, false);
        member.protocols = protocols;
        (member.rebalance_timeout_ms, member.session_timeout_ms) = timeouts_ms;
        self.count_protocols(&member, true);
        self.members.insert(Arc::clone(&member.id), member);
    }

    /// A static member comes back and gets a new id; who still uses the old one is fenced.
    fn replace_static(&mut self, turn: &mut Turn<'_>, call: JoinCall, old_id: &Arc<str>) {
        let new_id = Arc::clone(&call.new_id);
        let old_leader = self.leader.clone();
        self.rename_static(turn, old_id, &new_id);
        self.keep_alive(turn, &new_id);
        let Some(member) = self.members.get(&new_id) else {
            return;
        };
        let replaced = Replaced {
            group: Arc::clone(&self.id),
            old_id: Arc::clone(old_id),
            new_id: Arc::clone(&new_id),
            old_protocols: member.protocols.clone(),
            old_timeouts_ms: (member.rebalance_timeout_ms, member.session_timeout_ms),
            old_leader,
            skips_assignment: call.skips_assignment,
        };
        let timeouts = (call.rebalance_timeout_ms, call.session_timeout_ms);
        self.update(&new_id, call.protocols, timeouts);
        self.set_awaiting_join(turn, &new_id, call.token);
        match self.state {
            State::Stable if self.elect_protocol() == self.protocol => {
                let record = self.record(|m| m.assignment.clone());
                let after = After::Replaced(Box::new(replaced));
                turn.out.write(vec![record], after);
            }
            // The leader may have seen the old id already: its assignment would miss the new one.
            State::Stable | State::CompletingRebalance => {
                self.prepare_rebalance(turn, Cause::StaticMemberReplaced);
            }
            _ => self.complete_join_if_ready(turn),
        }
    }

    /// Gives a static member another id and fences who waits under the old one.
    fn rename_static(&mut self, turn: &mut Turn<'_>, old_id: &Arc<str>, new_id: &Arc<str>) {
        let Some(mut member) = self.members.remove(old_id) else {
            return;
        };
        if let Some(token) = member.awaiting_join.take() {
            self.awaiting_join -= 1;
            let error = ErrorCode::FencedInstanceId;
            turn.out.join_error(token, old_id, error);
        }
        if let Some(token) = member.awaiting_sync.take() {
            turn.out.sync_error(token, ErrorCode::FencedInstanceId);
        }
        turn.timers.clear(&mut member.deadline);
        member.id = Arc::clone(new_id);
        if let Some(instance) = &member.instance_id {
            self.statics.insert(instance.clone(), Arc::clone(new_id));
        }
        if self.is_leader(old_id) {
            self.leader = Some(Arc::clone(new_id));
        }
        if self.pending_sync.remove(old_id) {
            self.pending_sync.insert(Arc::clone(new_id));
        }
        self.members.insert(Arc::clone(new_id), member);
    }

    /// The record of a replaced static member was written, or was not.
    pub(crate) fn replaced(
        &mut self,
        turn: &mut Turn<'_>,
        replaced: Replaced,
        written: Result<(), ErrorCode>,
    ) {
        let id = &replaced.new_id;
        let Some(token) = self
            .members
            .get_mut(id)
            .and_then(|m| m.awaiting_join.take())
        else {
            return;
        };
        self.awaiting_join -= 1;
        let is_leader = self.is_leader(id);
        let old_leader = replaced.old_leader.as_deref().unwrap_or_default();
        let mut response = self.joined(id, is_leader && replaced.skips_assignment);
        match written {
            Ok(()) if replaced.skips_assignment => response.skip_assignment = is_leader,
            // An old client that sees itself as the leader would assign: it is shown the old id.
            Ok(()) => old_leader.clone_into(&mut response.leader),
            Err(error) => {
                self.update(id, replaced.old_protocols, replaced.old_timeouts_ms);
                self.rename_static(turn, id, &replaced.old_id);
                self.keep_alive(turn, &replaced.old_id);
                response = JoinGroupResponse {
                    error_code: error.code(),
                    member_id: String::new(),
                    leader: old_leader.to_owned(),
                    ..response
                };
            }
        }
        turn.out.join(token, response);
    }
}
