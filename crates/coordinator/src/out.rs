//! What a step of the state machine asks of its caller.

use std::sync::Arc;

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::join_group_response::JoinGroupResponse;
use limpid_protocol::messages::sync_group_response::SyncGroupResponse;

use crate::after::After;
use crate::cause::Cause;
use crate::record::Record;
use crate::view::GroupType;

/// Stands for a request that waits for its answer. The caller chooses it and never uses one twice.
pub type Token = u64;

/// The answer to a request that had to wait, or could have.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To a join.
    Join(JoinGroupResponse),
    /// To a sync.
    Sync(SyncGroupResponse),
}

impl Answer {
    /// Turns it into an error.
    pub fn fail(&mut self, error: ErrorCode) {
        match self {
            Self::Join(response) => response.error_code = error.code(),
            Self::Sync(response) => response.error_code = error.code(),
        }
    }
}

/// Something worth counting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A rebalance began.
    RebalanceBegan {
        /// The group.
        group: Arc<str>,
        /// What it is now.
        group_type: GroupType,
        /// Why.
        cause: Cause,
    },
    /// All members have their assignments (or nobody is left).
    RebalanceEnded {
        /// The group.
        group: Arc<str>,
        /// Why it had begun.
        cause: Cause,
        /// How long it took.
        took_ms: u64,
        /// Members afterwards.
        members: usize,
        /// The leader of a classic group gave all of them their assignments.
        is_synced: bool,
    },
    /// Offsets were committed.
    Committed {
        /// The group.
        group: Arc<str>,
        /// How many partitions.
        partitions: usize,
    },
    /// Offsets expired.
    Expired {
        /// The group.
        group: Arc<str>,
        /// How many partitions.
        partitions: usize,
    },
    /// The group is gone, with its offsets.
    Deleted {
        /// The group.
        group: Arc<str>,
    },
}

/// Collects what one step asks for.
#[derive(Debug, Default)]
pub struct Out {
    /// To be appended, all or nothing, before anybody is answered. When there are some, the caller
    /// must say how it went with `Coordinator::written`.
    pub records: Vec<Record>,
    /// Producer id and epoch, if the records are part of a transaction.
    pub producer: Option<(i64, i16)>,
    /// To be sent after the append.
    pub answers: Vec<(Token, Answer)>,
    /// To be counted.
    pub events: Vec<Event>,
    pub(crate) after: Option<After>,
}

impl Out {
    pub(crate) fn join(&mut self, token: Token, response: JoinGroupResponse) {
        self.answers.push((token, Answer::Join(response)));
    }

    pub(crate) fn join_error(&mut self, token: Token, member_id: &str, error: ErrorCode) {
        let response = JoinGroupResponse {
            error_code: error.code(),
            generation_id: -1,
            protocol_name: None,
            member_id: member_id.to_owned(),
            ..JoinGroupResponse::default()
        };
        self.join(token, response);
    }

    pub(crate) fn sync(&mut self, token: Token, response: SyncGroupResponse) {
        self.answers.push((token, Answer::Sync(response)));
    }

    pub(crate) fn sync_error(&mut self, token: Token, error: ErrorCode) {
        let response = SyncGroupResponse {
            error_code: error.code(),
            ..SyncGroupResponse::default()
        };
        self.sync(token, response);
    }

    /// Asks for `records` to be written, and remembers what follows from that.
    pub(crate) fn write(&mut self, records: Vec<Record>, after: After) {
        assert!(
            self.records.is_empty() && self.after.is_none(),
            "one step writes once"
        );
        self.records = records;
        self.after = Some(after);
    }
}
