//! Taking over records: at the start from the log, later those just written.

use std::collections::HashSet;
use std::sync::Arc;

use limpid_protocol::messages::group_metadata_value::{GroupMetadataValue, MemberMetadata};

use super::Coordinator;
use crate::after::Protocol;
use crate::cause::Cause;
use crate::group::{Group, Kind};
use crate::limits::Now;
use crate::member::Member;
use crate::offsets::Committed;
use crate::open_offsets::Key;
use crate::out::Out;
use crate::record::{ConsumerChange, Record, ShareChange};
use crate::state::State;
use crate::timers::Deadline;

impl Coordinator {
    /// Takes over one record of the log.
    pub fn replay(&mut self, now: Now, record: Record) {
        self.apply(now, record, &mut Out::default());
    }

    /// The log has been read: sessions begin, and groups that are too large are made smaller.
    pub fn loaded(&mut self, now: Now, out: &mut Out) {
        for id in self.ids() {
            let Some((group, mut turn)) = self.turn(&id, now, out) else {
                continue;
            };
            group.sessions_begin(&mut turn);
            group.follow_kind(now);
            if group.members.len() > turn.limits.group_size_max && group.state == State::Stable {
                group.prepare_rebalance(&mut turn, Cause::OverCapacity);
            }
        }
    }

    pub(super) fn apply(&mut self, now: Now, record: Record, out: &mut Out) {
        match record {
            Record::Offset {
                group,
                topic,
                partition,
                committed,
            } => {
                let key = (group, topic, partition);
                self.apply_offset(now, key, committed);
            }
            Record::Group { group, value } => self.apply_group(now, &group, value, out),
            Record::Consumer { group, change } => self.apply_consumer(now, &group, &change),
            Record::Share { group, change } => self.apply_share(now, &group, &change),
        }
    }

    fn apply_consumer(&mut self, now: Now, id: &Arc<str>, change: &ConsumerChange) {
        let group = self.group_of_kind(now, id, || Kind::Consumer(Box::default()));
        // A tombstone may come after the group has become a classic one.
        let Kind::Consumer(consumer) = &mut group.kind else {
            return;
        };
        consumer.apply(change);
        if consumer.is_gone() {
            self.unkind(id);
        }
    }

    fn apply_share(&mut self, now: Now, id: &Arc<str>, change: &ShareChange) {
        let group = self.group_of_kind(now, id, || Kind::Share(Box::default()));
        let Kind::Share(share) = &mut group.kind else {
            return;
        };
        share.apply(change);
        if share.is_gone() {
            self.unkind(id);
        }
    }

    /// The group; it becomes of that kind if it is new or nobody is in it.
    fn group_of_kind(
        &mut self,
        now: Now,
        id: &Arc<str>,
        kind: impl FnOnce() -> Kind,
    ) -> &mut Group {
        let group = self.group_or_new(now, Arc::clone(id));
        if matches!(group.kind, Kind::Classic) && group.members.is_empty() {
            group.kind = kind();
        }
        group
    }

    /// A consumer or share group is gone; what remains of it are its offsets.
    pub(super) fn unkind(&mut self, id: &Arc<str>) {
        let Some(group) = self.groups.get_mut(id) else {
            return;
        };
        if !matches!(group.kind, Kind::Classic) {
            group.stop_clocks(&mut self.timers);
            group.kind = Kind::Classic;
            group.state = State::Empty;
            group.generation = 0;
        }
        let has_open = self.open.of_group(id).next().is_some();
        if group.offsets.is_empty() && !has_open {
            self.groups.remove(id);
        }
    }

    fn apply_offset(&mut self, now: Now, key: Key, committed: Option<Committed>) {
        match committed {
            Some(committed) => {
                self.open.overtake(&key);
                let (group, topic, partition) = key;
                let known = self.group_or_new(now, group);
                known.offsets.put(&topic, partition, committed);
            }
            None => {
                self.open.clear(&key);
                let (group, topic, partition) = key;
                if let Some(known) = self.groups.get_mut(&group) {
                    known.view = None;
                    known.offsets.remove(&topic, partition);
                }
            }
        }
    }

    fn apply_group(
        &mut self,
        now: Now,
        id: &Arc<str>,
        value: Option<GroupMetadataValue>,
        out: &mut Out,
    ) {
        let known = self.groups.get_mut(id);
        if value.is_none()
            && known
                .as_ref()
                .is_some_and(|g| !matches!(g.kind, Kind::Classic))
        {
            // Of the classic group that it was before.
            return;
        }
        let offsets = known.map(|g| std::mem::take(&mut g.offsets));
        let offsets = offsets.unwrap_or_default();
        self.forget(now, id, out);
        let has_open = self.open.of_group(id).next().is_some();
        if value.is_none() && offsets.is_empty() && !has_open {
            return;
        }
        let mut group = Group::new(Arc::clone(id), now);
        group.offsets = offsets;
        self.groups.insert(Arc::clone(id), group);
        let (Some((group, mut turn)), Some(value)) = (self.turn(id, now, out), value) else {
            return;
        };
        group.restore(&mut turn, value);
    }
}

impl Group {
    /// Becomes what a record says.
    fn restore(&mut self, turn: &mut crate::turn::Turn<'_>, value: GroupMetadataValue) {
        let protocol = value.protocol.clone().unwrap_or_default();
        let (mut ids, mut instances) = (HashSet::new(), HashSet::new());
        for member in value.members {
            let named = member.group_instance_id.clone();
            // A record of ours never repeats one; what lies on a disk may say anything.
            if ids.insert(member.member_id.clone()) && named.is_none_or(|i| instances.insert(i)) {
                let member = member_of(member, &value.protocol_type, &protocol);
                self.restore_member(turn, member);
            }
        }
        let has_members = !self.members.is_empty();
        self.state = if has_members {
            State::Stable
        } else {
            State::Empty
        };
        self.previous = State::Dead;
        self.since_ms = Some(value.current_state_timestamp).filter(|ms| *ms >= 0);
        self.generation = value.generation;
        self.protocol_type = Some(value.protocol_type).filter(|t| !t.is_empty());
        self.protocol = value.protocol;
        let leader = value.leader.as_deref();
        let leader = leader.and_then(|l| self.members.get_key_value(l));
        self.leader = leader
            .map(|(id, _)| Arc::clone(id))
            .or_else(|| self.members.keys().next().cloned());
        self.subscribed = self.read_subscriptions();
    }
}

fn member_of(member: MemberMetadata, protocol_type: &str, protocol: &str) -> Member {
    let rebalance_timeout_ms = match member.rebalance_timeout {
        -1 => member.session_timeout,
        timeout => timeout,
    };
    Member {
        id: member.member_id.into(),
        instance_id: member.group_instance_id,
        client_id: member.client_id,
        client_host: member.client_host,
        rebalance_timeout_ms,
        session_timeout_ms: member.session_timeout,
        protocol_type: protocol_type.to_owned(),
        protocols: vec![Protocol {
            name: protocol.to_owned(),
            metadata: bytes::Bytes::copy_from_slice(&member.subscription),
        }],
        assignment: bytes::Bytes::copy_from_slice(&member.assignment),
        awaiting_join: None,
        awaiting_sync: None,
        is_new: false,
        deadline: Deadline::default(),
    }
}
