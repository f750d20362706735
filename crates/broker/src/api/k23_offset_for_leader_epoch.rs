//! OffsetForLeaderEpoch, key 23, versions 2–4.
//!
//! - Where a leader epoch ended (KIP-101), so that consumers notice that records they have read
//!   were truncated (KIP-320). An epoch that wrote nothing is answered with the one before it
//!   (KIP-279); one that is newer than all we know with −1.

use std::sync::Arc;

use limpid_protocol::messages::OffsetForLeaderEpochRequest;
use limpid_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use limpid_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderEpochResponse, OffsetForLeaderTopicResult,
};
use limpid_protocol::{ApiKey, ErrorCode};

use crate::access::{Operation, ResourceKind};
use crate::handler::{Answer, ApiRange, Call};
use crate::leadership::check_leader_epoch;
use crate::topics::{Topic, Topics};

/// Answers OffsetForLeaderEpoch.
pub struct OffsetForLeaderEpoch {
    topics: Arc<Topics>,
}

impl OffsetForLeaderEpoch {
    /// `topics` have the logs, which know their epochs.
    pub fn new(topics: Arc<Topics>) -> Self {
        Self { topics }
    }
}

/// The epoch and where it ended, (−1, −1) if unknown.
fn end(topic: Option<&Topic>, wanted: &OffsetForLeaderPartition) -> Result<(i32, i64), ErrorCode> {
    let topic = topic.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let partition = topic
        .partition(wanted.partition)
        .ok_or_else(|| topic.missing(wanted.partition))?;
    if !partition.log.is_online() {
        return Err(ErrorCode::KafkaStorageError);
    }
    check_leader_epoch(wanted.current_leader_epoch, partition.leader_epoch())?;
    Ok(partition.log.epoch_end_offset(wanted.leader_epoch))
}

impl Answer for OffsetForLeaderEpoch {
    type Request = OffsetForLeaderEpochRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::OffsetForLeaderEpoch, 2, 4);

    async fn answer(
        &self,
        request: OffsetForLeaderEpochRequest,
        call: &mut Call<'_>,
    ) -> OffsetForLeaderEpochResponse {
        let table = self.topics.table();
        let mut response = OffsetForLeaderEpochResponse::default();
        for wanted in request.topics {
            let topic = table.named(&wanted.topic);
            let may = call.may_on_cluster(Operation::ClusterAction)
                || call.may(Operation::Describe, ResourceKind::Topic, &wanted.topic);
            let ends = wanted.partitions.iter().map(|partition| {
                let found = match may {
                    true => end(topic.map(AsRef::as_ref), partition),
                    false => Err(ErrorCode::TopicAuthorizationFailed),
                };
                let (error_code, (leader_epoch, end_offset)) = match found {
                    Ok(found) => (ErrorCode::None.code(), found),
                    Err(error) => (call.note(error), (-1, -1)),
                };
                EpochEndOffset {
                    error_code,
                    partition: partition.partition,
                    leader_epoch,
                    end_offset,
                }
            });
            response.topics.push(OffsetForLeaderTopicResult {
                partitions: ends.collect(),
                topic: wanted.topic,
            });
        }
        response
    }
}
