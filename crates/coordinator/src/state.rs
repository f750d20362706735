//! The states of a group.

/// Kafka's states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// No members; offsets may remain.
    #[default]
    Empty,
    /// Waiting for members to join.
    PreparingRebalance,
    /// Waiting for the leader's assignment.
    CompletingRebalance,
    /// The coordinator has not assigned yet what changed (consumer groups).
    Assigning,
    /// Members are on their way to a new assignment (consumer groups).
    Reconciling,
    /// Every member has its assignment.
    Stable,
    /// There is no such group (any more).
    Dead,
}

impl State {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Empty,
        Self::PreparingRebalance,
        Self::CompletingRebalance,
        Self::Assigning,
        Self::Reconciling,
        Self::Stable,
        Self::Dead,
    ];

    /// Kafka's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }

    /// Whether a classic group may go from this state to `next`.
    pub(crate) fn leads_to(self, next: Self) -> bool {
        use State::{
            Assigning, CompletingRebalance, Dead, Empty, PreparingRebalance, Reconciling, Stable,
        };
        match next {
            Empty | CompletingRebalance => self == PreparingRebalance,
            PreparingRebalance => matches!(self, Stable | CompletingRebalance | Empty),
            Stable => self == CompletingRebalance,
            Assigning | Reconciling => false,
            Dead => true,
        }
    }
}
