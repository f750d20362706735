//! Members with a `group.instance.id`: they keep their partitions while they are away.

use std::sync::Arc;

use limpid_protocol::ErrorCode;

use super::heartbeat::{Beat, check_epoch};
use super::member::LEFT_FOR_NOW;
use super::step::Step;
use super::{ConsumerGroup, Member};
use crate::refusal::Refusal;

impl Step<'_> {
    /// The static member that a heartbeat of the consumer protocol is from. One that comes back
    /// takes the place of the one that left.
    pub(super) fn static_member(
        &mut self,
        beat: &Beat<'_>,
        instance: &str,
    ) -> Result<Member, Refusal> {
        let known = self.group.static_named(instance).cloned();
        if !beat.joins() {
            let known = self.group.check_static(&beat.member_id, instance)?;
            check_epoch(known, &beat.request)?;
            return Ok(known.clone());
        }
        match known {
            None => Ok(self
                .group
                .members
                .get(&beat.member_id)
                .cloned()
                .unwrap_or_else(|| Member::new(Arc::clone(&beat.member_id)))),
            Some(known) if known.epoch != LEFT_FOR_NOW && known.classic.is_none() => {
                let message = format!(
                    "Static member {} with instance id {instance} cannot join the group because \
                     the instance id is in use by another member {}.",
                    beat.member_id, known.id
                );
                Err(Refusal::new(ErrorCode::UnreleasedInstanceId, message))
            }
            Some(known) => Ok(self.replace(&known, &beat.member_id)),
        }
    }

    /// Gives what a static member has to its successor.
    pub(super) fn replace(&mut self, old: &Member, id: &Arc<str>) -> Member {
        let mut new = old.clone();
        new.id = Arc::clone(id);
        new.epoch = 0;
        new.previous_epoch = 0;
        let target = self.group.targets.get(&old.id).cloned().unwrap_or_default();
        self.remove(&old.id);
        self.set_metadata(&new);
        self.set_target(id, &target);
        self.set_current(&new);
        new
    }
}

impl ConsumerGroup {
    pub(super) fn static_named(&self, instance: &str) -> Option<&Member> {
        self.members.get(self.statics.get(instance)?)
    }

    /// The static member, if it is the one that goes by this id.
    pub(super) fn check_static(&self, member: &str, instance: &str) -> Result<&Member, Refusal> {
        let Some(known) = self.static_named(instance) else {
            let message = format!("Instance id {instance} is unknown.");
            return Err(Refusal::new(ErrorCode::UnknownMemberId, message));
        };
        if *known.id == *member {
            return Ok(known);
        }
        let message = format!(
            "Static member {member} with instance id {instance} was fenced by member {}.",
            known.id
        );
        Err(Refusal::new(ErrorCode::FencedInstanceId, message))
    }
}
