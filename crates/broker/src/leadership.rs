//! Finding the partition a request means, and checking that both sides mean the same leadership.

use std::sync::Arc;

use limpid_protocol::{ErrorCode, Uuid};

use crate::topics::{Topic, TopicTable};

/// "I don't know" in the field `current_leader_epoch`.
const NO_EPOCH: i32 = -1;

/// The topic a request names, by id in newer versions and by name in older ones.
pub fn locate(
    table: &TopicTable,
    by_id: bool,
    id: Uuid,
    name: &str,
) -> Result<Arc<Topic>, ErrorCode> {
    if by_id {
        return table.with_id(id).cloned().ok_or(ErrorCode::UnknownTopicId);
    }
    table
        .named(name)
        .cloned()
        .ok_or(ErrorCode::UnknownTopicOrPartition)
}

/// Compares the epoch a client believes in with ours (KIP-320).
pub fn check_leader_epoch(theirs: i32, ours: i32) -> Result<(), ErrorCode> {
    match theirs {
        NO_EPOCH => Ok(()),
        epoch if epoch < ours => Err(ErrorCode::FencedLeaderEpoch),
        epoch if epoch > ours => Err(ErrorCode::UnknownLeaderEpoch),
        _ => Ok(()),
    }
}
