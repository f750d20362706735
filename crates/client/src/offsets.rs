//! Where partitions begin and end, and which offset goes with a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use limpid_protocol::messages::list_offsets_request::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use limpid_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsResponse,
};
use limpid_protocol::{ApiKey, ErrorCode};
use tokio::task::JoinSet;

use crate::backoff::Backoff;
use crate::client::{Client, NEWEST};
use crate::error::{ClientError, ErrorKind, check};
use crate::metadata::{Node, TopicPartition};
use crate::pool::Lane;

/// Asks for the offset after the newest record.
pub const LATEST: i64 = -1;
/// Asks for the oldest offset.
pub const EARLIEST: i64 = -2;

/// Not a replica.
const CONSUMER: i32 = -1;

/// An offset that a partition gave for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetAt {
    /// The offset; −1 if no record is as young as that.
    pub offset: i64,
    /// Timestamp of its record; −1 for [`LATEST`] and [`EARLIEST`].
    pub timestamp_ms: i64,
}

/// Partitions with the time asked for, by topic, as one broker gets them.
type Asked = BTreeMap<String, Vec<(i32, i64)>>;

impl Client {
    /// Offsets by time, [`LATEST`] or [`EARLIEST`]: one request to each broker that leads some.
    ///
    /// # Errors
    /// When one of the partitions can't be asked in time.
    pub async fn list_offsets(
        &self,
        wanted: &[(TopicPartition, i64)],
    ) -> Result<HashMap<TopicPartition, OffsetAt>, ClientError> {
        let mut backoff = Backoff::new(self.config());
        let mut found = HashMap::with_capacity(wanted.len());
        loop {
            let missing = wanted.iter().filter(|(at, _)| !found.contains_key(at));
            let missing: Vec<_> = missing.cloned().collect();
            let Some(error) = self.list_offsets_once(&missing, &mut found).await else {
                return Ok(found);
            };
            if error.is_misrouted() {
                missing
                    .iter()
                    .for_each(|(at, _)| self.forget_topic(&at.topic));
            }
            backoff.after(error).await?;
        }
    }

    /// One attempt; gives the first error.
    async fn list_offsets_once(
        &self,
        wanted: &[(TopicPartition, i64)],
        found: &mut HashMap<TopicPartition, OffsetAt>,
    ) -> Option<ClientError> {
        let mut first_error = None;
        let mut by_leader: HashMap<Arc<str>, (Node, Asked)> = HashMap::new();
        for (at, timestamp) in wanted {
            match self.leader(at).await {
                Ok((node, _)) => {
                    let address = Arc::clone(&node.address);
                    let (_, asked) = by_leader.entry(address).or_insert((node, Asked::new()));
                    let partitions = asked.entry(at.topic.clone()).or_default();
                    partitions.push((at.partition, *timestamp));
                }
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        let mut asking = JoinSet::new();
        for (node, asked) in by_leader.into_values() {
            let client = self.clone();
            asking.spawn(async move { client.list_offsets_of(&node, &asked).await });
        }
        while let Some(answered) = asking.join_next().await {
            let Ok(answered) = answered else { continue };
            match answered {
                Ok(results) => results.into_iter().for_each(|(at, result)| match result {
                    Ok(offset) => drop(found.insert(at, offset)),
                    Err(error) => drop(first_error.get_or_insert(error)),
                }),
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        let complete = wanted.iter().all(|(at, _)| found.contains_key(at));
        if complete {
            return None;
        }
        let silent = || {
            ClientError::new(
                ApiKey::ListOffsets,
                ErrorKind::Missing("a partition".to_owned()),
            )
        };
        Some(first_error.unwrap_or_else(silent))
    }

    /// Asks one broker for the partitions that it leads.
    async fn list_offsets_of(
        &self,
        node: &Node,
        asked: &Asked,
    ) -> Result<Vec<(TopicPartition, Result<OffsetAt, ClientError>)>, ClientError> {
        let partition = |(partition_index, timestamp): &(i32, i64)| ListOffsetsPartition {
            partition_index: *partition_index,
            timestamp: *timestamp,
            ..ListOffsetsPartition::default()
        };
        let topic = |(name, partitions): (&String, &Vec<(i32, i64)>)| ListOffsetsTopic {
            name: name.clone(),
            partitions: partitions.iter().map(partition).collect(),
        };
        let request = ListOffsetsRequest {
            replica_id: CONSUMER,
            topics: asked.iter().map(topic).collect(),
            timeout_ms: self.request_timeout_ms(),
            ..ListOffsetsRequest::default()
        };
        let limits = (NEWEST, self.config().request_timeout);
        let answer: ListOffsetsResponse =
            self.ask((node, Lane::General), limits, |_| request).await?;
        let mut results = Vec::new();
        for topic in answer.topics {
            for partition in topic.partitions {
                let at = TopicPartition::new(topic.name.clone(), partition.partition_index);
                let result = offset_at(&at, &partition)
                    .map_err(|kind| ClientError::at(&node.address, ApiKey::ListOffsets, kind));
                results.push((at, result));
            }
        }
        Ok(results)
    }
}

fn offset_at(
    at: &TopicPartition,
    answer: &ListOffsetsPartitionResponse,
) -> Result<OffsetAt, ErrorKind> {
    check(answer.error_code, at, None)?;
    Ok(OffsetAt {
        offset: answer.offset,
        timestamp_ms: answer.timestamp,
    })
}

/// Whether a partition says that the offset asked for is not there.
pub(crate) fn is_out_of_range(error: &ClientError) -> bool {
    error.code() == Some(ErrorCode::OffsetOutOfRange)
}
