//! The topic of the audit: made when the first record comes, written by the broker itself.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use limpid_platform::clock::Clock;
use limpid_protocol::ErrorCode;
use limpid_protocol::records::{BatchBuilder, Codec};
use limpid_storage::{AppendMeta, Origin};
use limpid_telemetry::{Counter, Gauge};
use tokio::sync::mpsc;

use crate::metrics::AuditMetrics;
use crate::quotas::mutations::Permits;
use crate::topic_creation::{TopicCreation, Wish};
use crate::topics::{Topic, Topics};

/// Most records that wait to be written; at most a few KiB each.
pub const QUEUE_MAX: usize = 4_096;
/// Most records in one batch.
const BATCH_MAX: usize = 256;
/// Between two attempts to make the topic.
const RETRY: Duration = Duration::from_secs(1);
/// Attempts to write a batch before it is given up: the log has its lines.
const ATTEMPTS: usize = 5;
/// What a record costs in a batch beside its value.
const RECORD_OVERHEAD_BYTES: usize = 64;

/// Writes the records.
pub struct AuditTopic {
    name: String,
    sender: mpsc::Sender<Bytes>,
    receiver: mpsc::Receiver<Bytes>,
    topics: Arc<Topics>,
    creation: Arc<TopicCreation>,
    clock: Arc<dyn Clock>,
    queued: Gauge,
    dropped: Counter,
}

/// What it is made of.
pub struct AuditTopicInput {
    /// `limpid.audit.topic`.
    pub name: String,
    /// Where its log is.
    pub topics: Arc<Topics>,
    /// Makes it.
    pub creation: Arc<TopicCreation>,
    /// For timestamps.
    pub clock: Arc<dyn Clock>,
}

impl AuditTopic {
    /// Writes nothing before [`AuditTopic::run`].
    pub fn new(input: AuditTopicInput, metrics: &AuditMetrics) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        metrics.queue_max.set(QUEUE_MAX as i64);
        Self {
            name: input.name,
            sender,
            receiver,
            topics: input.topics,
            creation: input.creation,
            clock: input.clock,
            queued: metrics.queue.clone(),
            dropped: metrics.dropped.clone(),
        }
    }

    /// Where records are put.
    pub fn queue(&self) -> mpsc::Sender<Bytes> {
        self.sender.clone()
    }

    /// Writes what comes, for ever.
    pub async fn run(mut self) {
        let mut records = Vec::with_capacity(BATCH_MAX);
        loop {
            let taken = self.receiver.recv_many(&mut records, BATCH_MAX).await;
            if taken == 0 {
                return;
            }
            self.queued.set(self.receiver.len() as i64);
            let count = records.len();
            if let Err(reason) = self.write(&records).await {
                self.dropped.inc_by(count as u64);
                tracing::error!(
                    topic.name = self.name,
                    count,
                    reason,
                    "audit records not in the topic"
                );
            }
            records.clear();
        }
    }

    async fn write(&self, records: &[Bytes]) -> Result<(), String> {
        let mut reason = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(RETRY).await;
            }
            let written = match self.topic().await {
                Ok(topic) => self.append(&topic, records),
                Err(reason) => Err(reason),
            };
            match written {
                Ok(()) => return Ok(()),
                Err(error) => reason = error,
            }
        }
        Err(reason)
    }

    async fn topic(&self) -> Result<Arc<Topic>, String> {
        if let Some(topic) = self.topics.table().named(&self.name) {
            return Ok(Arc::clone(topic));
        }
        let wish = Wish {
            name: self.name.clone(),
            partitions: 1,
            // As the coordinators' topics: three copies, or as many as there can be.
            replication_factor: i16::try_from(self.creation.brokers().clamp(1, 3)).unwrap_or(1),
            ..Wish::default()
        };
        let permits = Permits::unlimited();
        for outcome in self.creation.create(vec![wish], &permits).await {
            if let Err(refusal) = outcome
                && refusal.code != ErrorCode::TopicAlreadyExists
            {
                return Err(refusal.to_string());
            }
        }
        let table = self.topics.table();
        let found = table.named(&self.name).cloned();
        found.ok_or_else(|| "the topic is not there".to_owned())
    }

    /// All go to the first partition: they have one order.
    fn append(&self, topic: &Topic, records: &[Bytes]) -> Result<(), String> {
        let partition = topic.partition(0).ok_or("partition 0 is not led here")?;
        let most = usize::try_from(topic.config.max_message_bytes).unwrap_or(0);
        let meta = AppendMeta {
            leader_epoch: partition.leader_epoch(),
            origin: Origin::Coordinator,
        };
        let append = |batch: BatchBuilder| {
            let count = u64::try_from(batch.records_count()).unwrap_or(0);
            let batch = batch.build().map_err(|error| error.to_string())?;
            let appended = partition.log.append(&batch, &meta);
            appended.map_err(|error| error.to_string())?;
            topic.metrics.messages_in.inc_by(count);
            topic.metrics.bytes_in.inc_by(batch.len() as u64);
            partition.waiters.appended(batch.len() as u64);
            Ok::<(), String>(())
        };
        let now_ms = self.clock.wall_ms();
        let mut batch = BatchBuilder::new(Codec::None);
        for record in records {
            let size = record.len() + RECORD_OVERHEAD_BYTES;
            if !batch.is_empty() && batch.size() + size > most {
                let full = std::mem::replace(&mut batch, BatchBuilder::new(Codec::None));
                append(full)?;
            }
            let added = batch.append(now_ms, None, Some(record), &[]);
            added.map_err(|error| error.to_string())?;
        }
        append(batch)
    }
}
