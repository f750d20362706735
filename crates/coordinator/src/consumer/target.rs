//! The group's epoch, and the target assignment that follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use limpid_protocol::Uuid;
use limpid_protocol::messages::{
    ConsumerGroupMetadataValue, ConsumerGroupTargetAssignmentMetadataValue,
};

use super::step::Step;
use super::{ConsumerGroup, Member, hash};
use crate::assignor::{Assignor, Subscriber, Subscriptions};
use crate::cause::Cause;
use crate::limits::Limits;
use crate::record::ConsumerChange;
use crate::topics::Topics;

/// The epoch of a group before its first member (Kafka's).
const FIRST_EPOCH: i32 = 1;

impl Step<'_> {
    /// Raises the group's epoch if `cause` says so, or if the topics are not what they were.
    pub(super) fn follow_topics(&mut self, mut cause: Option<Cause>) {
        let seen = self.group.topics_version == self.topics.version;
        if seen && cause.is_none() {
            return;
        }
        self.group.topics_version = self.topics.version;
        let hash = hash::of(&self.group.topics(), self.topics);
        if hash != self.group.metadata_hash {
            cause = cause.or(Some(Cause::TopicsChanged));
        }
        if let Some(cause) = cause {
            self.change(ConsumerChange::Group(Some(ConsumerGroupMetadataValue {
                epoch: self.group.epoch.max(FIRST_EPOCH).saturating_add(1),
                metadata_hash: hash,
            })));
            self.cause = Some(cause);
        }
    }

    /// Computes a new target if there is something new, but not more often than the group wants.
    pub(super) fn update_target(&mut self) {
        let group = &self.group;
        if group.epoch <= group.assignment_epoch || !self.is_assignment_due() {
            return;
        }
        let subscriptions = group.subscriptions(self.topics);
        let assigned = group.assignor(self.limits).assign(&subscriptions);
        for (member, partitions) in &assigned {
            if self.group.targets.get(member) != Some(partitions) {
                self.set_target(member, partitions);
            }
        }
        let value = ConsumerGroupTargetAssignmentMetadataValue {
            assignment_epoch: self.group.epoch,
            assignment_timestamp: self.now.wall_ms,
        };
        self.change(ConsumerChange::TargetEpoch(Some(value)));
    }

    fn is_assignment_due(&self) -> bool {
        let interval_ms = self.limits.consumer_of(&self.id).assignment_interval_ms;
        let since_ms = self.now.wall_ms.saturating_sub(self.group.assigned_at_ms);
        // A clock that was set back must not stop a group.
        since_ms >= i64::from(interval_ms) || since_ms < 0
    }
}

impl ConsumerGroup {
    /// The assignor that most members ask for, or the broker's first one.
    pub(crate) fn assignor(&self, limits: &Limits) -> Assignor {
        let mut votes: BTreeMap<Assignor, usize> = BTreeMap::new();
        let wishes = self.members.values().filter_map(|m| m.assignor.as_deref());
        for wish in wishes.filter_map(|name| limits.assignor(name)) {
            *votes.entry(wish).or_default() += 1;
        }
        let most = votes.into_iter().rev().max_by_key(|(_, count)| *count);
        most.map_or_else(|| limits.default_assignor(), |(assignor, _)| assignor)
    }

    fn subscriptions(&self, topics: &Topics) -> Subscriptions {
        let mut subscriptions = Subscriptions::default();
        for member in self.members.values() {
            let ids = self.topic_ids_of(member, topics);
            for (id, size) in &ids {
                subscriptions.sizes.insert(*id, *size);
            }
            subscriptions.members.push(Subscriber {
                id: Arc::clone(&member.id),
                instance_id: member.instance_id.clone(),
                topics: ids.into_iter().map(|(id, _)| id).collect(),
                before: self.targets.get(&member.id).cloned().unwrap_or_default(),
            });
        }
        subscriptions
    }

    /// The topics that a member reads and that exist, with their sizes.
    fn topic_ids_of(&self, member: &Member, topics: &Topics) -> Vec<(Uuid, i32)> {
        let names = self.topics_of(member);
        let known = names.iter().filter_map(|name| topics.named(name));
        known.map(|topic| (topic.id, topic.partitions)).collect()
    }

    pub(super) fn ids_read_by(&self, member: &Member, topics: &Topics) -> BTreeSet<Uuid> {
        let ids = self.topic_ids_of(member, topics).into_iter();
        ids.map(|(id, _)| id).collect()
    }
}
