//! How far a partition of a coordinator's topic is.

use limpid_protocol::ErrorCode;
use limpid_storage::PartitionLog;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It has to be read.
    Unread,
    /// Somebody reads it.
    Loading,
    /// It was read.
    Ready,
    /// It could not be read, or it is not ours any more.
    Closed,
}

impl Phase {
    /// Of a partition that nobody looked at yet.
    pub fn at_first(log: &PartitionLog) -> Self {
        match log.log_start_offset() == log.log_end_offset() {
            true => Self::Ready,
            false => Self::Unread,
        }
    }

    /// True once, for the one who is to read it.
    pub fn claim(&mut self) -> bool {
        let is_unread = *self == Self::Unread;
        if is_unread {
            *self = Self::Loading;
        }
        is_unread
    }

    /// It is not read to its end yet.
    pub fn is_loading(self) -> bool {
        matches!(self, Self::Unread | Self::Loading)
    }

    /// What clients are told.
    ///
    /// # Errors
    /// COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR.
    pub fn check(self) -> Result<(), ErrorCode> {
        match self {
            Self::Ready => Ok(()),
            Self::Unread | Self::Loading => Err(ErrorCode::CoordinatorLoadInProgress),
            Self::Closed => Err(ErrorCode::NotCoordinator),
        }
    }
}
