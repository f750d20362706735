//! Members that still speak the classic protocol, in a group on its way to the newer one (KIP-848,
//! "migration"). They join, sync and beat as ever; what they get is what the coordinator assigns.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use limpid_protocol::messages::consumer_group_heartbeat_request::TopicPartitions as HasPartitions;
use limpid_protocol::messages::consumer_group_member_metadata_value::{
    ClassicMemberMetadata, ClassicProtocol,
};
use limpid_protocol::messages::consumer_protocol_assignment::{
    ConsumerProtocolAssignment, TopicPartition,
};
use limpid_protocol::messages::consumer_protocol_subscription::ConsumerProtocolSubscription;
use limpid_protocol::messages::heartbeat_request::HeartbeatRequest;
use limpid_protocol::messages::join_group_response::JoinGroupResponse;
use limpid_protocol::messages::leave_group_request::MemberIdentity;
use limpid_protocol::messages::sync_group_request::SyncGroupRequest;
use limpid_protocol::messages::sync_group_response::SyncGroupResponse;
use limpid_protocol::{ErrorCode, Message, Reader};

use super::step::Step;
use super::{ConsumerGroup, Member, MemberState, Owned};
use crate::after::Protocol;
use crate::after::Then;
use crate::cause::Cause;
use crate::join_call::JoinCall;
use crate::out::Token;
use crate::topics::Topics;
use crate::turn::Turn;

/// The only type of classic members that can be in such a group.
const CONSUMER: &str = "consumer";

impl ConsumerGroup {
    /// JoinGroup.
    pub(crate) fn join(&mut self, turn: &mut Turn<'_>, id: &Arc<str>, call: &JoinCall) {
        if let Err(error) = self.try_join(turn, id, call) {
            turn.out.join_error(call.token, &call.member_id, error);
        }
    }

    fn try_join(
        &mut self,
        turn: &mut Turn<'_>,
        id: &Arc<str>,
        call: &JoinCall,
    ) -> Result<(), ErrorCode> {
        let is_unknown = call.member_id.is_empty();
        let member_id: Arc<str> = match is_unknown {
            true => Arc::clone(&call.new_id),
            false => call.member_id.as_str().into(),
        };
        self.check_size(&member_id, turn.limits)
            .map_err(|r| r.error)?;
        let first = call.protocols.first().filter(|_| self.supports(call));
        let first = first.ok_or(ErrorCode::InconsistentGroupProtocol)?;
        let subscription =
            subscription(&first.metadata).ok_or(ErrorCode::InconsistentGroupProtocol)?;
        if is_unknown && call.instance_id.is_none() && call.needs_known_id {
            let error = ErrorCode::MemberIdRequired;
            turn.out.join_error(call.token, &member_id, error);
            return Ok(());
        }
        let name = first.name.clone();
        let mut step = Step::new(id, self, turn);
        match step.join(call, &member_id, &subscription) {
            Ok((member, replaces_consumer)) => {
                let response = JoinGroupResponse {
                    member_id: member_id.to_string(),
                    generation_id: member.epoch,
                    protocol_type: Some(CONSUMER.to_owned()),
                    protocol_name: Some(name),
                    ..JoinGroupResponse::default()
                };
                let then = Then::Joined {
                    member: member_id,
                    session_timeout_ms: call.session_timeout_ms,
                    replaces_consumer,
                };
                turn.out.join(call.token, response);
                if step.is_empty() {
                    self.clocks_after(turn, id, then);
                } else {
                    step.finish(turn.out, then);
                }
                Ok(())
            }
            Err(error) => {
                step.abandon();
                Err(error)
            }
        }
    }

    /// Whether all classic members could speak one of these protocols.
    fn supports(&self, call: &JoinCall) -> bool {
        let classic = || self.members.values().filter_map(|m| m.classic.as_ref());
        let known_to_all =
            |name: &str| classic().all(|c| c.supported_protocols.iter().any(|p| p.name == name));
        call.protocol_type == CONSUMER && call.protocols.iter().any(|p| known_to_all(&p.name))
    }

    /// SyncGroup.
    pub(crate) fn sync(
        &mut self,
        turn: &mut Turn<'_>,
        id: &Arc<str>,
        request: &SyncGroupRequest,
        token: Token,
    ) {
        match self.try_sync(turn, id, request) {
            Ok(response) => turn.out.sync(token, response),
            Err(error) => turn.out.sync_error(token, error),
        }
    }

    fn try_sync(
        &mut self,
        turn: &mut Turn<'_>,
        id: &Arc<str>,
        request: &SyncGroupRequest,
    ) -> Result<SyncGroupResponse, ErrorCode> {
        let instance = request.group_instance_id.as_deref();
        let member = self.classic_member(&request.member_id, instance)?;
        let Some(classic) = &member.classic else {
            return Err(ErrorCode::UnknownMemberId);
        };
        if request.generation_id != member.epoch {
            return Err(ErrorCode::IllegalGeneration);
        }
        let protocol = classic.supported_protocols.first();
        let protocol = protocol.ok_or(ErrorCode::InconsistentGroupProtocol)?;
        let differs = |theirs: &Option<String>, ours: &str| {
            theirs.as_deref().is_some_and(|theirs| theirs != ours)
        };
        if differs(&request.protocol_type, CONSUMER)
            || differs(&request.protocol_name, &protocol.name)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        let member_id = Arc::clone(&member.id);
        // One that has partitions to give up has joined already, and does so first.
        if self.epoch > member.epoch && member.state != MemberState::Unrevoked {
            self.must_join(turn, id, &member_id);
            return Err(ErrorCode::RebalanceInProgress);
        }
        let version = version_of(&protocol.metadata);
        let response = SyncGroupResponse {
            protocol_type: Some(CONSUMER.to_owned()),
            protocol_name: Some(protocol.name.clone()),
            assignment: assignment(&member.assigned, version, turn.topics),
            ..SyncGroupResponse::default()
        };
        self.synced(turn, &member_id);
        self.keep_alive(turn, id, &member_id);
        Ok(response)
    }

    /// Heartbeat.
    pub(crate) fn beat_classic(
        &mut self,
        turn: &mut Turn<'_>,
        id: &Arc<str>,
        request: &HeartbeatRequest,
    ) -> Result<(), ErrorCode> {
        let instance = request.group_instance_id.as_deref();
        let member = self.classic_member(&request.member_id, instance)?;
        if request.generation_id != member.epoch {
            return Err(ErrorCode::IllegalGeneration);
        }
        let must_join = member.epoch < self.epoch
            || match member.state {
                MemberState::Unrevoked => true,
                MemberState::Unreleased => !self.waits_for_others(member),
                MemberState::Stable | MemberState::Unknown => false,
            };
        let member_id = Arc::clone(&member.id);
        self.keep_alive(turn, id, &member_id);
        if must_join {
            self.must_join(turn, id, &member_id);
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }

    fn waits_for_others(&self, member: &Member) -> bool {
        let target = self.targets.get(&member.id).into_iter().flatten();
        let mut wanted =
            target.flat_map(|(topic, partitions)| partitions.iter().map(|p| (*topic, *p)));
        wanted.any(|(topic, partition)| {
            let has = member.assigned.get(&topic);
            !has.is_some_and(|has| has.contains_key(&partition)) && self.is_taken(topic, partition)
        })
    }

    /// LeaveGroup: the error of each, and who is to go. Members of either protocol: that is how an
    /// administrator removes them.
    pub(crate) fn leaving(
        &self,
        members: &[MemberIdentity],
    ) -> (Vec<Result<(), ErrorCode>>, BTreeSet<Arc<str>>) {
        let mut leaving = BTreeSet::new();
        let leave = |one: &MemberIdentity| {
            let instance = one.group_instance_id.as_deref();
            let member = match instance {
                // An administrator removes a static member by its name.
                // A static member may be named by its instance alone.
                Some(instance) if one.member_id.is_empty() => self.static_named(instance),
                Some(instance) => Some(
                    self.check_static(&one.member_id, instance)
                        .map_err(|refused| refused.error)?,
                ),
                None => self.members.get(one.member_id.as_str()),
            };
            let member = member.ok_or(ErrorCode::UnknownMemberId)?;
            leaving.insert(Arc::clone(&member.id));
            Ok(())
        };
        (members.iter().map(leave).collect(), leaving)
    }

    /// The classic member that a request is from.
    fn classic_member(&self, id: &str, instance: Option<&str>) -> Result<&Member, ErrorCode> {
        let member = match instance {
            Some(instance) => self.check_static(id, instance).map_err(|r| r.error)?,
            None => self.members.get(id).ok_or(ErrorCode::UnknownMemberId)?,
        };
        let classic = member.classic.is_some();
        classic.then_some(member).ok_or(ErrorCode::UnknownMemberId)
    }

    /// Whether it has members and all of them speak the classic protocol.
    pub(crate) fn is_all_classic(&self) -> bool {
        !self.members.is_empty() && self.members.values().all(|m| m.classic.is_some())
    }
}

impl Step<'_> {
    /// The member after its join, and whether it took the place of one that spoke the consumer
    /// protocol.
    fn join(
        &mut self,
        call: &JoinCall,
        id: &Arc<str>,
        subscription: &ConsumerProtocolSubscription,
    ) -> Result<(Member, bool), ErrorCode> {
        let known = self.group.members.get(id).cloned();
        let is_new = known.is_none();
        let mut replaces_consumer = false;
        let before = match &call.instance_id {
            Some(instance) if call.member_id.is_empty() => {
                match self.group.static_named(instance).cloned() {
                    Some(old) => {
                        replaces_consumer = old.classic.is_none();
                        self.replace(&old, id)
                    }
                    None => Member::new(Arc::clone(id)),
                }
            }
            Some(instance) => {
                let known = self.group.check_static(id, instance);
                known.map_err(|refusal| refusal.error)?.clone()
            }
            None => known.unwrap_or_else(|| Member::new(Arc::clone(id))),
        };
        let updated = updated(&before, call, subscription);
        let resubscribed = self.subscribe(&before, &updated, is_new);
        let cause = match is_new {
            true => Cause::MemberJoined,
            false => Cause::SubscriptionChanged,
        };
        self.follow_topics(resubscribed.then_some(cause));
        self.update_target();
        let has = owned(subscription, self.topics);
        let reached = self.bring_on(&updated, resubscribed, Some(&has));
        Ok((reached.map_err(|refusal| refusal.error)?, replaces_consumer))
    }
}

/// The member as it says it is now.
fn updated(
    before: &Member,
    call: &JoinCall,
    subscription: &ConsumerProtocolSubscription,
) -> Member {
    let mut updated = before.clone();
    if call.instance_id.is_some() {
        updated.instance_id.clone_from(&call.instance_id);
    }
    if let Some(rack) = subscription.rack_id.as_ref().filter(|r| !r.is_empty()) {
        updated.rack_id = Some(rack.clone());
    }
    updated.rebalance_timeout_ms = call.rebalance_timeout_ms;
    updated.topics = subscription.topics.iter().cloned().collect();
    updated.regex = None;
    updated.client_id.clone_from(&call.client_id);
    updated.client_host.clone_from(&call.client_host);
    updated.classic = Some(metadata(call.session_timeout_ms, &call.protocols));
    updated
}

/// What is written of a classic member beside the rest.
pub(crate) fn metadata(session_timeout_ms: i32, protocols: &[Protocol]) -> ClassicMemberMetadata {
    let protocols = protocols.iter().map(|p| ClassicProtocol {
        name: p.name.clone(),
        metadata: p.metadata.clone(),
    });
    ClassicMemberMetadata {
        session_timeout_ms,
        supported_protocols: protocols.collect(),
    }
}

/// The version in front of a subscription or an assignment.
pub(crate) fn version_of(bytes: &Bytes) -> i16 {
    Reader::new(bytes.clone()).i16().unwrap_or(0)
}

/// What a classic consumer wants to read; `None` if its bytes are no subscription.
pub(crate) fn subscription(bytes: &Bytes) -> Option<ConsumerProtocolSubscription> {
    let mut reader = Reader::new(bytes.clone());
    // Later versions begin like the last one we know.
    let version = reader.i16().ok()?;
    let version = version.clamp(0, ConsumerProtocolSubscription::MAX_VERSION);
    ConsumerProtocolSubscription::decode(&mut reader, version).ok()
}

/// What a classic consumer says it has. A topic that is gone is nothing that one can have.
fn owned(subscription: &ConsumerProtocolSubscription, topics: &Topics) -> Vec<HasPartitions> {
    let owned = subscription.owned_partitions.iter();
    let owned = owned.filter_map(|topic| {
        Some(HasPartitions {
            topic_id: topics.named(&topic.topic)?.id,
            partitions: topic.partitions.clone(),
        })
    });
    owned.collect()
}

/// An assignment as classic consumers read it.
pub(crate) fn assignment(assigned: &Owned, version: i16, topics: &Topics) -> Bytes {
    let version = version.clamp(0, ConsumerProtocolAssignment::MAX_VERSION);
    let known = assigned.iter().filter_map(|(id, partitions)| {
        Some(TopicPartition {
            topic: topics.with_id(*id)?.name.to_string(),
            partitions: partitions.keys().copied().collect(),
        })
    });
    let assignment = ConsumerProtocolAssignment {
        assigned_partitions: known.collect(),
        user_data: None,
    };
    let mut bytes = BytesMut::new();
    bytes.put_i16(version);
    // Names that came over the wire fit into an answer.
    match assignment.encode(&mut bytes, version) {
        Ok(()) => bytes.freeze(),
        Err(_) => Bytes::new(),
    }
}
