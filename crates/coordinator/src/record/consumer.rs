//! What is written of a consumer group (KIP-848), one thing at a time.

use std::sync::Arc;

use bytes::Bytes;
use limpid_protocol::messages::{
    ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue, ConsumerGroupMetadataKey,
    ConsumerGroupMetadataValue, ConsumerGroupPartitionMetadataKey,
    ConsumerGroupPartitionMetadataValue, ConsumerGroupRegularExpressionKey,
    ConsumerGroupRegularExpressionValue, ConsumerGroupTargetAssignmentMemberKey,
    ConsumerGroupTargetAssignmentMemberValue, ConsumerGroupTargetAssignmentMetadataKey,
    ConsumerGroupTargetAssignmentMetadataValue, GroupRecordKind,
};
use limpid_protocol::{Message, Reader};

use super::{Encoded, RecordError, keyed, versioned};

/// One change of a group; without a value the thing is gone.
#[derive(Debug, Clone, PartialEq)]
pub enum ConsumerChange {
    /// The group's epoch.
    Group(Option<ConsumerGroupMetadataValue>),
    /// The partitions of its topics, as Kafka 4.0 wrote them. Later ones keep a hash instead.
    PartitionMetadata(Option<ConsumerGroupPartitionMetadataValue>),
    /// What a member told about itself.
    Member(Arc<str>, Option<Box<ConsumerGroupMemberMetadataValue>>),
    /// The epoch of the assignment.
    TargetEpoch(Option<ConsumerGroupTargetAssignmentMetadataValue>),
    /// What a member is to have.
    Target(Arc<str>, Option<ConsumerGroupTargetAssignmentMemberValue>),
    /// What a member has.
    Current(Arc<str>, Option<ConsumerGroupCurrentMemberAssignmentValue>),
    /// The topics that a pattern matches.
    Regex(Arc<str>, Option<ConsumerGroupRegularExpressionValue>),
}

impl ConsumerChange {
    pub(super) fn encode(&self, group: &str) -> Result<Encoded, RecordError> {
        let group = group.to_owned();
        let id = |member: &Arc<str>| member.to_string();
        match self {
            Self::Group(value) => {
                let kind = GroupRecordKind::ConsumerGroupMetadata;
                let key = ConsumerGroupMetadataKey { group_id: group };
                keyed(kind, &key, value.as_ref())
            }
            Self::PartitionMetadata(value) => {
                let kind = GroupRecordKind::ConsumerGroupPartitionMetadata;
                let key = ConsumerGroupPartitionMetadataKey { group_id: group };
                keyed(kind, &key, value.as_ref())
            }
            Self::Member(member, value) => {
                let kind = GroupRecordKind::ConsumerGroupMemberMetadata;
                let key = ConsumerGroupMemberMetadataKey {
                    group_id: group,
                    member_id: id(member),
                };
                keyed(kind, &key, value.as_deref())
            }
            Self::TargetEpoch(value) => {
                let kind = GroupRecordKind::ConsumerGroupTargetAssignmentMetadata;
                let key = ConsumerGroupTargetAssignmentMetadataKey { group_id: group };
                keyed(kind, &key, value.as_ref())
            }
            Self::Target(member, value) => {
                let kind = GroupRecordKind::ConsumerGroupTargetAssignmentMember;
                let key = ConsumerGroupTargetAssignmentMemberKey {
                    group_id: group,
                    member_id: id(member),
                };
                keyed(kind, &key, value.as_ref())
            }
            Self::Current(member, value) => {
                let kind = GroupRecordKind::ConsumerGroupCurrentMemberAssignment;
                let key = ConsumerGroupCurrentMemberAssignmentKey {
                    group_id: group,
                    member_id: id(member),
                };
                keyed(kind, &key, value.as_ref())
            }
            Self::Regex(regex, value) => {
                let kind = GroupRecordKind::ConsumerGroupRegularExpression;
                let key = ConsumerGroupRegularExpressionKey {
                    group_id: group,
                    regular_expression: regex.to_string(),
                };
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
            GroupRecordKind::ConsumerGroupMetadata => {
                let key = ConsumerGroupMetadataKey::decode(key, 0)?;
                (key.group_id, Self::Group(versioned(value)?))
            }
            GroupRecordKind::ConsumerGroupPartitionMetadata => {
                let key = ConsumerGroupPartitionMetadataKey::decode(key, 0)?;
                (key.group_id, Self::PartitionMetadata(versioned(value)?))
            }
            GroupRecordKind::ConsumerGroupMemberMetadata => {
                let key = ConsumerGroupMemberMetadataKey::decode(key, 0)?;
                let value = versioned(value)?.map(Box::new);
                (key.group_id, Self::Member(key.member_id.into(), value))
            }
            GroupRecordKind::ConsumerGroupTargetAssignmentMetadata => {
                let key = ConsumerGroupTargetAssignmentMetadataKey::decode(key, 0)?;
                (key.group_id, Self::TargetEpoch(versioned(value)?))
            }
            GroupRecordKind::ConsumerGroupTargetAssignmentMember => {
                let key = ConsumerGroupTargetAssignmentMemberKey::decode(key, 0)?;
                let member = key.member_id.into();
                (key.group_id, Self::Target(member, versioned(value)?))
            }
            GroupRecordKind::ConsumerGroupCurrentMemberAssignment => {
                let key = ConsumerGroupCurrentMemberAssignmentKey::decode(key, 0)?;
                let member = key.member_id.into();
                (key.group_id, Self::Current(member, versioned(value)?))
            }
            GroupRecordKind::ConsumerGroupRegularExpression => {
                let key = ConsumerGroupRegularExpressionKey::decode(key, 0)?;
                let regex = key.regular_expression.into();
                (key.group_id, Self::Regex(regex, versioned(value)?))
            }
            _ => return Ok(None),
        };
        Ok(Some((group.into(), change)))
    }
}
