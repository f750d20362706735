//! ShareGroupHeartbeat: members come, report and go.

use std::sync::Arc;

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::share_group_heartbeat_request::ShareGroupHeartbeatRequest;
use limpid_protocol::messages::share_group_heartbeat_response::{
    Assignment, ShareGroupHeartbeatResponse, TopicPartitions,
};

use super::step::Step;
use super::{Member, ShareGroup};
use crate::after::ShareThen;
use crate::assignor::Partitions;
use crate::cause::Cause;
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::turn::Turn;

/// The epoch of a member that joins.
const JOINING: i32 = 0;
/// The epoch of a member that leaves.
const LEAVING: i32 = -1;

/// A heartbeat and who sent it.
#[derive(Debug)]
pub(crate) struct Beat {
    pub(crate) request: ShareGroupHeartbeatRequest,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
}

/// Whether a heartbeat makes sense by itself.
///
/// # Errors
/// What is wrong.
pub(crate) fn check(request: &ShareGroupHeartbeatRequest) -> Result<(), Refusal> {
    let is_blank = |text: &str| text.trim().is_empty();
    let subscribes = request
        .subscribed_topic_names
        .as_ref()
        .is_some_and(|names| !names.is_empty());
    let wrong = if is_blank(&request.member_id) {
        "MemberId can't be empty."
    } else if is_blank(&request.group_id) {
        "GroupId can't be empty."
    } else if request.rack_id.as_deref().is_some_and(is_blank) {
        "RackId can't be empty."
    } else if request.member_epoch == JOINING && !subscribes {
        "SubscribedTopicNames must be set in first request."
    } else if request.member_epoch < LEAVING {
        "MemberEpoch is invalid."
    } else {
        return Ok(());
    };
    Err(Refusal::new(ErrorCode::InvalidRequest, wrong))
}

impl Beat {
    pub(crate) fn joins(&self) -> bool {
        self.request.member_epoch == JOINING
    }

    pub(crate) fn leaves(&self) -> bool {
        self.request.member_epoch == LEAVING
    }

    /// The member as it says it is now.
    fn update(&self, member: &Member) -> Member {
        let mut updated = member.clone();
        if self.request.rack_id.is_some() {
            updated.rack_id.clone_from(&self.request.rack_id);
        }
        if let Some(names) = &self.request.subscribed_topic_names {
            updated.topics = names.iter().cloned().collect();
        }
        updated.client_id.clone_from(&self.client_id);
        updated.client_host.clone_from(&self.client_host);
        updated
    }
}

impl ShareGroup {
    /// The member that a heartbeat comes from, as it is known.
    ///
    /// # Errors
    /// It can't be one, or is not where it thinks it is.
    pub(crate) fn admit(
        &self,
        id: &str,
        request: &ShareGroupHeartbeatRequest,
        limits: &Limits,
    ) -> Result<Member, Refusal> {
        let member_id = request.member_id.as_str();
        let known = self.members.get(member_id);
        let max = limits.share_size_max;
        if known.is_none() && self.members.len() >= max {
            let message =
                format!("The share group has reached its maximum capacity of {max} members.");
            return Err(Refusal::new(ErrorCode::GroupMaxSizeReached, message));
        }
        match known {
            Some(member) => {
                check_epoch(member, request.member_epoch)?;
                Ok(member.clone())
            }
            None if request.member_epoch == JOINING => Ok(Member::new(member_id.into())),
            None => Err(unknown_member(member_id, id)),
        }
    }

    /// A member joins or reports. The answer holds if what was changed gets written.
    ///
    /// # Errors
    /// The member is to hear why not; nothing was changed.
    pub(crate) fn heartbeat(
        &mut self,
        turn: &mut Turn<'_>,
        id: &Arc<str>,
        beat: &Beat,
    ) -> Result<ShareGroupHeartbeatResponse, Refusal> {
        if beat.leaves() {
            return self.leave(turn, id, &beat.request.member_id);
        }
        let member = self.admit(id, &beat.request, turn.limits)?;
        let mut step = Step::new(id, self, turn);
        let answer = step.beat(beat, &member);
        let then = ShareThen::Beat { member: member.id };
        if step.is_empty() {
            self.clocks_after(turn, id, then);
        } else {
            step.finish(turn.out, then);
        }
        Ok(answer)
    }

    fn leave(
        &mut self,
        turn: &mut Turn<'_>,
        id: &Arc<str>,
        member: &str,
    ) -> Result<ShareGroupHeartbeatResponse, Refusal> {
        let known = self.members.get_key_value(member);
        let (known, _) = known.ok_or_else(|| unknown_member(member, id))?;
        let known = Arc::clone(known);
        self.fence(turn, id, &known, Cause::MemberLeft);
        Ok(ShareGroupHeartbeatResponse {
            member_id: Some(member.to_owned()),
            member_epoch: LEAVING,
            ..ShareGroupHeartbeatResponse::default()
        })
    }

    /// Removes a member.
    pub(crate) fn fence(
        &mut self,
        turn: &mut Turn<'_>,
        id: &Arc<str>,
        member: &Arc<str>,
        cause: Cause,
    ) {
        let mut step = Step::new(id, self, turn);
        step.remove(member);
        step.follow_topics(Some(cause));
        let then = ShareThen::Gone {
            member: Arc::clone(member),
        };
        step.finish(turn.out, then);
    }
}

impl Step<'_> {
    fn beat(&mut self, beat: &Beat, member: &Member) -> ShareGroupHeartbeatResponse {
        let known = self.group.members.contains_key(&member.id);
        let mut updated = beat.update(member);
        if !known || updated != *member {
            self.set_metadata(&updated);
        }
        let resubscribed = updated.topics != member.topics;
        let cause = match (known, resubscribed) {
            (false, _) => Some(Cause::MemberJoined),
            (true, true) => Some(Cause::SubscriptionChanged),
            (true, false) => self.has_unassigned().then_some(Cause::TopicsChanged),
        };
        self.follow_topics(cause);
        self.update_target();
        let before = updated.clone();
        self.bring_on(&mut updated);
        if updated != before {
            self.set_current(&updated);
        }
        let is_full = beat.request.subscribed_topic_names.is_some();
        let tells = beat.joins() || is_full || updated.assigned != member.assigned;
        ShareGroupHeartbeatResponse {
            member_id: Some(updated.id.to_string()),
            member_epoch: updated.epoch,
            heartbeat_interval_ms: self.limits.share_of(&self.id).heartbeat_interval_ms,
            assignment: tells.then(|| assignment(&updated.assigned)),
            ..ShareGroupHeartbeatResponse::default()
        }
    }

    /// Brings a member to its target.
    fn bring_on(&self, member: &mut Member) {
        let group = &self.group;
        let target = group.targets.get(&member.id);
        let reads = |id| {
            let topic = self.topics.with_id(id);
            topic.is_some_and(|topic| member.topics.contains(&*topic.name))
        };
        if member.epoch == group.assignment_epoch {
            // Only a subscription that became smaller counts before the next assignment.
            let mut assigned = member.assigned.clone();
            assigned.retain(|id, _| reads(*id));
            member.assigned = assigned;
            return;
        }
        let target = target.into_iter().flatten();
        let target = target.filter(|(id, _)| reads(**id));
        member.assigned = target.map(|(id, p)| (*id, p.clone())).collect();
        member.previous_epoch = member.epoch;
        member.epoch = group.assignment_epoch;
    }
}

/// Whether the member is where it thinks it is. One whose last answer got lost may be a step
/// behind.
fn check_epoch(member: &Member, theirs: i32) -> Result<(), Refusal> {
    let (ours, previous) = (member.epoch, member.previous_epoch);
    let message = match theirs.cmp(&ours) {
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Greater => format!(
            "The share group member has a greater member epoch ({theirs}) than the one known by \
             the group coordinator ({ours}). The member must abandon all its partitions and rejoin."
        ),
        std::cmp::Ordering::Less if theirs == previous || theirs == JOINING => return Ok(()),
        std::cmp::Ordering::Less => format!(
            "The share group member has a smaller member epoch ({theirs}) than the one known by \
             the group coordinator ({ours}), and it does not match the previous member epoch \
             ({previous}). The member must abandon all its partitions and rejoin."
        ),
    };
    Err(Refusal::new(ErrorCode::FencedMemberEpoch, message))
}

fn unknown_member(member: &str, group: &str) -> Refusal {
    let message = format!("Member {member} is not a member of group {group}.");
    Refusal::new(ErrorCode::UnknownMemberId, message)
}

/// What a member is told to have.
fn assignment(assigned: &Partitions) -> Assignment {
    let topics = assigned.iter().map(|(topic, partitions)| TopicPartitions {
        topic_id: *topic,
        partitions: partitions.iter().copied().collect(),
    });
    Assignment {
        topic_partitions: topics.collect(),
    }
}
