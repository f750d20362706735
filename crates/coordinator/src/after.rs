//! What follows from records having been written.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::cause::Cause;
use crate::record::{ConsumerChange, ShareChange};

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
    /// A step of a consumer group.
    Consumer(Box<ConsumerAfter>),
    /// A step of a share group.
    Share(Box<ShareAfter>),
    /// A group changes its type as in the records.
    Converted(Arc<str>),
}

/// How to go on after a step of a consumer group, and how to undo it.
#[derive(Debug)]
pub(crate) struct ConsumerAfter {
    pub(crate) group: Arc<str>,
    pub(crate) undo: Vec<ConsumerChange>,
    pub(crate) then: Then,
    /// Why its epoch went up, if it did.
    pub(crate) cause: Option<Cause>,
}

/// How to go on after a step of a share group, and how to undo it.
#[derive(Debug)]
pub(crate) struct ShareAfter {
    pub(crate) group: Arc<str>,
    pub(crate) undo: Vec<ShareChange>,
    pub(crate) then: ShareThen,
    /// Why its epoch went up, if it did.
    pub(crate) cause: Option<Cause>,
}

/// What follows once a step of a share group is written.
#[derive(Debug)]
pub(crate) enum ShareThen {
    Nothing,
    /// A member reported.
    Beat {
        member: Arc<str>,
    },
    /// A member is not there any more.
    Gone {
        member: Arc<str>,
    },
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

/// What follows once a step of a consumer group is written.
#[derive(Debug)]
pub(crate) enum Then {
    Nothing,
    /// A member of the consumer protocol reported.
    Beat {
        member: Arc<str>,
        session_timeout_ms: i32,
        /// Its state, epoch or partitions are others now.
        moved: bool,
    },
    /// A member of the classic protocol joined.
    Joined {
        member: Arc<str>,
        session_timeout_ms: i32,
        /// It took the place of one that spoke the consumer protocol.
        replaces_consumer: bool,
    },
    /// Members are not there any more.
    Gone {
        members: Vec<Arc<str>>,
    },
}

impl Then {
    /// Whether there may be nobody left who speaks the consumer protocol.
    pub(crate) fn may_end_migration(&self) -> bool {
        match self {
            Self::Gone { .. } => true,
            Self::Joined {
                replaces_consumer, ..
            } => *replaces_consumer,
            Self::Nothing | Self::Beat { .. } => false,
        }
    }
}
