//! ListOffsets, key 2, versions 1–11.
//!
//! A timestamp finds the first record that is not older. Negative ones are questions:
//!
//! | timestamp | question | since |
//! |---|---|---|
//! | −1 | the end: high watermark, or last stable offset for read_committed | 1 |
//! | −2 | the first offset | 1 |
//! | −3 | the record with the largest timestamp (KIP-734) | 7 |
//! | −4 | the first offset on this broker (KIP-405) | 8 |
//! | −5 | the last offset in remote storage (KIP-1005): none here | 9 |
//! | −6 | the first offset not yet in remote storage (KIP-1023): none here | 11 |

use std::collections::HashMap;
use std::sync::Arc;

use limpid_protocol::messages::ListOffsetsRequest;
use limpid_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use limpid_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_storage::{ReadError, TimestampedOffset};

use crate::access::{Operation, ResourceKind};
use crate::blocking::Blocking;
use crate::handler::{Answer, ApiRange, Call};
use crate::leadership::check_leader_epoch;
use crate::read_errors::read_error;
use crate::topics::{Partition, Topics};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

const UNKNOWN: TimestampedOffset = TimestampedOffset {
    timestamp: -1,
    offset: -1,
    leader_epoch: -1,
};
const READ_COMMITTED: i8 = 1;

/// Answers ListOffsets.
pub struct ListOffsets {
    topics: Arc<Topics>,
    blocking: Arc<Blocking>,
}

impl ListOffsets {
    /// Look-ups by time read files, on `blocking`.
    pub fn new(topics: Arc<Topics>, blocking: Arc<Blocking>) -> Self {
        Self { topics, blocking }
    }

    async fn topic(
        &self,
        wanted: ListOffsetsTopic,
        isolation: i8,
        call: &mut Call<'_>,
    ) -> ListOffsetsTopicResponse {
        let sees = call.may(Operation::Describe, ResourceKind::Topic, &wanted.name);
        let topic = self.topics.table().named(&wanted.name).cloned();
        let mut answer = ListOffsetsTopicResponse {
            name: wanted.name,
            partitions: Vec::new(),
        };
        let mut seen = HashMap::new();
        for partition in &wanted.partitions {
            *seen.entry(partition.partition_index).or_insert(0) += 1;
        }
        for partition in &wanted.partitions {
            let index = partition.partition_index;
            // A partition that is there twice is answered once, with an error.
            let Some(times) = seen.remove(&index) else {
                continue;
            };
            let found = match &topic {
                _ if !sees => Err(ErrorCode::TopicAuthorizationFailed),
                _ if times > 1 => Err(ErrorCode::InvalidRequest),
                None => Err(ErrorCode::UnknownTopicOrPartition),
                Some(topic) => match topic.partition(index) {
                    None => Err(topic.missing(index)),
                    Some(led) => self.offset(led, partition, isolation, call.version).await,
                },
            };
            let (error_code, found) = match found {
                Ok(found) => (ErrorCode::None.code(), found),
                Err(error) => (call.note(error), UNKNOWN),
            };
            answer.partitions.push(ListOffsetsPartitionResponse {
                partition_index: index,
                error_code,
                timestamp: found.timestamp,
                offset: found.offset,
                // Older versions have no field for it.
                leader_epoch: if call.version >= 4 {
                    found.leader_epoch
                } else {
                    -1
                },
            });
        }
        answer
    }

    async fn offset(
        &self,
        partition: &Arc<Partition>,
        wanted: &ListOffsetsPartition,
        isolation: i8,
        version: i16,
    ) -> Result<TimestampedOffset, ErrorCode> {
        check_leader_epoch(wanted.current_leader_epoch, partition.leader_epoch())?;
        if version < introduced_in(wanted.timestamp).ok_or(ErrorCode::UnsupportedVersion)? {
            return Err(ErrorCode::UnsupportedVersion);
        }
        let log = &partition.log;
        let at = |offset: i64, leader_epoch: i32| TimestampedOffset {
            offset,
            leader_epoch,
            ..UNKNOWN
        };
        match wanted.timestamp {
            LATEST if isolation == READ_COMMITTED => {
                Ok(at(log.last_stable_offset(), partition.leader_epoch()))
            }
            LATEST => Ok(at(log.high_watermark(), partition.leader_epoch())),
            EARLIEST | EARLIEST_LOCAL => {
                let start = log.log_start_offset();
                // Before the first append no epoch is in the log's own list.
                let epoch = log
                    .epoch_at(start)
                    .unwrap_or_else(|| partition.leader_epoch());
                Ok(at(start, epoch))
            }
            LATEST_TIERED | EARLIEST_PENDING_UPLOAD => Ok(UNKNOWN),
            timestamp => {
                let found = self.by_time(partition, timestamp).await?;
                // What the reader would not be given yet is not found.
                let until = match isolation {
                    READ_COMMITTED => log.last_stable_offset(),
                    _ => log.high_watermark(),
                };
                Ok(if found.offset < until { found } else { UNKNOWN })
            }
        }
    }

    async fn by_time(
        &self,
        partition: &Arc<Partition>,
        timestamp: i64,
    ) -> Result<TimestampedOffset, ErrorCode> {
        let log = Arc::clone(&partition.log);
        let search = move || match timestamp {
            MAX_TIMESTAMP => log.max_timestamp_offset(),
            timestamp => log.offset_for_timestamp(timestamp),
        };
        match self.blocking.run(search).await {
            Ok(Ok(found)) => Ok(found.unwrap_or(UNKNOWN)),
            // Retention passed by in between: nobody asked for an offset here, trying again helps.
            Ok(Err(ReadError::OffsetOutOfRange { .. })) | Err(_) => {
                Err(ErrorCode::KafkaStorageError)
            }
            Ok(Err(error)) => Err(read_error(&error)),
        }
    }
}

impl Answer for ListOffsets {
    type Request = ListOffsetsRequest;
    const RANGE: ApiRange = ApiRange::new(ApiKey::ListOffsets, 1, 11);

    async fn answer(
        &self,
        request: ListOffsetsRequest,
        call: &mut Call<'_>,
    ) -> ListOffsetsResponse {
        let mut response = ListOffsetsResponse::default();
        for wanted in request.topics {
            let topic = self.topic(wanted, request.isolation_level, call).await;
            response.topics.push(topic);
        }
        response
    }
}

/// The version that brought a question; `None` for numbers that never meant anything.
fn introduced_in(timestamp: i64) -> Option<i16> {
    match timestamp {
        LATEST | EARLIEST | 0.. => Some(1),
        MAX_TIMESTAMP => Some(7),
        EARLIEST_LOCAL => Some(8),
        LATEST_TIERED => Some(9),
        EARLIEST_PENDING_UPLOAD => Some(11),
        _ => None,
    }
}
