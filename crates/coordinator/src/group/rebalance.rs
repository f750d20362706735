//! The phases of a rebalance: gathering, joining, and what ends them.

use std::sync::Arc;

use bytes::Bytes;
use limpid_protocol::ErrorCode;
use limpid_protocol::messages::join_group_response::JoinGroupResponse;
use limpid_protocol::messages::sync_group_response::SyncGroupResponse;

use super::{Group, Phase, Turn};
use crate::after::After;
use crate::cause::Cause;
use crate::state::State;

impl Group {
    /// Begins a rebalance if none is on its way, and goes on with the one that is.
    pub(super) fn rebalance_or_go_on(&mut self, turn: &mut Turn<'_>, cause: Cause) {
        if self.state.leads_to(State::PreparingRebalance) {
            self.prepare_rebalance(turn, cause);
        } else {
            self.complete_join_if_ready(turn);
        }
    }

    /// Everybody has to join again.
    pub(crate) fn prepare_rebalance(&mut self, turn: &mut Turn<'_>, cause: Cause) {
        if self.state == State::CompletingRebalance {
            self.reset_assignment(turn, ErrorCode::RebalanceInProgress);
        }
        self.pending_sync.clear();
        self.clear_phase(turn);
        let is_first = self.state == State::Empty;
        self.rebalance_began(turn, cause);
        self.transition(State::PreparingRebalance, turn.now);
        if is_first {
            let delay_ms = turn.limits.initial_rebalance_delay_ms;
            let remaining_ms = self.rebalance_timeout_ms().saturating_sub(delay_ms);
            let phase = Phase::Gathering {
                delay_ms,
                remaining_ms,
            };
            self.set_phase(turn, phase, delay_ms);
        } else if self.has_all_joined() {
            self.complete_join(turn);
        } else {
            let timeout = self.rebalance_timeout_ms();
            self.set_phase(turn, Phase::Joining, timeout);
        }
    }

    /// Ends the join phase once all are there. The first rebalance of a group always waits for
    /// its timer.
    pub(super) fn complete_join_if_ready(&mut self, turn: &mut Turn<'_>) {
        let joining = self.state == State::PreparingRebalance && self.previous != State::Empty;
        if joining && self.has_all_joined() {
            self.complete_join(turn);
        }
    }

    /// Ends the join phase: who has not come is out, static members aside.
    pub(super) fn complete_join(&mut self, turn: &mut Turn<'_>) {
        self.clear_phase(turn);
        let absent = self.members.values();
        let absent = absent.filter(|m| m.awaiting_join.is_none() && m.instance_id.is_none());
        let absent: Vec<Arc<str>> = absent.map(|m| Arc::clone(&m.id)).collect();
        for id in absent {
            self.remove(turn, &id);
        }
        if !self.members.is_empty() && !self.elect_leader() {
            // Only static members are left, and none of them came: they are given more time.
            let timeout = self.rebalance_timeout_ms();
            self.set_phase(turn, Phase::Joining, timeout);
            return;
        }
        self.generation = self.generation.wrapping_add(1).max(0);
        self.pending_sync.clear();
        if self.members.is_empty() {
            self.protocol = None;
            self.subscribed = self.read_subscriptions();
            self.transition(State::Empty, turn.now);
            self.rebalance_ended(turn);
            let record = self.record(|_| Bytes::new());
            turn.out.write(vec![record], After::Emptied);
        } else {
            self.protocol = self.elect_protocol();
            self.subscribed = self.read_subscriptions();
            self.transition(State::CompletingRebalance, turn.now);
            self.answer_joins(turn);
            let timeout = self.rebalance_timeout_ms();
            self.set_phase(turn, Phase::Syncing, timeout);
        }
    }

    fn answer_joins(&mut self, turn: &mut Turn<'_>) {
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for id in ids {
            let response = self.joined(&id, self.is_leader(&id));
            if let Some(member) = self.members.get_mut(&id) {
                member.is_new = false;
                if let Some(token) = member.awaiting_join.take() {
                    self.awaiting_join -= 1;
                    turn.out.join(token, response);
                }
            }
            self.keep_alive(turn, &id);
            self.pending_sync.insert(id);
        }
    }

    /// The answer to a member that is in the generation.
    pub(super) fn joined(&self, member_id: &str, with_members: bool) -> JoinGroupResponse {
        let protocol = self.protocol.as_deref();
        let members = self.members.values().filter(|_| with_members);
        JoinGroupResponse {
            generation_id: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            leader: self.leader.as_deref().unwrap_or_default().to_owned(),
            member_id: member_id.to_owned(),
            members: members.map(|m| m.as_joined(protocol)).collect(),
            ..JoinGroupResponse::default()
        }
    }

    /// Keeps the leader if it came, else takes one who did.
    fn elect_leader(&mut self) -> bool {
        let came = |id: &Arc<str>| {
            let member = self.members.get(id);
            member.is_some_and(|m| m.awaiting_join.is_some())
        };
        if self.leader.as_ref().is_some_and(came) {
            return true;
        }
        let next = self.members.keys().find(|id| came(id)).cloned();
        let found = next.is_some();
        if found {
            self.leader = next;
        }
        found
    }

    /// The time of a phase is over.
    pub(crate) fn phase_over(&mut self, turn: &mut Turn<'_>) {
        let Some((phase, _)) = self.phase.take() else {
            return;
        };
        match phase {
            Phase::Gathering {
                delay_ms,
                remaining_ms,
            } if self.new_member_added && remaining_ms != 0 => {
                self.new_member_added = false;
                let next = turn.limits.initial_rebalance_delay_ms.min(remaining_ms);
                let phase = Phase::Gathering {
                    delay_ms: next,
                    remaining_ms: remaining_ms.saturating_sub(delay_ms),
                };
                self.set_phase(turn, phase, next);
            }
            Phase::Gathering { .. } | Phase::Joining => self.complete_join(turn),
            Phase::Syncing => self.expire_pending_sync(turn),
        }
    }

    fn expire_pending_sync(&mut self, turn: &mut Turn<'_>) {
        let syncing = matches!(self.state, State::CompletingRebalance | State::Stable);
        if !syncing || self.pending_sync.is_empty() {
            return;
        }
        for id in std::mem::take(&mut self.pending_sync) {
            self.remove(turn, &id);
        }
        self.prepare_rebalance(turn, Cause::RebalanceTimeout);
    }

    /// The entry of a member's session has come up in the queue.
    pub(crate) fn session_over(&mut self, turn: &mut Turn<'_>, member_id: &Arc<str>) {
        let now_ms = turn.now.mono_ms;
        let key = crate::timers::TimerKey::Member(Arc::clone(&self.id), Arc::clone(member_id));
        if let Some(deadline) = self.pending.get_mut(member_id) {
            turn.timers.put_back(deadline, now_ms, key);
            if deadline.has_come(now_ms) {
                self.remove(turn, member_id);
                if self.state == State::PreparingRebalance && self.has_all_joined() {
                    self.complete_join(turn);
                }
            }
            return;
        }
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        turn.timers.put_back(&mut member.deadline, now_ms, key);
        if member.deadline.has_come(now_ms) && !member.is_excused() {
            self.remove(turn, member_id);
            self.go_on_without(turn, Cause::SessionExpired);
        }
    }

    /// After a member was removed.
    pub(super) fn go_on_without(&mut self, turn: &mut Turn<'_>, cause: Cause) {
        match self.state {
            State::Stable | State::CompletingRebalance => self.prepare_rebalance(turn, cause),
            State::PreparingRebalance if self.has_all_joined() => self.complete_join(turn),
            _ => {}
        }
    }

    /// Takes all assignments back, and tells those who wait for one.
    pub(super) fn reset_assignment(&mut self, turn: &mut Turn<'_>, error: ErrorCode) {
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
        }
        self.answer_syncs(turn, error);
    }

    /// Answers all syncs that wait.
    pub(super) fn answer_syncs(&mut self, turn: &mut Turn<'_>, error: ErrorCode) {
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for id in ids {
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            let Some(token) = member.awaiting_sync.take() else {
                continue;
            };
            let fine = error == ErrorCode::None;
            let response = SyncGroupResponse {
                error_code: error.code(),
                protocol_type: self.protocol_type.clone().filter(|_| fine),
                protocol_name: self.protocol.clone().filter(|_| fine),
                assignment: member.assignment.clone(),
                ..SyncGroupResponse::default()
            };
            turn.out.sync(token, response);
            self.keep_alive(turn, &id);
        }
    }
}
