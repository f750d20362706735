//! The task that sends what is due, and judges the answers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use limpid_protocol::messages::init_producer_id_request::InitProducerIdRequest;
use limpid_protocol::messages::produce_request::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use limpid_protocol::messages::produce_response::ProduceResponse;
use limpid_protocol::{ApiKey, ErrorCode};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::accumulator::{Due, ProducerId};
use super::{Outcome, Shared};
use crate::backoff::Backoff;
use crate::error::{ClientError, ErrorKind, check};
use crate::metadata::{Node, TopicPartition};
use crate::pool::Lane;

/// The last version that names topics; later ones take ids.
const BY_NAME_VERSION_MAX: i16 = 12;
/// `acks=all`.
const ACKS_ALL: i16 = -1;
/// When nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// Batches for one broker.
type Load = Vec<(TopicPartition, Bytes)>;
/// How they ended.
type Ends = Vec<(TopicPartition, Outcome)>;

/// Runs until it is aborted.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut sender = Sender {
        shared,
        identity: None,
        under_way: JoinSet::new(),
    };
    loop {
        let next = sender.send_due().await;
        let sleep = tokio::time::sleep_until(next);
        let shared = Arc::clone(&sender.shared);
        tokio::select! {
            () = shared.wake.notified() => {}
            () = sleep => {}
            Some(ended) = sender.under_way.join_next() => {
                if let Ok(ends) = ended {
                    sender.judge(ends);
                }
            }
        }
    }
}

struct Sender {
    shared: Arc<Shared>,
    /// None before the first batch, and after a gap in the sequence numbers.
    identity: Option<ProducerId>,
    under_way: JoinSet<Ends>,
}

impl Sender {
    /// Sends what is due; says when to look again.
    async fn send_due(&mut self) -> Instant {
        let now = Instant::now();
        let (Due { partitions, next }, lost) = self.shared.accumulator.lock().due(now);
        if lost {
            // Sequence numbers were used up: the next ones would be out of order.
            self.identity = None;
        }
        let next = next.unwrap_or(now + IDLE);
        if partitions.is_empty() {
            return next;
        }
        let Some(identity) = self.identity().await else {
            return Instant::now() + self.shared.client.config().retry_backoff;
        };
        for (node, load) in self.loads(partitions, identity).await {
            let shared = Arc::clone(&self.shared);
            self.under_way
                .spawn(async move { produce(&shared, &node, load).await });
        }
        next
    }

    /// The producer id, asked for if there is none. An error that will not go away ends everything
    /// that waits for it.
    async fn identity(&mut self) -> Option<ProducerId> {
        if self.identity.is_none() {
            match init_producer_id(&self.shared).await {
                Ok(identity) => self.identity = Some(identity),
                Err(error) => {
                    tracing::warn!(%error, "no producer id");
                    if !error.retriable() {
                        self.shared.accumulator.lock().fail_all(&error);
                    }
                }
            }
        }
        self.identity
    }

    /// Sealed batches, those of each broker in requests of `max.request.size`.
    async fn loads(
        &mut self,
        partitions: Vec<TopicPartition>,
        identity: ProducerId,
    ) -> Vec<(Node, Load)> {
        let mut loads: Vec<(Node, Load)> = Vec::new();
        let mut open: HashMap<Arc<str>, (usize, usize)> = HashMap::new();
        for at in partitions {
            let node = match self.shared.client.leader(&at).await {
                Ok((node, _)) => node,
                Err(error) => {
                    self.failed(&at, error);
                    continue;
                }
            };
            let sealed = self.shared.accumulator.lock().seal(&at, identity);
            let batch = match sealed {
                Ok(Some(batch)) => batch,
                Ok(None) => continue,
                Err(error) => {
                    self.shared.accumulator.lock().finish(&at, Err(error));
                    continue;
                }
            };
            let size = batch.len();
            let address = Arc::clone(&node.address);
            match open.get_mut(&address) {
                Some((index, bytes)) if *bytes + size <= self.shared.config.request_bytes_max => {
                    *bytes += size;
                    loads[*index].1.push((at, batch));
                }
                _ => {
                    open.insert(address, (loads.len(), size));
                    loads.push((node, vec![(at, batch)]));
                }
            }
        }
        loads
    }

    fn judge(&mut self, ends: Ends) {
        for (at, outcome) in ends {
            match outcome {
                Err(error) if error.code() == Some(ErrorCode::DuplicateSequenceNumber) => {
                    // An earlier attempt was written after all.
                    self.shared.accumulator.lock().finish(&at, Ok(-1));
                }
                Err(error) => self.failed(&at, error),
                Ok(offset) => self.shared.accumulator.lock().finish(&at, Ok(offset)),
            }
        }
    }

    fn failed(&mut self, at: &TopicPartition, error: ClientError) {
        let client = &self.shared.client;
        if error.is_misrouted() {
            client.forget_topic(&at.topic);
        }
        let mut accumulator = self.shared.accumulator.lock();
        if error.retriable() {
            tracing::debug!(partition = %at, %error, "sending again");
            accumulator.retry(at, |attempts| {
                Backoff::pause_after(client.config(), attempts)
            });
            return;
        }
        tracing::warn!(partition = %at, %error, "batch not written");
        accumulator.finish(at, Err(error));
        // Its sequence numbers are used up.
        self.identity = None;
    }
}

/// A new producer id; an old one is left to expire.
async fn init_producer_id(shared: &Shared) -> Result<ProducerId, ClientError> {
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        ..InitProducerIdRequest::default()
    };
    let (node, answer) = shared.client.ask_anyone(&request).await?;
    check(answer.error_code, "", None)
        .map_err(|kind| ClientError::at(&node.address, ApiKey::InitProducerId, kind))?;
    Ok(ProducerId {
        id: answer.producer_id,
        epoch: answer.producer_epoch,
    })
}

/// One request; every partition of the load has an end.
async fn produce(shared: &Shared, node: &Node, load: Load) -> Ends {
    let mut open: Vec<TopicPartition> = load.iter().map(|(at, _)| at.clone()).collect();
    let mut topics: BTreeMap<String, Vec<PartitionProduceData>> = BTreeMap::new();
    for (at, batch) in load {
        let partition = PartitionProduceData {
            index: at.partition,
            records: Some(batch),
        };
        topics.entry(at.topic).or_default().push(partition);
    }
    let topic = |(name, partition_data): (String, _)| TopicProduceData {
        name,
        partition_data,
        ..TopicProduceData::default()
    };
    let request = ProduceRequest {
        acks: ACKS_ALL,
        timeout_ms: shared.client.request_timeout_ms(),
        topic_data: topics.into_iter().map(topic).collect(),
        ..ProduceRequest::default()
    };
    let patience = shared.client.config().request_timeout;
    let limits = (BY_NAME_VERSION_MAX, patience);
    let asked = shared
        .client
        .ask((node, Lane::General), limits, |_| request);
    let failed = |kind| ClientError::at(&node.address, ApiKey::Produce, kind);
    let mut ends = Ends::new();
    let mut error = None;
    match asked.await {
        Ok(answer) => ends = take(&answer, &mut open, failed),
        Err(asking) => error = Some(asking),
    }
    ends.extend(open.into_iter().map(|at| {
        let missing = || failed(ErrorKind::Missing(at.to_string()));
        let outcome = Err(error.clone().unwrap_or_else(missing));
        (at, outcome)
    }));
    ends
}

/// The ends that an answer tells; those partitions are no longer `open` then.
fn take(
    answer: &ProduceResponse,
    open: &mut Vec<TopicPartition>,
    failed: impl Fn(ErrorKind) -> ClientError,
) -> Ends {
    let mut ends = Ends::new();
    for topic in &answer.responses {
        for partition in &topic.partition_responses {
            let at = TopicPartition::new(&topic.name, partition.index);
            let Some(index) = open.iter().position(|o| *o == at) else {
                continue;
            };
            open.swap_remove(index);
            let message = partition.error_message.as_deref();
            let outcome = check(partition.error_code, &at, message)
                .map(|()| partition.base_offset)
                .map_err(&failed);
            ends.push((at, outcome));
        }
    }
    ends
}
