//! A consumer group (KIP-848): the coordinator assigns, each member follows at its own pace.
//!
//! Three epochs tell how far things are. The *group's* goes up with everything that could change
//! the assignment. The *assignment's* says for which of them the target was computed. A *member's*
//! says which target it follows; it gets there only when it gave up what the target takes from it.
//! A partition has one owner at any time: it is given away when its owner said that it let go.
//!
//! All of this changes through [`ConsumerChange`]s only, which are what is written to the log. What
//! a step changed can be taken back for as long as it is not written (see [`step`]).

mod classic;
mod clocks;
mod commit;
mod describe;
mod fence;
mod hash;
mod heartbeat;
mod member;
mod reconcile;
mod regex;
mod statics;
mod step;
mod target;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use limpid_protocol::Uuid;
use limpid_protocol::messages::consumer_group_target_assignment_member_value::{
    ConsumerGroupTargetAssignmentMemberValue, TopicPartition,
};
use limpid_protocol::messages::{
    ConsumerGroupMetadataValue, ConsumerGroupPartitionMetadataValue,
    ConsumerGroupRegularExpressionValue, ConsumerGroupTargetAssignmentMetadataValue,
};

pub(crate) use self::classic::{assignment, metadata, subscription, version_of};
use self::clocks::Clocks;
pub(crate) use self::hash::of as hash_of;
pub(crate) use self::heartbeat::{Beat, check};
pub(crate) use self::member::{Member, MemberState, Owned};
use self::regex::Matched;
pub use self::regex::Sight;
use crate::assignor::Partitions;
use crate::record::ConsumerChange;
use crate::state::State;

/// A group.
#[derive(Debug, Default)]
pub(crate) struct ConsumerGroup {
    /// 0 until its first record.
    pub(crate) epoch: i32,
    /// Of names, ids and sizes of the topics that it reads.
    metadata_hash: i64,
    partition_metadata: Option<ConsumerGroupPartitionMetadataValue>,
    pub(crate) assignment_epoch: i32,
    assigned_at_ms: i64,
    pub(crate) members: BTreeMap<Arc<str>, Member>,
    targets: BTreeMap<Arc<str>, Partitions>,
    regexes: BTreeMap<Arc<str>, ConsumerGroupRegularExpressionValue>,
    /// Of `regexes`, not written.
    matched: BTreeMap<Arc<str>, Matched>,
    statics: HashMap<String, Arc<str>>,
    /// The epoch of the member that has a partition, or still has to give it up.
    owners: HashMap<(Uuid, i32), i32>,
    clocks: Clocks,
    /// The version of the topics that the hash was last compared with.
    topics_version: u64,
}

impl ConsumerGroup {
    /// Whether nothing of it is written (any more).
    pub(crate) fn is_gone(&self) -> bool {
        self.epoch == 0 && self.members.is_empty()
    }

    pub(crate) fn state(&self) -> State {
        if self.members.is_empty() {
            State::Empty
        } else if self.epoch > self.assignment_epoch {
            State::Assigning
        } else if self
            .members
            .values()
            .all(|m| m.is_at(self.assignment_epoch))
        {
            State::Stable
        } else {
            State::Reconciling
        }
    }

    /// The topics that its members read, by name.
    pub(crate) fn topics(&self) -> BTreeSet<String> {
        let names = self.members.values().flat_map(|m| m.topics.iter());
        let used = self.members.values().filter_map(|m| m.regex.as_ref());
        let matched = used.filter_map(|regex| self.regexes.get(regex));
        let matched = matched.flat_map(|resolved| resolved.topics.iter());
        names.chain(matched).cloned().collect()
    }

    /// Whether some member reads a topic.
    pub(crate) fn reads(&self, topic: &str) -> bool {
        let mut members = self.members.values();
        members.any(|member| {
            let regex = member.regex.as_ref().and_then(|r| self.regexes.get(r));
            member.topics.contains(topic)
                || regex.is_some_and(|r| r.topics.iter().any(|t| t == topic))
        })
    }

    /// The topics that one member reads.
    fn topics_of(&self, member: &Member) -> BTreeSet<String> {
        let regex = member.regex.as_ref().and_then(|r| self.regexes.get(r));
        let matched = regex.into_iter().flat_map(|r| r.topics.iter());
        member.topics.iter().chain(matched).cloned().collect()
    }

    fn is_taken(&self, topic: Uuid, partition: i32) -> bool {
        self.owners.contains_key(&(topic, partition))
    }

    /// Does what is written.
    pub(crate) fn apply(&mut self, change: &ConsumerChange) {
        match change {
            ConsumerChange::Group(value) => {
                self.epoch = value.as_ref().map_or(0, |v| v.epoch);
                self.metadata_hash = value.as_ref().map_or(0, |v| v.metadata_hash);
            }
            ConsumerChange::PartitionMetadata(value) => self.partition_metadata.clone_from(value),
            ConsumerChange::Member(id, Some(value)) => {
                let mut member = self.take(id).unwrap_or_else(|| Member::new(Arc::clone(id)));
                member.set_metadata(value);
                self.put(member);
            }
            ConsumerChange::Member(id, None) => drop(self.take(id)),
            ConsumerChange::TargetEpoch(value) => {
                self.assignment_epoch = value.as_ref().map_or(0, |v| v.assignment_epoch);
                self.assigned_at_ms = value.as_ref().map_or(0, |v| v.assignment_timestamp);
            }
            ConsumerChange::Target(id, Some(value)) => {
                self.targets.insert(Arc::clone(id), partitions_of(value));
            }
            ConsumerChange::Target(id, None) => drop(self.targets.remove(id)),
            ConsumerChange::Current(id, Some(value)) => {
                let mut member = self.take(id).unwrap_or_else(|| Member::new(Arc::clone(id)));
                member.set_current(value);
                self.put(member);
            }
            ConsumerChange::Current(id, None) => {
                if let Some(mut member) = self.take(id) {
                    member.set_left();
                    self.put(member);
                }
            }
            ConsumerChange::Regex(regex, Some(value)) => {
                self.regexes.insert(Arc::clone(regex), value.clone());
            }
            ConsumerChange::Regex(regex, None) => {
                self.regexes.remove(regex);
                self.matched.remove(regex);
            }
        }
    }

    /// The change that brings back what `change` is about to overwrite.
    fn inverse(&self, change: &ConsumerChange) -> ConsumerChange {
        match change {
            ConsumerChange::Group(_) => {
                ConsumerChange::Group((self.epoch > 0).then(|| self.group_value()))
            }
            ConsumerChange::PartitionMetadata(_) => {
                ConsumerChange::PartitionMetadata(self.partition_metadata.clone())
            }
            ConsumerChange::Member(id, _) => {
                let before = self.members.get(id).map(|m| Box::new(m.metadata()));
                ConsumerChange::Member(Arc::clone(id), before)
            }
            ConsumerChange::TargetEpoch(_) => {
                let before = (self.assignment_epoch > 0).then(|| self.target_epoch_value());
                ConsumerChange::TargetEpoch(before)
            }
            ConsumerChange::Target(id, _) => {
                let before = self.targets.get(id).map(target_value);
                ConsumerChange::Target(Arc::clone(id), before)
            }
            ConsumerChange::Current(id, _) => {
                let before = self.members.get(id).map(Member::current);
                ConsumerChange::Current(Arc::clone(id), before)
            }
            ConsumerChange::Regex(regex, _) => {
                ConsumerChange::Regex(Arc::clone(regex), self.regexes.get(regex).cloned())
            }
        }
    }

    fn take(&mut self, id: &Arc<str>) -> Option<Member> {
        let member = self.members.remove(id)?;
        if let Some(instance) = &member.instance_id
            && self.statics.get(instance) == Some(id)
        {
            self.statics.remove(instance);
        }
        for key in keys(&member) {
            // Another member may have been given it by a record that came first.
            if self.owners.get(&key) == Some(&member.epoch) {
                self.owners.remove(&key);
            }
        }
        Some(member)
    }

    fn put(&mut self, member: Member) {
        let id = Arc::clone(&member.id);
        if let Some(instance) = &member.instance_id {
            self.statics.insert(instance.clone(), Arc::clone(&id));
        }
        for key in keys(&member) {
            self.owners.insert(key, member.epoch);
        }
        self.members.insert(id, member);
    }

    fn group_value(&self) -> ConsumerGroupMetadataValue {
        ConsumerGroupMetadataValue {
            epoch: self.epoch,
            metadata_hash: self.metadata_hash,
        }
    }

    fn target_epoch_value(&self) -> ConsumerGroupTargetAssignmentMetadataValue {
        ConsumerGroupTargetAssignmentMetadataValue {
            assignment_epoch: self.assignment_epoch,
            assignment_timestamp: self.assigned_at_ms,
        }
    }

    /// Everything, as deleted.
    pub(crate) fn tombstones(&self) -> Vec<ConsumerChange> {
        let ids = || self.members.keys();
        let current = ids().map(|id| ConsumerChange::Current(Arc::clone(id), None));
        let targets = self.targets.keys();
        let targets = targets.map(|id| ConsumerChange::Target(Arc::clone(id), None));
        let members = ids().map(|id| ConsumerChange::Member(Arc::clone(id), None));
        let regexes = self.regexes.keys();
        let regexes = regexes.map(|regex| ConsumerChange::Regex(Arc::clone(regex), None));
        let legacy = self.partition_metadata.iter();
        current
            .chain(targets)
            .chain([ConsumerChange::TargetEpoch(None)])
            .chain(members)
            .chain(regexes)
            .chain(legacy.map(|_| ConsumerChange::PartitionMetadata(None)))
            .chain([ConsumerChange::Group(None)])
            .collect()
    }

    #[cfg(test)]
    pub(crate) fn check_invariants(&self) {
        let mut seen = BTreeMap::new();
        for member in self.members.values() {
            for key in keys(member) {
                let before = seen.insert(key, &member.id);
                assert!(before.is_none(), "a partition has one owner: {key:?}");
                assert_eq!(self.owners.get(&key), Some(&member.epoch));
            }
            assert!(member.epoch <= self.epoch, "a member is never ahead");
        }
        assert_eq!(seen.len(), self.owners.len(), "owners are members");
        for (instance, id) in &self.statics {
            let named = self.members.get(id).and_then(|m| m.instance_id.as_ref());
            assert_eq!(named, Some(instance));
        }
        assert!(self.assignment_epoch <= self.epoch.max(self.assignment_epoch));
    }
}

/// The partitions that a member has, or has to give up.
fn keys(member: &Member) -> impl Iterator<Item = (Uuid, i32)> {
    let owned = [&member.assigned, &member.revoking].into_iter().flatten();
    owned.flat_map(|(topic, partitions)| partitions.keys().map(|p| (*topic, *p)))
}

fn partitions_of(value: &ConsumerGroupTargetAssignmentMemberValue) -> Partitions {
    let topics = value.topic_partitions.iter();
    let topics = topics.filter(|topic| !topic.partitions.is_empty());
    topics
        .map(|topic| (topic.topic_id, topic.partitions.iter().copied().collect()))
        .collect()
}

fn target_value(partitions: &Partitions) -> ConsumerGroupTargetAssignmentMemberValue {
    let topics = partitions.iter().map(|(topic, partitions)| TopicPartition {
        topic_id: *topic,
        partitions: partitions.iter().copied().collect(),
    });
    ConsumerGroupTargetAssignmentMemberValue {
        topic_partitions: topics.collect(),
    }
}

/// What a member has as what it is to have.
pub(crate) fn target_of(owned: &Owned) -> ConsumerGroupTargetAssignmentMemberValue {
    let topics = owned.iter();
    let partitions: Partitions = topics
        .map(|(topic, partitions)| (*topic, partitions.keys().copied().collect()))
        .collect();
    target_value(&partitions)
}
