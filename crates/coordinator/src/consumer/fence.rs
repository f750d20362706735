//! Members that go: by themselves, or because they were silent or too slow.

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_protocol::messages::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;

use super::clocks::Task;
use super::heartbeat::{Beat, left, unknown_member};
use super::member::LEFT_FOR_NOW;
use super::step::Step;
use super::{ConsumerGroup, Member};
use crate::after::Then;
use crate::cause::Cause;
use crate::refusal::Refusal;
use crate::turn::Turn;

impl ConsumerGroup {
    /// A member leaves, for good or for now.
    pub(super) fn leave(
        &mut self,
        turn: &mut Turn<'_>,
        id: &Arc<str>,
        beat: &Beat<'_>,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        let known = match &beat.request.instance_id {
            Some(instance) => self.check_static(&beat.member_id, instance)?,
            None => {
                let known = self.members.get(&beat.member_id);
                known.ok_or_else(|| unknown_member(&beat.member_id, id))?
            }
        };
        let known = known.clone();
        let epoch = beat.request.member_epoch;
        if epoch == LEFT_FOR_NOW {
            self.leave_for_now(turn, id, known);
        } else {
            self.fence(turn, id, &[Arc::clone(&known.id)].into(), Cause::MemberLeft);
        }
        Ok(left(&beat.member_id, epoch))
    }

    /// Its partitions stay with it until its session is over.
    fn leave_for_now(&mut self, turn: &mut Turn<'_>, id: &Arc<str>, mut member: Member) {
        member.epoch = LEFT_FOR_NOW;
        member.revoking.clear();
        let mut step = Step::new(id, self, turn);
        step.set_current(&member);
        step.finish(turn.out, Then::Nothing);
    }

    /// Removes members.
    pub(crate) fn fence(
        &mut self,
        turn: &mut Turn<'_>,
        id: &Arc<str>,
        members: &BTreeSet<Arc<str>>,
        cause: Cause,
    ) {
        let mut step = Step::new(id, self, turn);
        for member in members {
            step.remove(member);
        }
        step.forget_patterns();
        step.follow_topics(Some(cause));
        let then = Then::Gone {
            members: members.iter().cloned().collect(),
        };
        step.finish(turn.out, then);
    }

    /// Who is to go because a deadline came, and why.
    pub(crate) fn overdue(
        &mut self,
        turn: &mut Turn<'_>,
        id: &Arc<str>,
        member: &Arc<str>,
        task: bool,
    ) -> Option<Cause> {
        let over = if task {
            let task = self.clocks.task_over(member)?;
            let known = self.members.get(member)?;
            // It may have gone on to another epoch since.
            task.is_open(known).then_some(Cause::RebalanceTimeout)
        } else {
            let over = self.clocks.session_over(turn, id, member);
            over.then_some(Cause::SessionExpired)
        };
        over.filter(|_| self.members.contains_key(member))
    }
}

impl Task {
    fn is_open(self, member: &Member) -> bool {
        match self {
            Self::Revoke { epoch } => member.must_revoke() && member.epoch == epoch,
            Self::Join | Self::Sync => member.classic.is_some(),
        }
    }
}
