//! The two ways to commit an offset.

/// How an offset is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommitKind {
    /// OffsetCommit, in this version.
    Plain {
        /// The request's.
        version: i16,
    },
    /// TxnOffsetCommit: it counts when the transaction does.
    InTransaction,
}
