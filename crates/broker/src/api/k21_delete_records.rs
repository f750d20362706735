//! DeleteRecords, key 21, versions 0–2.
//!
//! - Moves the start of a log forward; −1 means the high watermark. It never goes back: an offset
//!   before the start is answered with the start.
//! - Refused where records may not be deleted (`cleanup.policy` without `delete`):
//!   POLICY_VIOLATION; for the coordinators' topics: INVALID_TOPIC_EXCEPTION.
//! - Segments that lie wholly before the start go with the next run of retention.

use std::sync::Arc;

use limpid_protocol::messages::DeleteRecordsRequest;
use limpid_protocol::messages::delete_records_request::DeleteRecordsTopic;
use limpid_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsResponse, DeleteRecordsTopicResult,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::StorageError;

use crate::access::{Operation, ResourceKind};
use crate::audit::changes::Change;
use crate::handler::{Answer, ApiRange, Call};
use crate::topics::{Topic, Topics};

const UNKNOWN: i64 = -1;

/// Answers DeleteRecords.
pub struct DeleteRecords {
    topics: Arc<Topics>,
}

impl DeleteRecords {
    /// `topics` have the logs.
    pub fn new(topics: Arc<Topics>) -> Self {
        Self { topics }
    }

    fn topic(&self, wanted: DeleteRecordsTopic, call: &mut Call<'_>) -> DeleteRecordsTopicResult {
        let topic = self.topics.table().named(&wanted.name).cloned();
        let may = call.may(Operation::Delete, ResourceKind::Topic, &wanted.name);
        let mut answer = DeleteRecordsTopicResult {
            name: wanted.name,
            partitions: Vec::with_capacity(wanted.partitions.len()),
        };
        for partition in wanted.partitions {
            let index = partition.partition_index;
            let done = match &topic {
                _ if !may => Err(ErrorCode::TopicAuthorizationFailed),
                None => Err(ErrorCode::UnknownTopicOrPartition),
                Some(topic) => delete(topic, index, partition.offset),
            };
            let change = Change::new("delete records", "topic", &answer.name);
            let change = change.after(format!("partition {index} begins at {}", partition.offset));
            call.changed(change.ended(done.err().unwrap_or(ErrorCode::None)));
            let (low_watermark, error_code) = match done {
                Ok(start) => (start, ErrorCode::None.code()),
                Err(error) => (UNKNOWN, call.note(error)),
            };
            answer.partitions.push(DeleteRecordsPartitionResult {
                partition_index: index,
                low_watermark,
                error_code,
            });
        }
        answer
    }
}

fn delete(topic: &Topic, index: i32, offset: i64) -> Result<i64, ErrorCode> {
    if topic.internal {
        return Err(ErrorCode::InvalidTopicException);
    }
    let partition = topic.partition(index).ok_or_else(|| topic.missing(index))?;
    let policy = topic.config.cleanup_policy;
    if policy.compact && !policy.delete {
        return Err(ErrorCode::PolicyViolation);
    }
    let deleted = partition.log.delete_records_before(offset);
    deleted.map_err(|error| match error {
        StorageError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        StorageError::Closed => ErrorCode::NotLeaderOrFollower,
        _ => ErrorCode::KafkaStorageError,
    })
}

impl Answer for DeleteRecords {
    type Request = DeleteRecordsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::DeleteRecords, 0, 2);

    async fn answer(
        &self,
        request: DeleteRecordsRequest,
        call: &mut Call<'_>,
    ) -> DeleteRecordsResponse {
        let topics = request.topics.into_iter();
        DeleteRecordsResponse {
            topics: topics.map(|topic| self.topic(topic, call)).collect(),
            ..DeleteRecordsResponse::default()
        }
    }
}
