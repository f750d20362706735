//! Committing and fetching offsets.

use std::sync::Arc;

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::offset_commit_request::OffsetCommitRequest;
use limpid_protocol::messages::offset_commit_response::OffsetCommitResponseTopic;

use super::Coordinator;
use crate::after::{After, OffsetsAfter};
use crate::commit_kind::CommitKind;
use crate::group::{Kind, commit_records};
use crate::limits::Now;
use crate::offsets::{ByPartition, Committed};
use crate::out::Out;

/// Version from which a missing group is called that.
const GROUP_NOT_FOUND_VERSION: i16 = 9;

impl Coordinator {
    /// OffsetCommit. Its topics carry names (and ids, if those are known) in all versions. The
    /// answer holds if the records get written.
    ///
    /// # Errors
    /// The whole commit is refused.
    pub fn commit(
        &mut self,
        now: Now,
        request: OffsetCommitRequest,
        version: i16,
        out: &mut Out,
    ) -> Result<Vec<OffsetCommitResponseTopic>, ErrorCode> {
        let id: Arc<str> = match self.turn(&request.group_id, now, out) {
            Some((group, mut turn)) => {
                group.check_commit(&request, CommitKind::Plain { version })?;
                group.commit_keeps_alive(&mut turn, &request.member_id);
                Arc::clone(&group.id)
            }
            // A group that only commits comes into being with its first offset.
            None if request.generation_id_or_member_epoch < 0 => request.group_id.as_str().into(),
            None if version >= GROUP_NOT_FOUND_VERSION => return Err(ErrorCode::GroupIdNotFound),
            None => return Err(ErrorCode::IllegalGeneration),
        };
        let (records, answer) = commit_records(&id, request, now.wall_ms, &self.limits);
        if !records.is_empty() {
            let after = OffsetsAfter::Commit(id);
            out.write(records, After::Offsets(after));
        }
        Ok(answer)
    }

    /// Whether a member may fetch offsets of a group. Tools and older clients name no member, and
    /// only consumer groups care.
    ///
    /// # Errors
    /// It is not in the group, or not where it thinks it is.
    pub fn check_fetch(
        &self,
        group: &str,
        member: Option<&str>,
        epoch: i32,
    ) -> Result<(), ErrorCode> {
        match self.groups.get(group).map(|g| &g.kind) {
            Some(Kind::Consumer(consumer)) => consumer.check_fetch(member, epoch),
            Some(Kind::Share(_)) => Err(ErrorCode::GroupIdNotFound),
            Some(Kind::Classic) | None => Ok(()),
        }
    }

    /// One offset, for OffsetFetch.
    pub fn offset(&self, group: &str, topic: &str, partition: i32) -> Option<&Committed> {
        self.groups.get(group)?.offsets.get(topic, partition)
    }

    /// All offsets of a group, for OffsetFetch.
    pub fn offsets(&self, group: &str) -> Option<&ByPartition> {
        self.groups.get(group).map(|g| &g.offsets.0)
    }
}
