//! Bugs planted on purpose. Only a build with the feature `sabotage` has them, and of those it has
//! the one that `SABOTAGE` names; tests/interop proves with each that its checker finds it.

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Produce is answered before the batch is appended.
    AckBeforeAppend,
    /// A restart forgets which batches producers sent last.
    ForgetProducers,
    /// A restart cuts the last batch of a log off.
    CutTail,
    /// Sequence numbers are not looked at, and now and then a batch has to be sent again.
    IgnoreSequences,
    /// Readers of committed records get everything.
    ReadPastStable,
    /// Now and then partition 1 is told that a committed transaction is aborted.
    TearTransactions,
    /// Offsets are acknowledged and not written.
    ForgetOffsets,
    /// Offsets that belong to a transaction are acknowledged and forgotten.
    ForgetTransactionalOffsets,
    /// A producer that was replaced is told that its transaction is committed.
    PraiseZombies,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::AckBeforeAppend,
        Self::ForgetProducers,
        Self::CutTail,
        Self::IgnoreSequences,
        Self::ReadPastStable,
        Self::TearTransactions,
        Self::ForgetOffsets,
        Self::ForgetTransactionalOffsets,
        Self::PraiseZombies,
    ];

    /// Whether this build has the bug.
    #[cfg(feature = "sabotage")]
    #[must_use]
    pub fn is_planted(self) -> bool {
        static CHOSEN: std::sync::OnceLock<Option<Bug>> = std::sync::OnceLock::new();
        let choose = || {
            let name = std::env::var("SABOTAGE").ok()?;
            Self::ALL.into_iter().find(|bug| format!("{bug:?}") == name)
        };
        *CHOSEN.get_or_init(choose) == Some(self)
    }

    /// Whether this build has the bug: no.
    #[cfg(not(feature = "sabotage"))]
    #[must_use]
    pub const fn is_planted(self) -> bool {
        false
    }
}
