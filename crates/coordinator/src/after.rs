//! What follows from records having been written.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

/// A way to assign partitions that a member knows, with its subscription in that way's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Protocol {
    pub(crate) name: String,
    pub(crate) metadata: Bytes,
}

/// What is to be done once the records are written, or are known not to be.
#[derive(Debug)]
pub(crate) enum After {
    /// A group was made; without its record it is unmade.
    NewGroup(Arc<str>),
    /// Nobody is left; nothing follows.
    Emptied,
    /// The leader's assignment is on the disk.
    Assigned {
        group: Arc<str>,
        generation: i32,
        assignment: HashMap<String, Bytes>,
    },
    /// A static member has a new id.
    Replaced(Box<Replaced>),
    /// Offsets as in the records.
    Offsets(OffsetsAfter),
}

/// How to answer a static member that came back, and how to undo it.
#[derive(Debug)]
pub(crate) struct Replaced {
    pub(crate) group: Arc<str>,
    pub(crate) old_id: Arc<str>,
    pub(crate) new_id: Arc<str>,
    pub(crate) old_protocols: Vec<Protocol>,
    pub(crate) old_timeouts_ms: (i32, i32),
    pub(crate) old_leader: Option<Arc<str>>,
    pub(crate) skips_assignment: bool,
}

/// What the records about offsets that are written mean.
#[derive(Debug)]
pub(crate) enum OffsetsAfter {
    /// Members or tools committed.
    Commit(Arc<str>),
    /// A producer (by id) committed in its transaction.
    InTransaction(Arc<str>, i64),
    /// They are too old.
    Expiry(Arc<str>),
    /// Somebody deleted them, or their topic, or the group.
    Deletion,
}
