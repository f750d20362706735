//! Who may commit and fetch offsets: members in the right epoch.

use limpid_protocol::messages::offset_commit_request::OffsetCommitRequest;
use limpid_protocol::{ErrorCode, Uuid};

use super::{ConsumerGroup, Member};
use crate::commit_kind::CommitKind;

/// Version from which OffsetCommit knows epochs of members.
const EPOCH_VERSION: i16 = 9;

impl ConsumerGroup {
    /// Whether this commit is to be accepted.
    ///
    /// # Errors
    /// A member that is not in the group, or not where it thinks it is.
    pub(crate) fn check_commit(
        &self,
        request: &OffsetCommitRequest,
        kind: CommitKind,
    ) -> Result<(), ErrorCode> {
        let epoch = request.generation_id_or_member_epoch;
        let is_nobody = request.member_id.is_empty() && request.group_instance_id.is_none();
        if kind == CommitKind::InTransaction && epoch < 0 && is_nobody {
            // Older producers can't say who they are.
            return Ok(());
        }
        if epoch < 0 && self.members.is_empty() {
            // A tool, or a consumer that assigns its partitions itself.
            return Ok(());
        }
        let member = self.members.get(&*request.member_id);
        let member = member.ok_or(ErrorCode::UnknownMemberId)?;
        if member.classic.is_some() {
            return match epoch == member.epoch {
                true => Ok(()),
                false => Err(ErrorCode::IllegalGeneration),
            };
        }
        if matches!(kind, CommitKind::Plain { version } if version < EPOCH_VERSION) {
            return Err(ErrorCode::UnsupportedVersion);
        }
        if epoch == member.epoch {
            return Ok(());
        }
        // A member that has not heard of its new epoch may commit what it had all the while.
        let topics = request.topics.iter();
        let mut partitions = topics.flat_map(|topic| {
            let indexes = topic.partitions.iter().map(|p| p.partition_index);
            indexes.map(|index| (topic.topic_id, index))
        });
        let had = |(topic, partition)| {
            let since = member.assigned_since(topic, partition);
            since.is_some_and(|since| since <= epoch)
        };
        match epoch < member.epoch && partitions.all(had) {
            true => Ok(()),
            false => Err(ErrorCode::StaleMemberEpoch),
        }
    }

    /// Whether this member may fetch offsets; tools name none.
    ///
    /// # Errors
    /// A member that is not in the group, or not where it thinks it is.
    pub(crate) fn check_fetch(&self, member: Option<&str>, epoch: i32) -> Result<(), ErrorCode> {
        let Some(id) = member else {
            return match epoch < 0 {
                true => Ok(()),
                false => Err(ErrorCode::UnknownMemberId),
            };
        };
        let member = self.members.get(id).ok_or(ErrorCode::UnknownMemberId)?;
        match (epoch == member.epoch, member.classic.is_some()) {
            (true, _) => Ok(()),
            (false, true) => Err(ErrorCode::IllegalGeneration),
            (false, false) => Err(ErrorCode::StaleMemberEpoch),
        }
    }
}

impl Member {
    /// The epoch in which it was given a partition that it has, or is to give up.
    fn assigned_since(&self, topic: Uuid, partition: i32) -> Option<i32> {
        let mut both = [&self.assigned, &self.revoking].into_iter();
        both.find_map(|owned| owned.get(&topic)?.get(&partition).copied())
    }
}
