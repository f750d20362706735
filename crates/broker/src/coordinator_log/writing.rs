//! Writing what a coordinator decides.

use limpid_protocol::ErrorCode;
use limpid_storage::{AppendError, AppendInfo, AppendMeta};

use super::{Flushed, Pair, Style, append_meta, appended, batches, code_of};
use crate::topics::{Partition, Topic};

/// Where a coordinator writes.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The topic.
    pub topic: &'a Topic,
    /// Its partition.
    pub partition: &'a Partition,
}

impl Place<'_> {
    /// Largest batch that the topic takes, by `max.message.bytes`.
    pub fn size_max(&self) -> usize {
        usize::try_from(self.topic.config.max_message_bytes).unwrap_or(0)
    }

    /// Appends all of `records` or none; `what` they are of is for the log.
    ///
    /// # Errors
    /// What clients are told: a record can't be encoded or is too large, or the log's reason.
    pub fn write<E>(
        &self,
        what: &'static str,
        style: &Style,
        records: impl Iterator<Item = Result<Pair, E>>,
        append: impl FnOnce(&[u8], &AppendMeta) -> Result<AppendInfo, AppendError>,
    ) -> Result<(Flushed, AppendInfo), ErrorCode> {
        let pairs: Result<Vec<Pair>, E> = records.collect();
        let pairs = pairs.map_err(|_| ErrorCode::UnknownServerError)?;
        let batches = batches(&pairs, style)?;
        let done = append(&batches, &append_meta(self.partition));
        let info = done.map_err(|error| {
            // At debug level, since clients could fill the log with it; what is wrong with the
            // disk is told by the log itself.
            let partition = self.partition.index;
            tracing::debug!(partition, %error, "{what} could not be written down");
            code_of(&error)
        })?;
        let size = (pairs.len(), batches.len());
        let flushed = appended((self.topic, self.partition), &info, size);
        Ok((flushed, info))
    }
}
