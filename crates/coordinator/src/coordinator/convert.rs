//! Groups that change their type: a classic one that a member of the consumer protocol joins, a
//! consumer group that has classic members only, and empty ones of either type.

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use limpid_protocol::messages::group_metadata_value::{GroupMetadataValue, MemberMetadata};
use limpid_protocol::messages::{
    ConsumerGroupMetadataValue, ConsumerGroupTargetAssignmentMetadataValue,
};

use super::Coordinator;
use crate::after::After;
use crate::cause::Cause;
use crate::consumer::{self, Owned};
use crate::group::{Group, Kind};
use crate::limits::Now;
use crate::out::Out;
use crate::record::{ConsumerChange, Record};
use crate::refusal::Refusal;
use crate::state::State;
use crate::topics::Topics;

/// The protocol type of groups that can be of either kind.
const CONSUMER: &str = "consumer";

impl Coordinator {
    /// Before a member joins with ConsumerGroupHeartbeat: a classic group becomes a consumer group
    /// if it may. Holds if the records get written.
    ///
    /// # Errors
    /// It may not, or the request is none.
    pub fn prepare_consumer(
        &mut self,
        now: Now,
        (request, version): (&ConsumerGroupHeartbeatRequest, i16),
        out: &mut Out,
    ) -> Result<(), Refusal> {
        consumer::check(request, version, &self.limits)?;
        let id = request.group_id.as_str();
        let (upgrades, size_max) = (self.limits.upgrades, self.limits.consumer_size_max);
        let Some((group, mut turn)) = self.turn(id, now, out) else {
            return Ok(());
        };
        if !matches!(group.kind, Kind::Classic) || !group.has_classic_record() {
            return Ok(());
        }
        let mut records = vec![group.tombstone()];
        if group.state != State::Empty {
            let fits = group.is_consumer() && group.members.len() <= size_max;
            let changes = if upgrades && fits {
                group.as_consumer(turn.topics)
            } else {
                None
            };
            let Some(changes) = changes else {
                let message = format!("Group {id} is not a consumer group.");
                return Err(Refusal::new(ErrorCode::GroupIdNotFound, message));
            };
            group.answer_all(&mut turn, ErrorCode::RebalanceInProgress);
            records.extend(changes.into_iter().map(|change| Record::Consumer {
                group: Arc::clone(&group.id),
                change,
            }));
        }
        out.write(records, After::Converted(id.into()));
        Ok(())
    }

    /// Before a member joins with JoinGroup: a consumer group without members is removed, its
    /// offsets stay. Holds if the records get written.
    pub fn prepare_classic(&mut self, id: &str, out: &mut Out) {
        let Some(group) = self.groups.get(id) else {
            return;
        };
        if matches!(group.kind, Kind::Consumer(_)) && group.state == State::Empty {
            out.write(group.tombstones(), After::Converted(id.into()));
        }
    }

    /// What the records of a conversion say is done.
    pub(super) fn converted(
        &mut self,
        now: Now,
        id: &Arc<str>,
        records: Vec<Record>,
        out: &mut Out,
    ) {
        for record in records {
            self.apply(now, record, out);
        }
        let Some((group, mut turn)) = self.turn(id, now, out) else {
            return;
        };
        group.sessions_begin(&mut turn);
        group.follow_kind(now);
        if matches!(group.kind, Kind::Classic) && group.state == State::Stable {
            group.prepare_rebalance(&mut turn, Cause::TypeChanged);
        }
    }
}

impl Group {
    /// Whether there is a record of a classic group that would have to go.
    pub(super) fn has_classic_record(&self) -> bool {
        matches!(self.kind, Kind::Classic)
            && (self.protocol_type.is_some() || self.state != State::Empty || self.generation > 0)
    }

    /// A classic group as a consumer group: each member with what it was assigned last. `None` if
    /// their bytes can't be read.
    fn as_consumer(&self, topics: &Topics) -> Option<Vec<ConsumerChange>> {
        let epoch = self.generation;
        let (mut members, mut targets, mut currents) = (Vec::new(), Vec::new(), Vec::new());
        for classic in self.members.values() {
            let first = classic.protocols.first()?;
            let protocol = self.protocol.as_deref().unwrap_or(&first.name);
            let subscription = consumer::subscription(&classic.metadata(Some(protocol)))?;
            let mut member = consumer::Member::new(Arc::clone(&classic.id));
            member.instance_id.clone_from(&classic.instance_id);
            member.rack_id = subscription.rack_id.filter(|rack| !rack.is_empty());
            member.client_id.clone_from(&classic.client_id);
            member.client_host.clone_from(&classic.client_host);
            member.topics = subscription.topics.into_iter().collect();
            member.rebalance_timeout_ms = classic.rebalance_timeout_ms;
            let told = consumer::metadata(classic.session_timeout_ms, &classic.protocols);
            member.classic = Some(told);
            member.epoch = epoch;
            member.previous_epoch = epoch;
            member.assigned = owned(self, &classic.id, epoch, topics);
            let id = || Arc::clone(&classic.id);
            let target = consumer::target_of(&member.assigned);
            members.push(ConsumerChange::Member(
                id(),
                Some(Box::new(member.metadata())),
            ));
            targets.push(ConsumerChange::Target(id(), Some(target)));
            currents.push(ConsumerChange::Current(id(), Some(member.current())));
        }
        members.push(ConsumerChange::Group(Some(ConsumerGroupMetadataValue {
            epoch,
            metadata_hash: 0,
        })));
        let value = ConsumerGroupTargetAssignmentMetadataValue {
            assignment_epoch: epoch,
            // Long ago: the member that joins is to be assigned something at once.
            assignment_timestamp: 0,
        };
        targets.push(ConsumerChange::TargetEpoch(Some(value)));
        members.extend(targets);
        members.extend(currents);
        Some(members)
    }

    /// A consumer group as a classic one: its members keep what they have until they join again.
    pub(super) fn as_classic(&self, now: Now, topics: &Topics) -> Vec<Record> {
        let Kind::Consumer(group) = &self.kind else {
            return Vec::new();
        };
        let classic = || {
            group
                .members
                .values()
                .filter_map(|m| Some((m, m.classic.as_ref()?)))
        };
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        let names = classic().flat_map(|(_, told)| &told.supported_protocols);
        for protocol in names {
            *votes.entry(&protocol.name).or_default() += 1;
        }
        let all = group.members.len();
        let shared = votes.into_iter().find(|(_, count)| *count == all);
        let protocol = shared.map(|(name, _)| name.to_owned());
        let members = classic().map(|(member, told)| {
            let known = told.supported_protocols.iter();
            let known = known
                .into_iter()
                .find(|p| Some(&p.name) == protocol.as_ref());
            let subscription = known.map(|p| p.metadata.clone()).unwrap_or_default();
            let version = consumer::version_of(&subscription);
            MemberMetadata {
                member_id: member.id.to_string(),
                group_instance_id: member.instance_id.clone(),
                client_id: member.client_id.clone(),
                client_host: member.client_host.clone(),
                rebalance_timeout: member.rebalance_timeout_ms,
                session_timeout: told.session_timeout_ms,
                subscription,
                assignment: consumer::assignment(&member.assigned, version, topics),
            }
        });
        let value = GroupMetadataValue {
            protocol_type: CONSUMER.to_owned(),
            generation: group.epoch,
            leader: group.members.keys().next().map(ToString::to_string),
            current_state_timestamp: now.wall_ms,
            members: members.collect(),
            protocol,
        };
        let mut records = self.tombstones();
        records.push(Record::Group {
            group: Arc::clone(&self.id),
            value: Some(value),
        });
        records
    }
}

/// What a classic member was assigned, as far as it exists.
fn owned(group: &Group, member: &str, epoch: i32, topics: &Topics) -> Owned {
    let assigned = group.assignment_of(member);
    let known = assigned.into_iter().filter_map(|(name, partitions)| {
        let topic = topics.named(&name)?;
        let partitions = partitions.into_iter();
        let partitions = partitions.filter(|p| (0..topic.partitions).contains(p));
        Some((topic.id, partitions.map(|p| (p, epoch)).collect()))
    });
    known.collect()
}
