//! What tools ask for: describing, listing and deleting; and cleaning up.

use std::collections::BTreeSet;
use std::sync::Arc;

use limpid_protocol::messages::consumer_group_describe_response::DescribedGroup as DescribedConsumerGroup;
use limpid_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use limpid_protocol::messages::list_groups_response::ListedGroup;
use limpid_protocol::{ErrorCode, Uuid};

use super::Coordinator;
use crate::after::{After, OffsetsAfter};
use crate::group::{Group, Kind};
use crate::limits::Now;
use crate::offsets::Committed;
use crate::open_offsets::Key;
use crate::out::Out;
use crate::record::Record;
use crate::refusal::Refusal;
use crate::state::State;
use crate::view::GroupView;

impl Coordinator {
    /// DescribeGroups, for one group.
    ///
    /// # Errors
    /// There is no such group, or it is not a classic one.
    pub fn describe(&self, id: &str) -> Result<DescribedGroup, Refusal> {
        let group = self.groups.get(id).ok_or_else(|| not_found(id))?;
        if !matches!(group.kind, Kind::Classic) {
            let message = format!("Group {id} is not a classic group.");
            return Err(Refusal::new(ErrorCode::GroupIdNotFound, message));
        }
        let protocol = group
            .protocol
            .as_deref()
            .filter(|_| group.state == State::Stable);
        let members = group.members.values().map(|m| DescribedGroupMember {
            member_id: m.id.to_string(),
            group_instance_id: m.instance_id.clone(),
            client_id: m.client_id.clone(),
            client_host: m.client_host.clone(),
            member_metadata: m.metadata(protocol),
            member_assignment: m.assignment.clone(),
        });
        Ok(DescribedGroup {
            group_id: id.to_owned(),
            group_state: group.state.as_str().to_owned(),
            protocol_type: group.protocol_type.clone().unwrap_or_default(),
            protocol_data: protocol.unwrap_or_default().to_owned(),
            members: members.collect(),
            ..DescribedGroup::default()
        })
    }

    /// StreamsGroupDescribe, for one group: there are none of this type.
    pub fn no_streams_group(&self, id: &str) -> Refusal {
        if !self.groups.contains_key(id) {
            return not_found(id);
        }
        let message = format!("Group {id} is not a streams group.");
        Refusal::new(ErrorCode::GroupIdNotFound, message)
    }

    /// ConsumerGroupDescribe, for one group.
    ///
    /// # Errors
    /// There is no such group, or it is not a consumer group.
    pub fn describe_consumer(&self, id: &str) -> Result<DescribedConsumerGroup, Refusal> {
        let group = self.groups.get(id).ok_or_else(|| not_found(id))?;
        match &group.kind {
            Kind::Consumer(consumer) => Ok(consumer.describe(id, &self.topics, &self.limits)),
            Kind::Classic | Kind::Share(_) => {
                let message = format!("Group {id} is not a consumer group.");
                Err(Refusal::new(ErrorCode::GroupIdNotFound, message))
            }
        }
    }

    /// ListGroups: those in one of `states` and of one of `types` (lower case); none means all.
    pub fn list(&self, states: &BTreeSet<String>, types: &BTreeSet<String>) -> Vec<ListedGroup> {
        let wanted = |group: &Group| {
            let state = group.state.as_str().to_ascii_lowercase();
            (states.is_empty() || states.contains(&state))
                && (types.is_empty() || types.contains(group.group_type().as_str()))
        };
        let groups = self.groups.values().filter(|g| wanted(g));
        groups
            .map(|group| ListedGroup {
                group_id: group.id.to_string(),
                protocol_type: group.protocol_type_name().to_owned(),
                group_state: group.state.as_str().to_owned(),
                group_type: group.group_type().as_str().to_owned(),
            })
            .collect()
    }

    /// DeleteGroups, for one group.
    ///
    /// # Errors
    /// There is no such group, or it has members.
    pub fn delete(&mut self, id: &str, out: &mut Out) -> Result<(), ErrorCode> {
        let group = self.groups.get(id).ok_or(ErrorCode::GroupIdNotFound)?;
        match group.state {
            State::Dead => return Err(ErrorCode::GroupIdNotFound),
            State::Empty => {}
            _ => return Err(ErrorCode::NonEmptyGroup),
        }
        let mut records = group.offset_tombstones(|_, _, _| true);
        records.extend(self.open_tombstones(id, |_, _| true));
        records.extend(group.tombstones());
        out.write(records, After::Offsets(OffsetsAfter::Deletion));
        Ok(())
    }

    /// OffsetDelete: an error for each topic that the group still reads.
    ///
    /// # Errors
    /// There is no such group, or it has members that are not consumers.
    pub fn delete_offsets(
        &mut self,
        id: &str,
        wanted: &[(String, Vec<i32>)],
        out: &mut Out,
    ) -> Result<Vec<ErrorCode>, ErrorCode> {
        if id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let group = self.groups.get(id).ok_or(ErrorCode::GroupIdNotFound)?;
        if matches!(group.kind, Kind::Share(_)) {
            return Err(ErrorCode::GroupIdNotFound);
        }
        if group.state != State::Empty && !group.is_consumer() {
            return Err(ErrorCode::NonEmptyGroup);
        }
        let mut records = Vec::new();
        let mut answers = Vec::with_capacity(wanted.len());
        for (topic, partitions) in wanted {
            if group.reads(topic) {
                answers.push(ErrorCode::GroupSubscribedToTopic);
                continue;
            }
            let partitions: BTreeSet<i32> = partitions.iter().copied().collect();
            records
                .extend(group.offset_tombstones(|t, p, _| t == topic && partitions.contains(&p)));
            let is_wanted = |t: &str, p: i32| t == topic && partitions.contains(&p);
            records.extend(self.open_tombstones(id, |(_, t, p), _| is_wanted(t, *p)));
            answers.push(ErrorCode::None);
        }
        if !records.is_empty() {
            out.write(records, After::Offsets(OffsetsAfter::Deletion));
        }
        Ok(answers)
    }

    /// Deletes the offsets of a group in topics that are gone; false if it had none.
    pub fn forget_topics(
        &mut self,
        now: Now,
        id: &str,
        gone: impl Fn(&str, Uuid) -> bool,
        out: &mut Out,
    ) -> bool {
        let Some(group) = self.groups.get(id) else {
            return false;
        };
        if matches!(group.kind, Kind::Share(_)) {
            return self.forget_kept(now, id, out);
        }
        let mut records =
            group.offset_tombstones(|topic, _, committed| gone(topic, committed.topic_id));
        let of_open = |key: &Key, committed: &Committed| gone(&key.1, committed.topic_id);
        records.extend(self.open_tombstones(id, of_open));
        self.write_if_any(records, OffsetsAfter::Deletion, out)
    }

    /// Deletes what is too old in a group, and the group when nothing is left; false if there was
    /// nothing to do.
    pub fn expire(&mut self, now: Now, id: &Arc<str>, out: &mut Out) -> bool {
        let Some(group) = self.groups.get(id) else {
            return false;
        };
        let records = group.expired(now.wall_ms, &self.limits, &self.open);
        self.write_if_any(records, OffsetsAfter::Expiry(Arc::clone(id)), out)
    }

    fn write_if_any(&self, records: Vec<Record>, after: OffsetsAfter, out: &mut Out) -> bool {
        let some = !records.is_empty();
        if some {
            out.write(records, After::Offsets(after));
        }
        some
    }

    /// All groups.
    pub fn ids(&self) -> Vec<Arc<str>> {
        self.groups.keys().cloned().collect()
    }

    /// Adds a view of each group to `views`; the same one as last time if nothing changed.
    pub fn views(&mut self, views: &mut Vec<Arc<GroupView>>) {
        for group in self.groups.values_mut() {
            let view = match &group.view {
                Some(view) => Arc::clone(view),
                None => Arc::new(group.make_view(&self.limits, &self.topics)),
            };
            views.push(Arc::clone(&view));
            group.view = Some(view);
        }
    }

    /// How many ids were handed out that nobody used yet.
    pub fn pending_members(&self) -> usize {
        self.groups.values().map(|g| g.pending_count()).sum()
    }
}

fn not_found(id: &str) -> Refusal {
    Refusal::new(ErrorCode::GroupIdNotFound, format!("Group {id} not found."))
}
