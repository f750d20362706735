//! A group as faces see it.

use std::sync::Arc;

use bytes::Bytes;
use limpid_protocol::messages::consumer_protocol_assignment::ConsumerProtocolAssignment;
use limpid_protocol::{Message, Reader};

use super::{CONSUMER, Group, Kind};
use crate::limits::Limits;
use crate::member::Member;
use crate::share::{ASSIGNOR, SHARE};
use crate::topics::Topics;
use crate::view::{GroupView, MemberView};

impl Group {
    /// As tools see it; empty for groups that only commit.
    pub(crate) fn protocol_type_name(&self) -> &str {
        match self.kind {
            Kind::Classic => self.protocol_type.as_deref().unwrap_or_default(),
            Kind::Consumer(_) => CONSUMER,
            Kind::Share(_) => SHARE,
        }
    }

    pub(crate) fn make_view(&self, limits: &Limits, topics: &Topics) -> GroupView {
        let expiries = self.offsets.iter();
        let expiries = expiries.filter_map(|(topic, _, c)| self.expires_at(topic, c, limits));
        let readable = self.is_consumer();
        let members = self.members.values().map(|m| member(m, readable));
        let (protocol, members) = match &self.kind {
            Kind::Classic => (self.protocol.clone(), members.collect()),
            Kind::Consumer(consumer) => {
                let assignor = consumer.assignor(limits).as_str().to_owned();
                (Some(assignor), consumer.member_views(topics))
            }
            Kind::Share(share) => (Some(ASSIGNOR.to_owned()), share.member_views(topics)),
        };
        GroupView {
            id: Arc::clone(&self.id),
            group_type: self.group_type(),
            state: self.state,
            state_since_ms: self.since_ms.unwrap_or(-1),
            protocol_type: self.protocol_type_name().to_owned(),
            protocol,
            generation: self.generation,
            leader: self.leader.clone(),
            members,
            offsets: self.offsets.0.clone(),
            offsets_expire_at_ms: expiries.min(),
            commits: self.story.commits,
            rebalances: self
                .story
                .rebalances
                .iter()
                .map(|(c, n)| (*c, *n))
                .collect(),
            last_rebalance: self.story.last.clone(),
        }
    }
}

impl Group {
    /// The partitions that a classic consumer was assigned.
    pub(crate) fn assignment_of(&self, member: &str) -> Vec<(String, Vec<i32>)> {
        let member = self.members.get(member);
        member
            .and_then(|m| owned(&m.assignment))
            .unwrap_or_default()
    }
}

fn member(member: &Member, readable: bool) -> MemberView {
    let assignment = readable.then(|| owned(&member.assignment)).flatten();
    MemberView {
        id: Arc::clone(&member.id),
        instance_id: member.instance_id.clone(),
        client_id: member.client_id.clone(),
        host: member.client_host.trim_start_matches('/').to_owned(),
        assignment: assignment.unwrap_or_default(),
    }
}

/// The partitions in an assignment of consumers; `None` if it is not one.
fn owned(assignment: &Bytes) -> Option<Vec<(String, Vec<i32>)>> {
    let mut reader = Reader::new(assignment.clone());
    // Later versions begin like the last one we know.
    let version = reader.i16().ok()?;
    let version = version.clamp(0, ConsumerProtocolAssignment::MAX_VERSION);
    let read = ConsumerProtocolAssignment::decode(&mut reader, version).ok()?;
    let mut owned: Vec<(String, Vec<i32>)> = read
        .assigned_partitions
        .into_iter()
        .map(|t| (t.topic, t.partitions))
        .collect();
    for (_, partitions) in &mut owned {
        partitions.sort_unstable();
    }
    owned.sort_unstable();
    Some(owned)
}
