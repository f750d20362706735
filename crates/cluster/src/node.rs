//! What can be done to one broker while it runs, for faces that must not know how.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::AdminError;

/// Who does something, for the record that is kept of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct By {
    /// Name; empty for somebody without one.
    pub who: String,
    /// Address; empty when nothing came over a network.
    pub from: String,
}

/// What a run of retention did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RetentionRun {
    /// Logs that were looked at.
    pub logs: usize,
    /// Segments that went.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Logs of which nothing could be removed; the broker's log says why.
    pub failed: usize,
}

/// Operates one broker; nothing here takes a record from anybody that would not go by itself.
pub trait NodeAdmin: Send + Sync + 'static {
    /// Loggers by name, each with the level that holds for it.
    fn loggers(&self) -> BTreeMap<String, &'static str>;

    /// Names of levels.
    fn levels(&self) -> Vec<&'static str>;

    /// Gives a logger a level, or takes its own away so that the one above it counts; what held
    /// before.
    ///
    /// # Errors
    /// No such logger or level.
    fn set_level(
        &self,
        logger: &str,
        level: Option<&str>,
        by: &By,
    ) -> Result<&'static str, AdminError>;

    /// Removes what retention says now rather than at the next round, of one topic or of all. Blocks
    /// on files.
    ///
    /// # Errors
    /// No such topic here, or the broker is still starting.
    fn run_retention(&self, topic: Option<&str>, by: &By) -> Result<RetentionRun, AdminError>;
}
