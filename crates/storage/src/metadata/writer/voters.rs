//! Putting the voters into the log: `kraft.version` 1 (KIP-853).

use super::Writer;
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
            self.append_controls(&quorum.controls())?;
            self.quorum = quorum;
            self.replay.set_quorum(&self.quorum);
            self.note_status();
            let image = Arc::new(self.replay.image().clone());
            self.shared.publish(&image, &Changes::default());
        }
        Ok(Committed {
            image: self.shared.image(),
        })
    }
}
