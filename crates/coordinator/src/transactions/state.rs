//! The states of a transaction.

/// Kafka's states, with its numbers in records. The two that it never writes down ("Dead", while
/// an id expires, and "PrepareEpochFence", while an epoch is raised) don't exist here: a change is
/// made in one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
pub enum TxnState {
    /// The producer is known and has not begun.
    #[default]
    Empty = 0,
    /// Partitions are part of it.
    Ongoing = 1,
    /// It is committed; markers are on their way.
    PrepareCommit = 2,
    /// It is aborted; markers are on their way.
    PrepareAbort = 3,
    /// It is committed everywhere.
    CompleteCommit = 4,
    /// It is aborted everywhere.
    CompleteAbort = 5,
}

impl TxnState {
    /// All states.
    pub const ALL: [Self; 6] = [
        Self::Empty,
        Self::Ongoing,
        Self::PrepareCommit,
        Self::PrepareAbort,
        Self::CompleteCommit,
        Self::CompleteAbort,
    ];

    /// Kafka's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Ongoing => "Ongoing",
            Self::PrepareCommit => "PrepareCommit",
            Self::PrepareAbort => "PrepareAbort",
            Self::CompleteCommit => "CompleteCommit",
            Self::CompleteAbort => "CompleteAbort",
        }
    }

    /// The number in records.
    pub(crate) const fn code(self) -> i8 {
        self as i8
    }

    pub(crate) fn from_code(code: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Decided, and not yet marked everywhere.
    pub fn is_prepared(self) -> bool {
        matches!(self, Self::PrepareCommit | Self::PrepareAbort)
    }

    /// Whether a transaction may go from this state to `next`.
    pub(crate) fn leads_to(self, next: Self) -> bool {
        let at_rest = matches!(
            self,
            Self::Empty | Self::CompleteCommit | Self::CompleteAbort
        );
        match next {
            Self::Empty => at_rest,
            Self::Ongoing => at_rest || self == Self::Ongoing,
            Self::PrepareCommit => self == Self::Ongoing,
            // A client of the second protocol may abort when it does not know whether it began.
            Self::PrepareAbort => at_rest || self == Self::Ongoing,
            Self::CompleteCommit => self == Self::PrepareCommit,
            Self::CompleteAbort => self == Self::PrepareAbort,
        }
    }
}
