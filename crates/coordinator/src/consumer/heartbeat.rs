//! ConsumerGroupHeartbeat: joining, reporting, leaving.

use std::sync::Arc;

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::consumer_group_heartbeat_request::{
    ConsumerGroupHeartbeatRequest, TopicPartitions as HasPartitions,
};
use limpid_protocol::messages::consumer_group_heartbeat_response::{
    Assignment, ConsumerGroupHeartbeatResponse, TopicPartitions,
};

use super::member::{LEFT, LEFT_FOR_NOW};
use super::reconcile::Goal;
use super::step::Step;
use super::{ConsumerGroup, Member, MemberState, Owned, Sight, regex};
use crate::after::Then;
use crate::cause::Cause;
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::turn::Turn;

/// "It did not change since the last time."
const UNCHANGED: i32 = -1;
/// Version from which members choose their ids themselves (KIP-1082).
const OWN_ID_VERSION: i16 = 1;

/// A heartbeat with what the rules of its version make of it.
#[derive(Debug)]
pub(crate) struct Beat<'a> {
    pub(crate) request: ConsumerGroupHeartbeatRequest,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    /// The id of the member: the client's own, or a new one for clients of version 0.
    pub(crate) member_id: Arc<str>,
    pub(crate) sight: Sight<'a>,
}

impl Beat<'_> {
    /// Whether the member comes, for the first time or again.
    pub(crate) fn joins(&self) -> bool {
        self.request.member_epoch == 0
    }

    fn leaves(&self) -> bool {
        self.request.member_epoch < 0
    }

    /// The member as it says it is now.
    fn update(&self, member: &Member) -> Member {
        let mut updated = member.clone();
        let request = &self.request;
        if request.instance_id.is_some() {
            updated.instance_id.clone_from(&request.instance_id);
        }
        if request.rack_id.is_some() {
            updated.rack_id.clone_from(&request.rack_id);
        }
        if request.rebalance_timeout_ms != UNCHANGED {
            updated.rebalance_timeout_ms = request.rebalance_timeout_ms;
        }
        if request.server_assignor.is_some() {
            updated.assignor.clone_from(&request.server_assignor);
        }
        if let Some(names) = &request.subscribed_topic_names {
            updated.topics = names.iter().cloned().collect();
        }
        if let Some(pattern) = request.subscribed_topic_regex.as_deref() {
            updated.regex = Some(pattern).filter(|p| !p.is_empty()).map(Arc::from);
        }
        updated.client_id.clone_from(&self.client_id);
        updated.client_host.clone_from(&self.client_host);
        updated.classic = None;
        updated
    }

    /// Whether the member says everything about itself, as it does after an error.
    fn is_full(&self) -> bool {
        let request = &self.request;
        request.rebalance_timeout_ms != UNCHANGED
            && (request.subscribed_topic_names.is_some()
                || request.subscribed_topic_regex.is_some())
            && request.topic_partitions.is_some()
    }
}

/// Whether a heartbeat makes sense by itself.
///
/// # Errors
/// What is wrong.
pub(crate) fn check(
    request: &ConsumerGroupHeartbeatRequest,
    version: i16,
    limits: &Limits,
) -> Result<(), Refusal> {
    check_names(request, version)?;
    check_epoch_fields(request)?;
    if let Some(name) = &request.server_assignor
        && limits.assignor(name).is_none()
    {
        let offered: Vec<&str> = limits.assignors.iter().map(|a| a.as_str()).collect();
        let offered = offered.join(", ");
        let message =
            format!("ServerAssignor {name} is not supported. Supported assignors: {offered}.");
        return Err(Refusal::new(ErrorCode::UnsupportedAssignor, message));
    }
    match request.subscribed_topic_regex.as_deref() {
        Some(pattern) if !pattern.is_empty() => regex::compile(pattern).map(drop),
        _ => Ok(()),
    }
}

fn check_names(request: &ConsumerGroupHeartbeatRequest, version: i16) -> Result<(), Refusal> {
    let is_blank = |text: &Option<String>| text.as_ref().is_some_and(|t| t.trim().is_empty());
    let needs_id = version >= OWN_ID_VERSION || request.member_epoch != 0;
    let missing = if request.group_id.trim().is_empty() {
        "GroupId"
    } else if is_blank(&request.instance_id) {
        "InstanceId"
    } else if is_blank(&request.rack_id) {
        "RackId"
    } else if needs_id && request.member_id.trim().is_empty() {
        "MemberId"
    } else {
        return Ok(());
    };
    Err(invalid(format!("{missing} can't be empty.")))
}

fn check_epoch_fields(request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refusal> {
    let has_partitions = request
        .topic_partitions
        .as_ref()
        .is_none_or(|p| !p.is_empty());
    let reads_nothing =
        request.subscribed_topic_names.is_none() && request.subscribed_topic_regex.is_none();
    let wrong = match request.member_epoch {
        0 if request.rebalance_timeout_ms == UNCHANGED => {
            "RebalanceTimeoutMs must be provided in first request."
        }
        0 if has_partitions => "TopicPartitions must be empty when (re-)joining.",
        0 if reads_nothing => {
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when \
             (re-)joining."
        }
        LEFT_FOR_NOW if request.instance_id.is_none() => "InstanceId can't be null.",
        LEFT_FOR_NOW.. => return Ok(()),
        _ => "MemberEpoch is invalid.",
    };
    Err(invalid(wrong))
}

fn invalid(what: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, what)
}

impl ConsumerGroup {
    /// A member joins or reports. The answer holds if what was changed gets written.
    ///
    /// # Errors
    /// The member is to hear why not; nothing was changed.
    pub(crate) fn heartbeat(
        &mut self,
        turn: &mut Turn<'_>,
        id: &Arc<str>,
        beat: &Beat<'_>,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        if beat.leaves() {
            return self.leave(turn, id, beat);
        }
        self.check_size(&beat.member_id, turn.limits)?;
        let mut step = Step::new(id, self, turn);
        match step.beat(beat) {
            Ok(answer) => {
                let session_timeout_ms = step.limits.consumer_of(id).session_timeout_ms;
                let then = Then::Beat {
                    member: Arc::clone(&beat.member_id),
                    session_timeout_ms,
                    moved: answer.moved,
                };
                if step.is_empty() {
                    self.clocks_after(turn, id, then);
                } else {
                    step.finish(turn.out, then);
                }
                Ok(answer.response)
            }
            Err(refusal) => {
                step.abandon();
                Err(refusal)
            }
        }
    }

    /// Whether there is room for one more.
    pub(super) fn check_size(&self, member: &str, limits: &Limits) -> Result<(), Refusal> {
        let max = limits.consumer_size_max;
        if self.members.len() < max || self.members.contains_key(member) {
            return Ok(());
        }
        let message =
            format!("The consumer group has reached its maximum capacity of {max} members.");
        Err(Refusal::new(ErrorCode::GroupMaxSizeReached, message))
    }
}

/// The answer, and whether the member's own partitions changed.
struct Beaten {
    response: ConsumerGroupHeartbeatResponse,
    moved: bool,
}

impl Step<'_> {
    fn beat(&mut self, beat: &Beat<'_>) -> Result<Beaten, Refusal> {
        let request = &beat.request;
        let has = request.topic_partitions.as_deref();
        let known = self.group.members.contains_key(&beat.member_id);
        let member = match &request.instance_id {
            Some(instance) => self.static_member(beat, instance)?,
            None => self.dynamic_member(beat)?,
        };
        let updated = beat.update(&member);
        let resubscribed = self.subscribe(&member, &updated, !known);
        let pattern = updated.regex.as_ref();
        let means_others = pattern.is_some_and(|pattern| self.resolve(pattern, beat.sight));
        let cause = match (known, resubscribed) {
            (false, true) => Some(Cause::MemberJoined),
            (true, true) => Some(Cause::SubscriptionChanged),
            _ if means_others => Some(Cause::TopicsChanged),
            // A new group must leave epoch 0.
            _ => (self.group.epoch == 0).then_some(Cause::MemberJoined),
        };
        self.follow_topics(cause);
        self.update_target();
        let reconciled = self.bring_on(&updated, resubscribed, has)?;
        let changed = reconciled.assigned != member.assigned;
        let interval_ms = self.limits.consumer_of(&self.id).heartbeat_interval_ms;
        let tells = beat.joins() || beat.is_full() || changed;
        Ok(Beaten {
            response: ConsumerGroupHeartbeatResponse {
                member_id: Some(reconciled.id.to_string()),
                member_epoch: reconciled.epoch,
                heartbeat_interval_ms: interval_ms,
                assignment: tells.then(|| assignment(&reconciled.assigned)),
                ..ConsumerGroupHeartbeatResponse::default()
            },
            moved: changed || reconciled.state != member.state || reconciled.epoch != member.epoch,
        })
    }

    fn dynamic_member(&self, beat: &Beat<'_>) -> Result<Member, Refusal> {
        let known = self.group.members.get(&beat.member_id);
        match known {
            Some(member) => {
                check_epoch(member, &beat.request)?;
                Ok(member.clone())
            }
            None if beat.joins() => Ok(Member::new(Arc::clone(&beat.member_id))),
            None => Err(unknown_member(&beat.member_id, &self.id)),
        }
    }

    /// Writes down what a member says about itself; true if it reads other topics now.
    pub(super) fn subscribe(&mut self, before: &Member, now: &Member, is_new: bool) -> bool {
        if !is_new && before == now {
            return false;
        }
        self.set_metadata(now);
        if before.regex != now.regex {
            self.forget_patterns();
        }
        before.topics != now.topics || before.regex != now.regex
    }

    /// Brings a member on towards its target, and writes down how far it got.
    pub(super) fn bring_on(
        &mut self,
        member: &Member,
        resubscribed: bool,
        has: Option<&[HasPartitions]>,
    ) -> Result<Member, Refusal> {
        let target = self
            .group
            .targets
            .get(&member.id)
            .cloned()
            .unwrap_or_default();
        let topics = self.group.ids_read_by(member, self.topics);
        let goal = Goal {
            epoch: self.group.assignment_epoch,
            target: &target,
            topics: &topics,
            resubscribed,
            has,
        };
        let reconciled = self.group.reconcile(member, &goal)?;
        if reconciled != *member {
            self.set_current(&reconciled);
        }
        Ok(reconciled)
    }
}

/// Whether the member is where it thinks it is. One whose last answer got lost may be a step
/// behind, if it has nothing that it should not have.
pub(super) fn check_epoch(
    member: &Member,
    request: &ConsumerGroupHeartbeatRequest,
) -> Result<(), Refusal> {
    let (theirs, ours) = (request.member_epoch, member.epoch);
    if theirs == 0 {
        // It begins anew, with nothing.
        return Ok(());
    }
    let has_only = |has: &Vec<HasPartitions>| {
        has.iter().all(|topic| {
            let ours = member.assigned.get(&topic.topic_id);
            ours.is_some_and(|ours| topic.partitions.iter().all(|p| ours.contains_key(p)))
        })
    };
    let is_behind =
        theirs == member.previous_epoch && request.topic_partitions.as_ref().is_some_and(has_only);
    if theirs == ours || theirs < ours && is_behind {
        return Ok(());
    }
    let order = if theirs > ours { "greater" } else { "smaller" };
    let message = format!(
        "The consumer group member has a {order} member epoch ({theirs}) than the one known by \
         the group coordinator ({ours}). The member must abandon all its partitions and rejoin."
    );
    Err(Refusal::new(ErrorCode::FencedMemberEpoch, message))
}

pub(super) fn unknown_member(member: &str, group: &str) -> Refusal {
    let message = format!("Member {member} is not a member of group {group}.");
    Refusal::new(ErrorCode::UnknownMemberId, message)
}

/// What a member is told to have.
fn assignment(assigned: &Owned) -> Assignment {
    let topics = assigned.iter().map(|(topic, partitions)| TopicPartitions {
        topic_id: *topic,
        partitions: partitions.keys().copied().collect(),
    });
    Assignment {
        topic_partitions: topics.collect(),
    }
}

/// The answer to one that left.
pub(super) fn left(member: &str, epoch: i32) -> ConsumerGroupHeartbeatResponse {
    debug_assert!(epoch == LEFT || epoch == LEFT_FOR_NOW);
    ConsumerGroupHeartbeatResponse {
        member_id: Some(member.to_owned()),
        member_epoch: epoch,
        ..ConsumerGroupHeartbeatResponse::default()
    }
}

impl Member {
    /// Whether it has to give partitions up before it can go on.
    pub(super) fn must_revoke(&self) -> bool {
        self.state == MemberState::Unrevoked
    }
}
