//! Appending to transactions, and ending them.

use std::sync::Arc;

use limpid_protocol::records::BatchHeader;

use super::{PartitionLog, State};
use crate::api::{AppendBytes, AppendInfo, AppendMeta, TxnPermit};
use crate::error::AppendError;
use crate::producers::Wanted;

/// What has to hold for an append beside its sequence numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Terms {
    /// Nothing.
    None,
    /// A transaction is continued, or begun with a permit.
    Transaction(Option<TxnPermit>),
    /// It is a marker of this version of transactions.
    Marker(i16),
}

/// The version of transactions whose markers have an epoch of their own.
const EPOCH_BUMP: i16 = 2;

impl PartitionLog {
    /// To be called before the coordinator is asked whether the partition is part of a
    /// transaction: `None` if the transaction is open here already and nobody needs to be asked,
    /// else what [`PartitionLog::append_in_transaction`] wants to see. `raises_epoch` says that
    /// the producer speaks the second version of transactions.
    ///
    /// # Errors
    /// [`AppendError::InvalidProducerEpoch`] if the producer has been replaced.
    pub fn permit_transaction(
        &self,
        (producer_id, epoch): (i64, i16),
        base_sequence: i32,
        raises_epoch: bool,
    ) -> Result<Option<TxnPermit>, AppendError> {
        let now_ms = self.shared.clock.wall_ms();
        let wanted = Wanted {
            producer_id,
            epoch,
            base_sequence,
            raises_epoch,
        };
        self.state.lock().producers.permit(wanted, now_ms)
    }

    /// [`PartitionLog::append`] for batches of a transaction: one that is not open here is begun
    /// only with a permit that no marker has made void since.
    ///
    /// # Errors
    /// As [`PartitionLog::append`], and [`AppendError::NotInTransaction`].
    pub fn append_in_transaction<'a>(
        self: &Arc<Self>,
        batches: impl Into<AppendBytes<'a>>,
        meta: &AppendMeta,
        permit: Option<TxnPermit>,
    ) -> Result<AppendInfo, AppendError> {
        self.append_on(batches.into(), meta, Terms::Transaction(permit))
    }

    /// [`PartitionLog::append`] for the marker that ends a transaction. From version 2 on its
    /// epoch must be higher than any that the producer wrote with.
    ///
    /// # Errors
    /// As [`PartitionLog::append`]. [`AppendError::InvalidProducerEpoch`] also says that the
    /// marker is there already.
    pub fn append_marker(
        self: &Arc<Self>,
        marker: &[u8],
        meta: &AppendMeta,
        transaction_version: i16,
    ) -> Result<AppendInfo, AppendError> {
        self.append_on(marker.into(), meta, Terms::Marker(transaction_version))
    }

    /// Whether a transaction has been open for longer than `longest_ms` (by the time of its
    /// producer's last batch): its coordinator should have ended it by then.
    #[must_use]
    pub fn has_late_transaction(&self, longest_ms: i64) -> bool {
        let before_ms = self.shared.clock.wall_ms().saturating_sub(longest_ms);
        self.state.lock().producers.has_open_since(before_ms)
    }
}

impl Terms {
    /// Checks a batch against the state as it was before the append.
    pub(super) fn check(self, state: &State, header: &BatchHeader) -> Result<(), AppendError> {
        let producers = &state.producers;
        match self {
            Self::Transaction(permit) if header.attributes.is_transactional() => {
                producers.check_permit(header, permit)
            }
            Self::Marker(version) if version >= EPOCH_BUMP => producers.check_higher_epoch(header),
            _ => Ok(()),
        }
    }
}
