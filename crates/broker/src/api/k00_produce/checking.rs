//! Checking a batch, which goes on aside once it turns out to be long.

use limpid_config::TopicConfig;
use limpid_protocol::records::{RecordsError, ValidationLimits};

use crate::batch::{self, Look, Prepared};
use crate::handler::Call;
use crate::turns::{self, LONG_BATCH_BYTES, Turn};

/// Checks a batch; if it is large once it is decompressed, aside, and neither in a turn nor in a place
/// meanwhile.
pub(super) async fn prepare<'t>(
    records: &[u8],
    (mut limits, config, look): (ValidationLimits, &TopicConfig, &Look<'_>),
    call: &Call<'t>,
    (place, turn): (&mut Option<Turn<'t>>, &mut Option<Turn<'t>>),
) -> Result<Prepared, RecordsError> {
    if call.section.is_some() {
        return batch::prepare(records, &limits, config, look);
    }
    let most = std::mem::replace(&mut limits.max_decompressed_bytes, LONG_BATCH_BYTES);
    let mut prepared = batch::prepare(records, &limits, config, look);
    if let Err(RecordsError::DecompressedTooLarge { .. }) = prepared {
        turns::worked(LONG_BATCH_BYTES);
        (*place, *turn) = (None, None);
        let section = call.aside.enter().await;
        limits.max_decompressed_bytes = most;
        prepared = batch::prepare(records, &limits, config, look);
        if let Some(section) = section {
            section.end().await;
        }
        // It is still to be written.
        *place = call.turns.place(records.len(), None).await;
        turns::worked(records.len());
        return prepared;
    }
    let looked_at = prepared.as_ref().map_or(records.len(), |it| it.looked_at);
    turns::worked(looked_at);
    prepared
}
