//! What is written of a share group (KIP-932), one thing at a time.

use std::sync::Arc;

use bytes::Bytes;
use limpid_protocol::messages::{
    GroupRecordKind, ShareGroupCurrentMemberAssignmentKey, ShareGroupCurrentMemberAssignmentValue,
    ShareGroupMemberMetadataKey, ShareGroupMemberMetadataValue, ShareGroupMetadataKey,
    ShareGroupMetadataValue, ShareGroupStatePartitionMetadataKey,
    ShareGroupStatePartitionMetadataValue, ShareGroupTargetAssignmentMemberKey,
    ShareGroupTargetAssignmentMemberValue, ShareGroupTargetAssignmentMetadataKey,
    ShareGroupTargetAssignmentMetadataValue,
};
use limpid_protocol::{Message, Reader};

use super::{Encoded, RecordError, keyed, versioned};

/// One change of a group; without a value the thing is gone.
#[derive(Debug, Clone, PartialEq)]
pub enum ShareChange {
    /// The group's epoch.
    Group(Option<ShareGroupMetadataValue>),
    /// What a member told about itself.
    Member(Arc<str>, Option<ShareGroupMemberMetadataValue>),
    /// The epoch of the assignment.
    TargetEpoch(Option<ShareGroupTargetAssignmentMetadataValue>),
    /// What a member is to have.
    Target(Arc<str>, Option<ShareGroupTargetAssignmentMemberValue>),
    /// What a member has.
    Current(Arc<str>, Option<ShareGroupCurrentMemberAssignmentValue>),
    /// The partitions whose state is kept for the group.
    Kept(Option<ShareGroupStatePartitionMetadataValue>),
}

impl ShareChange {
    pub(super) fn encode(&self, group: &str) -> Result<Encoded, RecordError> {
        let group_id = group.to_owned();
        let id = |member: &Arc<str>| member.to_string();
        match self {
            Self::Group(value) => {
                let kind = GroupRecordKind::ShareGroupMetadata;
                keyed(kind, &ShareGroupMetadataKey { group_id }, value.as_ref())
            }
            Self::Member(member, value) => {
                let kind = GroupRecordKind::ShareGroupMemberMetadata;
                let key = ShareGroupMemberMetadataKey {
                    group_id,
                    member_id: id(member),
                };
                keyed(kind, &key, value.as_ref())
            }
            Self::TargetEpoch(value) => {
                let kind = GroupRecordKind::ShareGroupTargetAssignmentMetadata;
                let key = ShareGroupTargetAssignmentMetadataKey { group_id };
                keyed(kind, &key, value.as_ref())
            }
            Self::Target(member, value) => {
                let kind = GroupRecordKind::ShareGroupTargetAssignmentMember;
                let key = ShareGroupTargetAssignmentMemberKey {
                    group_id,
                    member_id: id(member),
                };
                keyed(kind, &key, value.as_ref())
            }
            Self::Current(member, value) => {
                let kind = GroupRecordKind::ShareGroupCurrentMemberAssignment;
                let key = ShareGroupCurrentMemberAssignmentKey {
                    group_id,
                    member_id: id(member),
                };
                keyed(kind, &key, value.as_ref())
            }
            Self::Kept(value) => {
                let kind = GroupRecordKind::ShareGroupStatePartitionMetadata;
                let key = ShareGroupStatePartitionMetadataKey { group_id };
                keyed(kind, &key, value.as_ref())
            }
        }
    }

    /// The group and the change; `None` for records of other kinds.
    pub(super) fn decode(
        kind: GroupRecordKind,
        key: &mut Reader,
        value: Option<Bytes>,
    ) -> Result<Option<(Arc<str>, Self)>, RecordError> {
        let (group, change) = match kind {
            GroupRecordKind::ShareGroupMetadata => {
                let key = ShareGroupMetadataKey::decode(key, 0)?;
                (key.group_id, Self::Group(versioned(value)?))
            }
            GroupRecordKind::ShareGroupMemberMetadata => {
                let key = ShareGroupMemberMetadataKey::decode(key, 0)?;
                let member = key.member_id.into();
                (key.group_id, Self::Member(member, versioned(value)?))
            }
            GroupRecordKind::ShareGroupTargetAssignmentMetadata => {
                let key = ShareGroupTargetAssignmentMetadataKey::decode(key, 0)?;
                (key.group_id, Self::TargetEpoch(versioned(value)?))
            }
            GroupRecordKind::ShareGroupTargetAssignmentMember => {
                let key = ShareGroupTargetAssignmentMemberKey::decode(key, 0)?;
                let member = key.member_id.into();
                (key.group_id, Self::Target(member, versioned(value)?))
            }
            GroupRecordKind::ShareGroupCurrentMemberAssignment => {
                let key = ShareGroupCurrentMemberAssignmentKey::decode(key, 0)?;
                let member = key.member_id.into();
                (key.group_id, Self::Current(member, versioned(value)?))
            }
            GroupRecordKind::ShareGroupStatePartitionMetadata => {
                let key = ShareGroupStatePartitionMetadataKey::decode(key, 0)?;
                (key.group_id, Self::Kept(versioned(value)?))
            }
            _ => return Ok(None),
        };
        Ok(Some((group.into(), change)))
    }
}
