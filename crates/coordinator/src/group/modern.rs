//! What a group that is not classic has in common with one that is.

use std::sync::Arc;

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::leave_group_request::MemberIdentity;
use limpid_protocol::messages::leave_group_response::MemberResponse;

use super::{Group, Kind};
use crate::after::{ConsumerAfter, ShareAfter, ShareThen, Then};
use crate::cause::Cause;
use crate::limits::Now;
use crate::record::Record;
use crate::state::State;
use crate::timers::Timers;
use crate::turn::Turn;
use crate::view::GroupType;

impl Group {
    pub(crate) fn group_type(&self) -> GroupType {
        match self.kind {
            Kind::Classic => GroupType::Classic,
            Kind::Consumer(_) => GroupType::Consumer,
            Kind::Share(_) => GroupType::Share,
        }
    }

    /// Takes state and epoch over from the inner group.
    pub(crate) fn follow_kind(&mut self, now: Now) {
        let (epoch, state) = match &self.kind {
            Kind::Classic => return,
            Kind::Consumer(consumer) => (consumer.epoch, consumer.state()),
            Kind::Share(share) => (share.epoch, share.state()),
        };
        self.generation = epoch;
        if state != self.state {
            self.previous = self.state;
            self.state = state;
            self.since_ms = Some(now.wall_ms);
        }
    }

    /// The timer of a member went off: of its session, or of what it had to do.
    pub(crate) fn overdue(&mut self, turn: &mut Turn<'_>, member: &Arc<str>, task: bool) {
        if let Kind::Share(share) = &mut self.kind {
            if !task && share.session_over(turn, &self.id, member) {
                share.fence(turn, &self.id, member, Cause::SessionExpired);
            }
            return;
        }
        let Kind::Consumer(consumer) = &mut self.kind else {
            return;
        };
        if let Some(cause) = consumer.overdue(turn, &self.id, member, task) {
            consumer.fence(turn, &self.id, &[Arc::clone(member)].into(), cause);
        }
    }

    /// LeaveGroup, of classic members in a consumer group.
    pub(crate) fn leave_consumer(
        &mut self,
        turn: &mut Turn<'_>,
        members: Vec<MemberIdentity>,
    ) -> Vec<MemberResponse> {
        let Kind::Consumer(consumer) = &mut self.kind else {
            return Vec::new();
        };
        let (done, leaving) = consumer.leaving(&members);
        if !leaving.is_empty() {
            consumer.fence(turn, &self.id, &leaving, Cause::MemberLeft);
        }
        let answers = members.into_iter().zip(done);
        answers
            .map(|(member, done)| MemberResponse {
                member_id: member.member_id,
                group_instance_id: member.group_instance_id,
                error_code: done.err().unwrap_or(ErrorCode::None).code(),
            })
            .collect()
    }

    /// A step of a consumer group was written, or was not.
    pub(crate) fn consumer_written(
        &mut self,
        turn: &mut Turn<'_>,
        after: ConsumerAfter,
        written: Result<(), ErrorCode>,
    ) {
        let Kind::Consumer(consumer) = &mut self.kind else {
            return;
        };
        if written.is_err() {
            consumer.undo(after.undo);
            if let Then::Gone { members } = &after.then {
                // They had their time; they are asked again when another one is over.
                consumer.give_time(turn, &self.id, members);
            }
            return;
        }
        consumer.clocks_after(turn, &self.id, after.then);
        if let Some(cause) = after.cause {
            self.rebalance_began(turn, cause);
        }
        self.follow_kind(turn.now);
        if matches!(self.state, State::Stable | State::Empty) {
            self.rebalance_ended(turn);
        }
    }

    /// A step of a share group was written, or was not.
    pub(crate) fn share_written(
        &mut self,
        turn: &mut Turn<'_>,
        after: ShareAfter,
        written: Result<(), ErrorCode>,
    ) {
        let Kind::Share(share) = &mut self.kind else {
            return;
        };
        if written.is_err() {
            share.undo(after.undo);
            if let ShareThen::Gone { member } = &after.then {
                // It had its time; it is asked again when another one is over.
                share.keep_alive(turn, &self.id, member);
            }
            return;
        }
        share.clocks_after(turn, &self.id, after.then);
        if let Some(cause) = after.cause {
            self.rebalance_began(turn, cause);
        }
        self.follow_kind(turn.now);
        self.rebalance_ended(turn);
    }

    /// Lets go of the timers of members that are not classic.
    pub(crate) fn stop_clocks(&mut self, timers: &mut Timers) {
        match &mut self.kind {
            Kind::Classic => {}
            Kind::Consumer(consumer) => consumer.stop_clocks(timers),
            Kind::Share(share) => share.stop_clocks(timers),
        }
    }

    /// Everything of the group itself, as deleted; its offsets are another matter.
    pub(crate) fn tombstones(&self) -> Vec<Record> {
        let group = || Arc::clone(&self.id);
        match &self.kind {
            Kind::Classic => vec![self.tombstone()],
            Kind::Consumer(consumer) => {
                let changes = consumer.tombstones().into_iter();
                let record = |change| Record::Consumer {
                    group: group(),
                    change,
                };
                changes.map(record).collect()
            }
            Kind::Share(share) => {
                let changes = share.tombstones().into_iter();
                let record = |change| Record::Share {
                    group: group(),
                    change,
                };
                changes.map(record).collect()
            }
        }
    }
}
