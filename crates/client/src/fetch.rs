//! Reading records: one request to each broker that leads some of the partitions.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use limpid_protocol::ApiKey;
use limpid_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use limpid_protocol::messages::fetch_response::{FetchResponse, PartitionData};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::error::{ClientError, ErrorKind, check};
use crate::metadata::{Node, TopicPartition};
use crate::pool::Lane;

/// The last version that names topics; later ones take ids.
const BY_NAME_VERSION_MAX: i16 = 12;
/// A fetch outside of any session (KIP-227).
const NO_SESSION_EPOCH: i32 = -1;
/// Not a replica.
const CONSUMER: i32 = -1;

/// Where to read on in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchFrom {
    /// The partition.
    pub at: TopicPartition,
    /// The first offset wanted.
    pub offset: i64,
    /// `max.partition.fetch.bytes`; one batch comes whatever its size.
    pub bytes_max: i32,
}

/// How long to wait, and for how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// `fetch.max.wait.ms`.
    pub max_wait: Duration,
    /// `fetch.min.bytes`.
    pub bytes_min: i32,
    /// `fetch.max.bytes`, of each broker.
    pub bytes_max: i32,
}

/// What a partition answered.
#[derive(Debug)]
pub struct Fetched {
    /// The partition.
    pub at: TopicPartition,
    /// Its records, or why there are none.
    pub result: Result<FetchedRecords, ClientError>,
}

/// Batches as they lie in the log: the first may begin before the offset wanted, the last may be
/// torn.
#[derive(Debug, Clone)]
pub struct FetchedRecords {
    /// The oldest offset of the partition.
    pub log_start_offset: i64,
    /// The offset after the newest record.
    pub high_watermark: i64,
    /// Batches.
    pub records: Bytes,
}

/// What one broker is asked, by topic.
type Asked = BTreeMap<String, Vec<FetchPartition>>;

impl Client {
    /// One attempt to read from several partitions; each has its own result, and each wanted one
    /// has one.
    pub async fn fetch(&self, wanted: &[FetchFrom], limits: FetchLimits) -> Vec<Fetched> {
        let mut fetched = Vec::with_capacity(wanted.len());
        let mut by_leader: HashMap<Arc<str>, (Node, Asked)> = HashMap::new();
        for from in wanted {
            match self.leader(&from.at).await {
                Ok((node, leader_epoch)) => {
                    let address = Arc::clone(&node.address);
                    let (_, asked) = by_leader.entry(address).or_insert((node, Asked::new()));
                    let partition = FetchPartition {
                        partition: from.at.partition,
                        current_leader_epoch: leader_epoch,
                        fetch_offset: from.offset,
                        partition_max_bytes: from.bytes_max,
                        ..FetchPartition::default()
                    };
                    asked
                        .entry(from.at.topic.clone())
                        .or_default()
                        .push(partition);
                }
                Err(error) => fetched.push(Fetched {
                    at: from.at.clone(),
                    result: Err(error),
                }),
            }
        }
        let mut asking = JoinSet::new();
        for (node, asked) in by_leader.into_values() {
            let client = self.clone();
            asking.spawn(async move { client.fetch_of(&node, asked, limits).await });
        }
        while let Some(answered) = asking.join_next().await {
            fetched.extend(answered.unwrap_or_default());
        }
        for one in &fetched {
            if one.result.as_ref().is_err_and(ClientError::is_misrouted) {
                self.forget_topic(&one.at.topic);
            }
        }
        fetched
    }

    /// Asks one broker for what it leads.
    async fn fetch_of(&self, node: &Node, asked: Asked, limits: FetchLimits) -> Vec<Fetched> {
        let mut open: Vec<TopicPartition> = asked
            .iter()
            .flat_map(|(topic, p)| {
                p.iter()
                    .map(move |p| TopicPartition::new(topic, p.partition))
            })
            .collect();
        let request = FetchRequest {
            replica_id: CONSUMER,
            max_wait_ms: i32::try_from(limits.max_wait.as_millis()).unwrap_or(i32::MAX),
            min_bytes: limits.bytes_min,
            max_bytes: limits.bytes_max,
            session_epoch: NO_SESSION_EPOCH,
            topics: asked
                .into_iter()
                .map(|(topic, partitions)| FetchTopic {
                    topic,
                    partitions,
                    ..FetchTopic::default()
                })
                .collect(),
            ..FetchRequest::default()
        };
        let patience = limits.max_wait + self.config().request_timeout;
        let asked = self.ask((node, Lane::Fetch), (BY_NAME_VERSION_MAX, patience), |_| {
            request
        });
        let failed = |kind| ClientError::at(&node.address, ApiKey::Fetch, kind);
        let answer: Result<FetchResponse, _> = asked.await.and_then(|answer| {
            check(answer.error_code, "", None).map_err(failed)?;
            Ok(answer)
        });
        let (mut fetched, error) = match answer {
            Ok(answer) => (take(answer, &mut open, failed), None),
            Err(error) => (Vec::new(), Some(error)),
        };
        fetched.extend(open.into_iter().map(|at| {
            let missing = || failed(ErrorKind::Missing(at.to_string()));
            let result = Err(error.clone().unwrap_or_else(missing));
            Fetched { at, result }
        }));
        fetched
    }
}

/// The partitions of an answer that were asked for; they are no longer `open` then.
fn take(
    answer: FetchResponse,
    open: &mut Vec<TopicPartition>,
    failed: impl Fn(ErrorKind) -> ClientError,
) -> Vec<Fetched> {
    let mut fetched = Vec::with_capacity(open.len());
    for topic in answer.responses {
        for partition in topic.partitions {
            let at = TopicPartition::new(topic.topic.clone(), partition.partition_index);
            let Some(index) = open.iter().position(|o| *o == at) else {
                continue;
            };
            open.swap_remove(index);
            let result = records(&at, partition).map_err(&failed);
            fetched.push(Fetched { at, result });
        }
    }
    fetched
}

fn records(at: &TopicPartition, partition: PartitionData) -> Result<FetchedRecords, ErrorKind> {
    check(partition.error_code, at, None)?;
    let records = match <[Bytes; 1]>::try_from(partition.records) {
        Ok([records]) => records,
        Err(runs) => {
            let mut all = BytesMut::with_capacity(runs.iter().map(Bytes::len).sum());
            runs.iter().for_each(|run| all.extend_from_slice(run));
            all.freeze()
        }
    };
    Ok(FetchedRecords {
        log_start_offset: partition.log_start_offset,
        high_watermark: partition.high_watermark,
        records,
    })
}
