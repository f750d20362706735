//! A producer: idempotent, `acks=all`, one request in flight per partition.
//!
//! Records wait in batches per partition ([`accumulator`]) until the batch is full or has lingered;
//! one task ([`sender`]) sends what is ready, one request to each broker, and again what failed and
//! may succeed. The order of a partition's records is the order of the calls to [`Producer::send`].

mod accumulator;
mod sender;
mod sticky;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use limpid_protocol::{ApiKey, ErrorCode};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::client::Client;
use crate::config::ProducerConfig;
use crate::error::{ClientError, ErrorKind, check};
use crate::metadata::TopicPartition;
use crate::murmur2::partition_for_key;
use accumulator::Accumulator;
use sticky::Sticky;

/// What a record may take beyond its key, value and headers: lengths, deltas, the batch's head.
const RECORD_OVERHEAD_BYTES: usize = 96;

/// A record to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Topic.
    pub topic: String,
    /// A partition of the caller's choice.
    pub partition: Option<i32>,
    /// Key; decides the partition if the caller doesn't.
    pub key: Option<Bytes>,
    /// Value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Headers.
    pub headers: Vec<(String, Option<Bytes>)>,
    /// Milliseconds since the epoch; now, if not given.
    pub timestamp_ms: Option<i64>,
}

impl Record {
    /// A record with a key.
    pub fn keyed(topic: &str, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self {
            topic: topic.to_owned(),
            key: Some(key.into()),
            value: Some(value.into()),
            ..Self::default()
        }
    }

    /// Bytes that it takes at most.
    fn size_max(&self) -> usize {
        let of = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        let headers = self
            .headers
            .iter()
            .map(|(key, value)| 10 + key.len() + of(value));
        RECORD_OVERHEAD_BYTES + of(&self.key) + of(&self.value) + headers.sum::<usize>()
    }
}

/// How a batch ended: the offset of its first record (−1 if the broker has it already and no longer
/// knows where), or an error.
type Outcome = Result<i64, ClientError>;

/// A record on its way.
#[derive(Debug)]
pub struct Delivery {
    at: TopicPartition,
    index: i64,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl Delivery {
    /// Where the record goes.
    pub fn partition(&self) -> &TopicPartition {
        &self.at
    }

    /// Waits until it is acknowledged; its offset, −1 if the broker no longer knows.
    ///
    /// # Errors
    /// When it was refused, or not acknowledged within `delivery.timeout.ms`.
    pub async fn acknowledged(mut self) -> Result<i64, ClientError> {
        let closed = || ClientError::new(ApiKey::Produce, ErrorKind::Closed);
        let outcome = self.outcome.wait_for(Option::is_some).await;
        let outcome = outcome.map_err(|_| closed())?.clone();
        let base = outcome.unwrap_or_else(|| Err(closed()))?;
        Ok(if base < 0 { base } else { base + self.index })
    }
}

/// Writes records. Dropped, it forgets what was not acknowledged yet; see [`Producer::close`].
pub struct Producer {
    shared: Arc<Shared>,
    sending: AbortHandle,
}

struct Shared {
    client: Client,
    config: ProducerConfig,
    /// `buffer.memory`.
    room: Arc<Semaphore>,
    accumulator: Mutex<Accumulator>,
    sticky: Mutex<Sticky>,
    /// There may be something to send.
    wake: Notify,
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.sending.abort();
        // Who waits for a delivery hears that there will be none.
        self.shared.accumulator.lock().clear();
    }
}

impl Producer {
    /// A producer; it asks for its id with the first batch.
    pub fn new(client: Client, config: ProducerConfig) -> Self {
        let room = config.buffer_bytes.min(Semaphore::MAX_PERMITS);
        let shared = Arc::new(Shared {
            client,
            room: Arc::new(Semaphore::new(room)),
            accumulator: Mutex::new(Accumulator::new(&config)),
            config,
            sticky: Mutex::default(),
            wake: Notify::new(),
        });
        let sending = tokio::spawn(sender::run(Arc::clone(&shared))).abort_handle();
        Self { shared, sending }
    }

    /// Puts a record into its batch; waits while `buffer.memory` is full.
    ///
    /// # Errors
    /// When the topic is not known or there is no room within `max.block.ms`, or the record is
    /// larger than `max.request.size`.
    pub async fn send(&self, record: Record) -> Result<Delivery, ClientError> {
        let shared = &self.shared;
        let size = record.size_max();
        let config = &shared.config;
        if size > config.request_bytes_max.min(config.buffer_bytes) {
            return Err(refused(ErrorCode::MessageTooLarge, &record.topic));
        }
        let patience = config.max_block;
        let waiting = async {
            let at = self.partition_of(&record, size).await?;
            // The size fits: it is no larger than a request.
            let permits = u32::try_from(size).unwrap_or(u32::MAX);
            let room = Arc::clone(&shared.room).acquire_many_owned(permits).await;
            let room = room.map_err(|_| ClientError::new(ApiKey::Produce, ErrorKind::Closed))?;
            Ok((at, room))
        };
        let waited = timeout(patience, waiting).await;
        let late = |_| ClientError::new(ApiKey::Produce, ErrorKind::Timeout(patience));
        let (at, room) = waited.map_err(late)??;
        let now_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now_ms = i64::try_from(now_ms.as_millis()).unwrap_or(i64::MAX);
        let (delivery, ready) = shared
            .accumulator
            .lock()
            .append(at, &record, now_ms, room)?;
        if ready {
            shared.wake.notify_one();
        }
        Ok(delivery)
    }

    /// Sends everything that waits, without lingering, and waits for its end.
    pub async fn flush(&self) {
        let outcomes = self.shared.accumulator.lock().hurry();
        self.shared.wake.notify_one();
        for mut outcome in outcomes {
            // An error means that the producer is gone; the deliveries say so.
            outcome.wait_for(Option::is_some).await.ok();
        }
    }

    /// Flushes and ends.
    pub async fn close(self) {
        self.flush().await;
    }

    async fn partition_of(
        &self,
        record: &Record,
        size: usize,
    ) -> Result<TopicPartition, ClientError> {
        let topic = self.shared.client.topic(&record.topic).await?;
        let count = topic.partitions.len();
        let unknown = || refused(ErrorCode::UnknownTopicOrPartition, &record.topic);
        if count == 0 {
            return Err(unknown());
        }
        let index = match (record.partition, &record.key) {
            (Some(partition), _) => {
                let index = usize::try_from(partition)
                    .ok()
                    .filter(|index| *index < count);
                index.ok_or_else(unknown)?
            }
            (None, Some(key)) => partition_for_key(key, count),
            (None, None) => {
                let mut sticky = self.shared.sticky.lock();
                sticky.choose(&topic, size, self.shared.config.batch_bytes)
            }
        };
        Ok(TopicPartition::new(
            &record.topic,
            topic.partitions[index].partition,
        ))
    }
}

fn refused(code: ErrorCode, about: &str) -> ClientError {
    let kind = check(code.code(), about, None)
        .err()
        .unwrap_or(ErrorKind::Closed);
    ClientError::new(ApiKey::Produce, kind)
}
