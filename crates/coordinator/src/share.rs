//! A share group (KIP-932): the coordinator assigns, and a partition may have several readers.
//!
//! Nothing has to be given up before it can be given away, so a member is where its target is as
//! soon as it asks. A partition is assigned only when its state is kept: the coordinator asks for
//! that, its caller sets the state up and says so, and then the next assignment has it.
//!
//! All of this changes through [`ShareChange`]s only, which are what is written to the log. What a
//! step changed can be taken back for as long as it is not written (see [`step`]).

mod assign;
mod clocks;
mod describe;
mod heartbeat;
mod keeping;
mod kept;
mod step;
mod target;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use limpid_protocol::messages::share_group_current_member_assignment_value::{
    ShareGroupCurrentMemberAssignmentValue, TopicPartitions,
};
use limpid_protocol::messages::share_group_target_assignment_member_value::{
    ShareGroupTargetAssignmentMemberValue, TopicPartition,
};
use limpid_protocol::messages::{
    ShareGroupMemberMetadataValue, ShareGroupMetadataValue, ShareGroupTargetAssignmentMetadataValue,
};

pub(crate) use self::heartbeat::{Beat, check};
pub(crate) use self::kept::Kept;
use crate::assignor::Partitions;
use crate::record::ShareChange;
use crate::state::State;
use crate::timers::Deadline;

/// The name of the only assignor.
pub(crate) const ASSIGNOR: &str = "simple";
/// The protocol type of share groups.
pub(crate) const SHARE: &str = "share";
/// Kafka's code of a member that has what it is to have, the only state there is.
const STABLE: i8 = 0;

/// A group.
#[derive(Debug, Default)]
pub(crate) struct ShareGroup {
    /// 0 until its first record.
    pub(crate) epoch: i32,
    /// Of names, ids and sizes of the topics that it reads.
    metadata_hash: i64,
    assignment_epoch: i32,
    assigned_at_ms: i64,
    pub(crate) members: BTreeMap<Arc<str>, Member>,
    targets: BTreeMap<Arc<str>, Partitions>,
    /// Partitions whose state is kept.
    pub(crate) kept: Kept,
    sessions: HashMap<Arc<str>, Deadline>,
    /// The version of the topics that the hash was last compared with.
    topics_version: u64,
}

/// A member.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) id: Arc<str>,
    pub(crate) rack_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) topics: BTreeSet<String>,
    pub(crate) epoch: i32,
    pub(crate) previous_epoch: i32,
    pub(crate) assigned: Partitions,
}

impl Member {
    fn new(id: Arc<str>) -> Self {
        Self {
            id,
            rack_id: None,
            client_id: String::new(),
            client_host: String::new(),
            topics: BTreeSet::new(),
            epoch: 0,
            previous_epoch: 0,
            assigned: Partitions::new(),
        }
    }

    fn metadata(&self) -> ShareGroupMemberMetadataValue {
        ShareGroupMemberMetadataValue {
            rack_id: self.rack_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            subscribed_topic_names: self.topics.iter().cloned().collect(),
        }
    }

    fn set_metadata(&mut self, value: &ShareGroupMemberMetadataValue) {
        self.rack_id.clone_from(&value.rack_id);
        self.client_id.clone_from(&value.client_id);
        self.client_host.clone_from(&value.client_host);
        self.topics = value.subscribed_topic_names.iter().cloned().collect();
    }

    fn current(&self) -> ShareGroupCurrentMemberAssignmentValue {
        let topics = self.assigned.iter().map(|(topic, ids)| TopicPartitions {
            topic_id: *topic,
            partitions: ids.iter().copied().collect(),
        });
        ShareGroupCurrentMemberAssignmentValue {
            member_epoch: self.epoch,
            previous_member_epoch: self.previous_epoch,
            state: STABLE,
            assigned_partitions: topics.collect(),
        }
    }

    fn set_current(&mut self, value: Option<&ShareGroupCurrentMemberAssignmentValue>) {
        self.epoch = value.map_or(0, |v| v.member_epoch);
        self.previous_epoch = value.map_or(0, |v| v.previous_member_epoch);
        let topics = value.iter().flat_map(|v| &v.assigned_partitions);
        let topics = topics.filter(|topic| !topic.partitions.is_empty());
        self.assigned = topics
            .map(|topic| (topic.topic_id, topic.partitions.iter().copied().collect()))
            .collect();
    }
}

impl ShareGroup {
    /// Whether nothing of it is written (any more).
    pub(crate) fn is_gone(&self) -> bool {
        self.epoch == 0 && self.members.is_empty() && self.kept.is_empty()
    }

    pub(crate) fn state(&self) -> State {
        if self.members.is_empty() {
            State::Empty
        } else {
            State::Stable
        }
    }

    /// The topics that its members read, by name.
    pub(crate) fn topics(&self) -> BTreeSet<String> {
        let names = self.members.values().flat_map(|m| m.topics.iter());
        names.cloned().collect()
    }

    /// Does what is written.
    pub(crate) fn apply(&mut self, change: &ShareChange) {
        match change {
            ShareChange::Group(value) => {
                self.epoch = value.as_ref().map_or(0, |v| v.epoch);
                self.metadata_hash = value.as_ref().map_or(0, |v| v.metadata_hash);
            }
            ShareChange::Member(id, Some(value)) => self.member_mut(id).set_metadata(value),
            ShareChange::Member(id, None) => drop(self.members.remove(id)),
            ShareChange::TargetEpoch(value) => {
                self.assignment_epoch = value.as_ref().map_or(0, |v| v.assignment_epoch);
                self.assigned_at_ms = value.as_ref().map_or(0, |v| v.assignment_timestamp);
            }
            ShareChange::Target(id, Some(value)) => {
                self.targets.insert(Arc::clone(id), partitions_of(value));
            }
            ShareChange::Target(id, None) => drop(self.targets.remove(id)),
            ShareChange::Current(id, Some(value)) => self.member_mut(id).set_current(Some(value)),
            ShareChange::Current(id, None) => {
                if let Some(member) = self.members.get_mut(id) {
                    member.set_current(None);
                }
            }
            ShareChange::Kept(value) => {
                self.kept = value.as_ref().map(Kept::of).unwrap_or_default();
            }
        }
    }

    fn member_mut(&mut self, id: &Arc<str>) -> &mut Member {
        let new = || Member::new(Arc::clone(id));
        self.members.entry(Arc::clone(id)).or_insert_with(new)
    }

    /// The change that brings back what `change` is about to overwrite.
    fn inverse(&self, change: &ShareChange) -> ShareChange {
        match change {
            ShareChange::Group(_) => {
                ShareChange::Group((self.epoch > 0).then_some(ShareGroupMetadataValue {
                    epoch: self.epoch,
                    metadata_hash: self.metadata_hash,
                }))
            }
            ShareChange::Member(id, _) => {
                let before = self.members.get(id).map(Member::metadata);
                ShareChange::Member(Arc::clone(id), before)
            }
            ShareChange::TargetEpoch(_) => ShareChange::TargetEpoch(
                (self.assignment_epoch > 0).then_some(ShareGroupTargetAssignmentMetadataValue {
                    assignment_epoch: self.assignment_epoch,
                    assignment_timestamp: self.assigned_at_ms,
                }),
            ),
            ShareChange::Target(id, _) => {
                let before = self.targets.get(id).map(target_value);
                ShareChange::Target(Arc::clone(id), before)
            }
            ShareChange::Current(id, _) => {
                let before = self.members.get(id).map(Member::current);
                ShareChange::Current(Arc::clone(id), before)
            }
            ShareChange::Kept(_) => {
                ShareChange::Kept((!self.kept.is_empty()).then(|| self.kept.value()))
            }
        }
    }

    /// Everything, as deleted.
    pub(crate) fn tombstones(&self) -> Vec<ShareChange> {
        let ids = || self.members.keys();
        let current = ids().map(|id| ShareChange::Current(Arc::clone(id), None));
        let targets = self.targets.keys();
        let targets = targets.map(|id| ShareChange::Target(Arc::clone(id), None));
        let members = ids().map(|id| ShareChange::Member(Arc::clone(id), None));
        current
            .chain(targets)
            .chain([ShareChange::TargetEpoch(None)])
            .chain(members)
            .chain([ShareChange::Kept(None), ShareChange::Group(None)])
            .collect()
    }

    #[cfg(test)]
    pub(crate) fn check_invariants(&self) {
        for member in self.members.values() {
            assert!(member.epoch <= self.epoch, "a member is never ahead");
        }
        for id in self.targets.keys() {
            assert!(self.members.contains_key(id), "targets are members'");
        }
        for id in self.sessions.keys() {
            assert!(self.members.contains_key(id), "sessions are members'");
        }
    }
}

fn partitions_of(value: &ShareGroupTargetAssignmentMemberValue) -> Partitions {
    let topics = value.topic_partitions.iter();
    let topics = topics.filter(|topic| !topic.partitions.is_empty());
    topics
        .map(|topic| (topic.topic_id, topic.partitions.iter().copied().collect()))
        .collect()
}

fn target_value(partitions: &Partitions) -> ShareGroupTargetAssignmentMemberValue {
    let topics = partitions.iter().map(|(topic, ids)| TopicPartition {
        topic_id: *topic,
        partitions: ids.iter().copied().collect(),
    });
    ShareGroupTargetAssignmentMemberValue {
        topic_partitions: topics.collect(),
    }
}
