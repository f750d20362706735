//! Putting the voters into the log: `kraft.version` 1 (KIP-853).

use super::{Writer, invalid};
use crate::metadata::control::{BatchPlace, control_batch};
use crate::metadata::delta::Changes;
use crate::metadata::error::AppendError;
use crate::metadata::quorum::Quorum;
use crate::metadata::ticket::Committed;
use std::sync::Arc;

impl Writer {
    /// Writes the control records, unless the log has them. There is no way back, as in Kafka.
    /// `quorum-state` follows with the next start.
    pub(super) fn name_voters(&mut self, quorum: Quorum) -> Result<Committed, AppendError> {
        if let Some(reason) = &self.status.offline {
            return Err(AppendError::Offline(Arc::clone(reason)));
        }
        if self.quorum.voters.is_none() {
            let controls = quorum.controls();
            let now_ms = self.clock.wall_ms();
            let start = self.segments.end_offset();
            let place = BatchPlace {
                base_offset: start,
                epoch: self.epoch,
                timestamp_ms: now_ms,
            };
            let batch = control_batch(place, &controls).map_err(invalid)?;
            self.append_batch(&batch, start + controls.len() as i64, now_ms)?;
            self.quorum = quorum;
            self.replay.set_quorum(&self.quorum);
            let last = self.segments.end_offset() - 1;
            self.replay.advance(last, self.epoch, now_ms);
            self.note_status();
            let image = Arc::new(self.replay.image().clone());
            self.shared.publish(&image, &Changes::default());
        }
        Ok(Committed {
            image: self.shared.image(),
        })
    }
}
