//! One member of a consumer group.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use limpid_protocol::Uuid;
use limpid_protocol::messages::consumer_group_current_member_assignment_value::TopicPartitions;
use limpid_protocol::messages::consumer_group_member_metadata_value::ClassicMemberMetadata;
use limpid_protocol::messages::{
    ConsumerGroupCurrentMemberAssignmentValue, ConsumerGroupMemberMetadataValue,
};

/// The epoch of a member that left for good.
pub(crate) const LEFT: i32 = -1;
/// The epoch of a static member that left and will come back.
pub(crate) const LEFT_FOR_NOW: i32 = -2;
/// How long members may take that never said so.
const REBALANCE_TIMEOUT_UNKNOWN: i32 = -1;

/// Partitions, each with the epoch in which it was assigned.
pub(crate) type Owned = BTreeMap<Uuid, BTreeMap<i32, i32>>;

/// Where a member is on its way to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberState {
    /// It has what it was last asked to have.
    Stable,
    /// It was asked to give partitions up and has not done so.
    Unrevoked,
    /// It waits for partitions that others have not given up.
    Unreleased,
    /// Written by a version that knows more states.
    Unknown,
}

impl MemberState {
    const fn code(self) -> i8 {
        match self {
            Self::Stable => 0,
            Self::Unrevoked => 1,
            Self::Unreleased => 2,
            Self::Unknown => 127,
        }
    }

    const fn from_code(code: i8) -> Self {
        match code {
            0 => Self::Stable,
            1 => Self::Unrevoked,
            2 => Self::Unreleased,
            _ => Self::Unknown,
        }
    }
}

/// A member.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) id: Arc<str>,
    pub(crate) instance_id: Option<String>,
    pub(crate) rack_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) topics: BTreeSet<String>,
    /// A pattern of topics, never empty.
    pub(crate) regex: Option<Arc<str>>,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) assignor: Option<String>,
    /// What it told in its JoinGroup, if it speaks the classic protocol.
    pub(crate) classic: Option<ClassicMemberMetadata>,
    pub(crate) epoch: i32,
    pub(crate) previous_epoch: i32,
    pub(crate) state: MemberState,
    pub(crate) assigned: Owned,
    /// Partitions that it must give up.
    pub(crate) revoking: Owned,
}

impl Member {
    pub(crate) fn new(id: Arc<str>) -> Self {
        Self {
            id,
            instance_id: None,
            rack_id: None,
            client_id: String::new(),
            client_host: String::new(),
            topics: BTreeSet::new(),
            regex: None,
            rebalance_timeout_ms: REBALANCE_TIMEOUT_UNKNOWN,
            assignor: None,
            classic: None,
            epoch: 0,
            previous_epoch: 0,
            state: MemberState::Stable,
            assigned: Owned::new(),
            revoking: Owned::new(),
        }
    }

    /// Whether it has all of the assignment of this epoch, and nothing else.
    pub(crate) fn is_at(&self, epoch: i32) -> bool {
        self.state == MemberState::Stable && self.epoch == epoch
    }

    /// The next epoch; a member whose answer got lost still comes with the one before.
    pub(crate) fn advance(&mut self, epoch: i32) {
        self.previous_epoch = self.epoch;
        self.epoch = epoch;
    }

    /// Takes over what is written about its subscription.
    pub(crate) fn set_metadata(&mut self, value: &ConsumerGroupMemberMetadataValue) {
        self.instance_id = value.instance_id.clone();
        self.rack_id = value.rack_id.clone();
        self.client_id.clone_from(&value.client_id);
        self.client_host.clone_from(&value.client_host);
        self.topics = value.subscribed_topic_names.iter().cloned().collect();
        let regex = value.subscribed_topic_regex.as_deref();
        self.regex = regex.filter(|r| !r.is_empty()).map(Arc::from);
        self.rebalance_timeout_ms = value.rebalance_timeout_ms;
        self.assignor = value.server_assignor.clone();
        self.classic = value.classic_member_metadata.clone();
    }

    pub(crate) fn metadata(&self) -> ConsumerGroupMemberMetadataValue {
        ConsumerGroupMemberMetadataValue {
            instance_id: self.instance_id.clone(),
            rack_id: self.rack_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            subscribed_topic_names: self.topics.iter().cloned().collect(),
            // Kafka writes an empty string for none.
            subscribed_topic_regex: Some(self.regex.as_deref().unwrap_or_default().to_owned()),
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            server_assignor: self.assignor.clone(),
            classic_member_metadata: self.classic.clone(),
        }
    }

    /// Takes over what is written about its partitions.
    pub(crate) fn set_current(&mut self, value: &ConsumerGroupCurrentMemberAssignmentValue) {
        self.epoch = value.member_epoch;
        self.previous_epoch = value.previous_member_epoch;
        self.state = MemberState::from_code(value.state);
        self.assigned = owned(&value.assigned_partitions, value.member_epoch);
        self.revoking = owned(&value.partitions_pending_revocation, value.member_epoch);
    }

    pub(crate) fn current(&self) -> ConsumerGroupCurrentMemberAssignmentValue {
        ConsumerGroupCurrentMemberAssignmentValue {
            member_epoch: self.epoch,
            previous_member_epoch: self.previous_epoch,
            state: self.state.code(),
            assigned_partitions: written(&self.assigned),
            partitions_pending_revocation: written(&self.revoking),
        }
    }

    /// Its partitions are somebody else's business now.
    pub(crate) fn set_left(&mut self) {
        self.epoch = LEFT;
        self.previous_epoch = LEFT;
        self.state = MemberState::Stable;
        self.assigned.clear();
        self.revoking.clear();
    }
}

fn owned(topics: &[TopicPartitions], member_epoch: i32) -> Owned {
    let partitions = |topic: &TopicPartitions| {
        let epochs = topic.assignment_epochs.as_deref().unwrap_or_default();
        // Kafka before 4.3 wrote no epochs: the member's is the highest that it can be.
        let epochs = epochs
            .iter()
            .copied()
            .chain(std::iter::repeat(member_epoch));
        topic.partitions.iter().copied().zip(epochs).collect()
    };
    let topics = topics.iter().filter(|topic| !topic.partitions.is_empty());
    topics
        .map(|topic| (topic.topic_id, partitions(topic)))
        .collect()
}

fn written(owned: &Owned) -> Vec<TopicPartitions> {
    let topics = owned.iter().map(|(topic, partitions)| TopicPartitions {
        topic_id: *topic,
        partitions: partitions.keys().copied().collect(),
        assignment_epochs: Some(partitions.values().copied().collect()),
    });
    topics.collect()
}
