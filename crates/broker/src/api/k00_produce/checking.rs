//! Checking a batch, which waits for a turn once it turns out to be long.

use limpid_config::TopicConfig;
use limpid_protocol::records::{RecordsError, ValidationLimits};

use crate::batch::{self, Look, Prepared};
use crate::turns::{self, LONG_BATCH_BYTES, Turn, Turns};

/// Checks a batch; if it is large once it is decompressed, in a turn and not in its place.
pub(super) async fn prepare<'t>(
    records: &[u8],
    (mut limits, config, look): (ValidationLimits, &TopicConfig, &Look<'_>),
    turns: &'t Turns,
    (place, turn): (&mut Option<Turn<'t>>, &mut Option<Turn<'t>>),
) -> Result<Prepared, RecordsError> {
    let most = std::mem::replace(&mut limits.max_decompressed_bytes, LONG_BATCH_BYTES);
    let mut prepared = batch::prepare(records, &limits, config, look);
    if let Err(RecordsError::DecompressedTooLarge { .. }) = prepared {
        turns::worked(LONG_BATCH_BYTES);
        if turn.is_none() {
            *place = None;
            *turn = turns.next().await;
        }
        limits.max_decompressed_bytes = most;
        prepared = batch::prepare(records, &limits, config, look);
    }
    let looked_at = prepared.as_ref().map_or(records.len(), |it| it.looked_at);
    turns::worked(looked_at);
    prepared
}
