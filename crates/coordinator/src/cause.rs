//! Why a rebalance began.

/// What made the members of a group give up their partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A new member came.
    MemberJoined,
    /// A member left on its own, or an administrator removed it.
    MemberLeft,
    /// A member was silent for longer than its session.
    SessionExpired,
    /// A member did not take part within the rebalance timeout.
    RebalanceTimeout,
    /// A member joined again with another subscription.
    SubscriptionChanged,
    /// The leader joined again, as it does when the partitions of a topic changed.
    LeaderRejoined,
    /// A static member came back under a new id at a moment when that is not harmless.
    StaticMemberReplaced,
    /// After a restart the group was larger than `group.max.size`.
    OverCapacity,
    /// The assignment could not be stored.
    StorageError,
    /// Topics that the group reads came, went or grew.
    TopicsChanged,
    /// The group is of another type now.
    TypeChanged,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 11] = [
        Self::MemberJoined,
        Self::MemberLeft,
        Self::SessionExpired,
        Self::RebalanceTimeout,
        Self::SubscriptionChanged,
        Self::LeaderRejoined,
        Self::StaticMemberReplaced,
        Self::OverCapacity,
        Self::StorageError,
        Self::TopicsChanged,
        Self::TypeChanged,
    ];

    /// The value of the metric's label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MemberJoined => "member_joined",
            Self::MemberLeft => "member_left",
            Self::SessionExpired => "session_expired",
            Self::RebalanceTimeout => "rebalance_timeout",
            Self::SubscriptionChanged => "subscription_changed",
            Self::LeaderRejoined => "leader_rejoined",
            Self::StaticMemberReplaced => "static_member_replaced",
            Self::OverCapacity => "over_capacity",
            Self::StorageError => "storage_error",
            Self::TopicsChanged => "topics_changed",
            Self::TypeChanged => "type_changed",
        }
    }
}
