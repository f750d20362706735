//! The group's epoch, and the target assignment that follows from it.

use std::collections::BTreeSet;

use limpid_protocol::Uuid;
use limpid_protocol::messages::{ShareGroupMetadataValue, ShareGroupTargetAssignmentMetadataValue};

use super::ShareGroup;
use super::assign::{self, Reader};
use super::step::Step;
use crate::cause::Cause;
use crate::consumer;
use crate::record::ShareChange;
use crate::topics::Topics;

impl Step<'_> {
    /// Raises the group's epoch if `cause` says so, or if the topics are not what they were.
    pub(super) fn follow_topics(&mut self, mut cause: Option<Cause>) {
        let seen = self.group.topics_version == self.topics.version;
        if seen && cause.is_none() {
            return;
        }
        self.group.topics_version = self.topics.version;
        let hash = consumer::hash_of(&self.group.topics(), self.topics);
        if hash != self.group.metadata_hash {
            cause = cause.or(Some(Cause::TopicsChanged));
        }
        if let Some(cause) = cause {
            self.change(ShareChange::Group(Some(ShareGroupMetadataValue {
                epoch: self.group.epoch.saturating_add(1),
                metadata_hash: hash,
            })));
            self.cause = Some(cause);
        }
    }

    /// Whether some partition could be assigned that nobody has.
    pub(super) fn has_unassigned(&self) -> bool {
        let group = &self.group;
        if group.epoch > group.assignment_epoch {
            return false;
        }
        let can_be = group.assignable(&group.topics(), self.topics);
        let assigned: BTreeSet<(Uuid, i32)> = group
            .targets
            .values()
            .flatten()
            .flat_map(|(id, partitions)| partitions.iter().map(|p| (*id, *p)))
            .collect();
        can_be.iter().any(|one| !assigned.contains(one))
    }

    /// Computes a new target if there is something new, but not more often than the group wants.
    pub(super) fn update_target(&mut self) {
        if self.group.epoch <= self.group.assignment_epoch || !self.is_assignment_due() {
            return;
        }
        let assigned = assign::assign(&self.group.readers(self.topics));
        for (member, partitions) in &assigned {
            if self.group.targets.get(member) != Some(partitions) {
                self.set_target(member, partitions);
            }
        }
        self.change(ShareChange::TargetEpoch(Some(
            ShareGroupTargetAssignmentMetadataValue {
                assignment_epoch: self.group.epoch,
                assignment_timestamp: self.now.wall_ms,
            },
        )));
    }

    fn is_assignment_due(&self) -> bool {
        let interval_ms = self.limits.share_of(&self.id).assignment_interval_ms;
        let since_ms = self.now.wall_ms.saturating_sub(self.group.assigned_at_ms);
        // A clock that was set back must not stop a group.
        since_ms >= i64::from(interval_ms) || since_ms < 0
    }
}

impl ShareGroup {
    /// Partitions of these topics that exist and whose state is kept.
    fn assignable(&self, names: &BTreeSet<String>, topics: &Topics) -> BTreeSet<(Uuid, i32)> {
        let known = names.iter().filter_map(|name| topics.named(name));
        let kept = known.flat_map(|topic| {
            let kept = self.kept.initialized.get(&topic.id);
            let kept = kept.into_iter().flat_map(|part| &part.partitions);
            let exists = kept.filter(move |p| **p < topic.partitions);
            exists.map(move |p| (topic.id, *p)).collect::<Vec<_>>()
        });
        kept.collect()
    }

    fn readers(&self, topics: &Topics) -> Vec<Reader> {
        let members = self.members.values().map(|member| Reader {
            id: std::sync::Arc::clone(&member.id),
            partitions: self.assignable(&member.topics, topics),
            before: self.targets.get(&member.id).cloned().unwrap_or_default(),
        });
        members.collect()
    }
}
