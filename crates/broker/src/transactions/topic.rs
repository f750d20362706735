//! `__transaction_state`: made when it is first needed, and its partitions as shards.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwapOption;
use limpid_coordinator::transactions::Transactions;
use limpid_protocol::ErrorCode;
use limpid_protocol::records::{BatchView, Batches, RecordsError};
use limpid_storage::{PartitionLog, ReadError};
use parking_lot::Mutex;

use super::shard::Shard;
use crate::blocking::Blocking;
use crate::coordinator_log;
use crate::quotas::mutations::Permits;
use crate::settings::Settings;
use crate::topic_creation::{TopicCreation, Wish};
use crate::topics::{Topic, Topics};

/// Its name.
pub(crate) const STATE_TOPIC: &str = "__transaction_state";
/// Largest batch after decompression.
const BATCH_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The topic and its shards.
pub(super) struct StateTopic {
    topics: Arc<Topics>,
    creation: Arc<TopicCreation>,
    settings: Arc<Settings>,
    blocking: Arc<Blocking>,
    table: ArcSwapOption<Table>,
    changing: Mutex<()>,
}

/// The shards at one moment.
pub(super) struct Table {
    topic: Arc<Topic>,
    shards: Vec<Option<Arc<Shard>>>,
}

impl Table {
    pub(super) fn partition_of(&self, id: &str) -> i32 {
        coordinator_log::partition_of(id, self.shards.len())
    }

    pub(super) fn shard_of(&self, id: &str) -> Option<Arc<Shard>> {
        let index = usize::try_from(self.partition_of(id)).ok()?;
        self.shards.get(index)?.clone()
    }
}

impl StateTopic {
    pub(super) fn new(
        topics: Arc<Topics>,
        creation: Arc<TopicCreation>,
        settings: Arc<Settings>,
        blocking: Arc<Blocking>,
    ) -> Self {
        Self {
            topics,
            creation,
            settings,
            blocking,
            table: ArcSwapOption::empty(),
            changing: Mutex::new(()),
        }
    }

    /// The shards as last seen.
    pub(super) fn shards(&self) -> Vec<Arc<Shard>> {
        let table = self.table.load();
        let shards = table.iter().flat_map(|table| table.shards.iter());
        shards.flatten().cloned().collect()
    }

    /// The shards; the topic is made if it isn't there.
    pub(super) async fn ensure(&self) -> Result<Arc<Table>, ErrorCode> {
        if let Some(table) = self.follow() {
            return Ok(table);
        }
        for outcome in self
            .creation
            .create(vec![self.wish()], &Permits::unlimited())
            .await
        {
            if let Err(refusal) = outcome
                && refusal.code != ErrorCode::TopicAlreadyExists
            {
                tracing::warn!(error = %refusal, "{STATE_TOPIC} can't be created");
                return Err(ErrorCode::CoordinatorNotAvailable);
            }
        }
        self.follow().ok_or(ErrorCode::CoordinatorNotAvailable)
    }

    fn wish(&self) -> Wish {
        let config = self.settings.current();
        let config = &config.broker().transactions;
        // Kafka's defaults of 3 replicas, 2 of them in sync, can't be met by fewer brokers, and
        // without the topic there would be no transactions at all.
        let brokers = self.creation.brokers();
        let replicas = config.topic_replication_factor.min(brokers).max(1);
        let in_sync = config.topic_min_insync_replicas.min(replicas);
        let settings = [
            ("cleanup.policy", "compact".to_owned()),
            ("compression.type", "uncompressed".to_owned()),
            ("min.insync.replicas", in_sync.to_string()),
            ("segment.bytes", config.topic_segment_bytes.to_string()),
            ("unclean.leader.election.enable", "false".to_owned()),
        ];
        let settings = settings.map(|(key, value)| (key.to_owned(), Some(value)));
        Wish {
            name: STATE_TOPIC.to_owned(),
            partitions: config.topic_partitions,
            replication_factor: i16::try_from(replicas).unwrap_or(1),
            configs: settings.to_vec(),
            ..Wish::default()
        }
    }

    /// Makes the shards follow the topic. New ones are read by a task of their own.
    pub(super) fn follow(&self) -> Option<Arc<Table>> {
        let topics = self.topics.table();
        let topic = topics.named(STATE_TOPIC);
        let known = self.table.load_full();
        let same = match (topic, &known) {
            (None, None) => true,
            (Some(topic), Some(known)) => Arc::ptr_eq(topic, &known.topic),
            _ => false,
        };
        if same {
            return known;
        }
        let _guard = self.changing.lock();
        let known = self.table.load_full();
        let next = topic.map(|topic| Arc::new(table_of(topic, known.as_deref())));
        self.table.store(next.clone());
        close_lost(known.as_deref(), next.as_deref());
        if let Some(next) = &next {
            self.read_new(next);
        }
        next
    }

    fn read_new(&self, table: &Table) {
        let shards = table.shards.iter().flatten();
        let new: Vec<Arc<Shard>> = shards.filter(|s| s.claim_load()).cloned().collect();
        if new.is_empty() {
            return;
        }
        let piece_bytes = self
            .settings
            .current()
            .broker()
            .transactions
            .load_buffer_bytes;
        let blocking = Arc::clone(&self.blocking);
        tokio::spawn(async move {
            let began = Instant::now();
            let partitions = new.len();
            for shard in new {
                read(&blocking, &shard, piece_bytes).await;
            }
            let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(partitions, duration_ms, "transactions are loaded");
        });
    }
}

fn table_of(topic: &Arc<Topic>, known: Option<&Table>) -> Table {
    let count = i32::try_from(topic.partition_count()).unwrap_or(i32::MAX);
    let shard = |index: i32| {
        let partition = topic.partition(index)?;
        let before = known.and_then(|table| {
            let shard = table.shards.get(usize::try_from(index).ok()?)?.as_ref()?;
            Arc::ptr_eq(&shard.partition, partition).then_some(shard)
        });
        if let Some(before) = before {
            before.update(topic);
            return Some(Arc::clone(before));
        }
        Some(Arc::new(Shard::new(
            Arc::clone(topic),
            Arc::clone(partition),
        )))
    };
    Table {
        topic: Arc::clone(topic),
        shards: (0..count).map(shard).collect(),
    }
}

fn close_lost(before: Option<&Table>, after: Option<&Table>) {
    let kept = |shard: &Arc<Shard>| {
        let mut shards = after.into_iter().flat_map(|t| t.shards.iter().flatten());
        shards.any(|one| Arc::ptr_eq(one, shard))
    };
    let shards = before.into_iter().flat_map(|t| t.shards.iter().flatten());
    for shard in shards.filter(|shard| !kept(shard)) {
        shard.close();
    }
}

async fn read(blocking: &Blocking, shard: &Shard, piece_bytes: usize) {
    let log = Arc::clone(&shard.partition.log);
    let partition = shard.partition.index;
    match blocking.run(move || load(&log, piece_bytes)).await {
        Ok(Ok(transactions)) => shard.loaded(transactions),
        Ok(Err(error)) => {
            tracing::error!(partition, %error, "transactions can't be read");
            shard.close();
        }
        Err(error) => {
            tracing::error!(partition, %error, "transactions can't be read");
            shard.close();
        }
    }
}

/// Why a partition could not be read.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("a batch is damaged: {0}")]
    Batch(#[from] RecordsError),
}

/// Reads the whole partition, in pieces. Blocking.
fn load(log: &Arc<PartitionLog>, piece_bytes: usize) -> Result<Transactions, LoadError> {
    let mut transactions = Transactions::default();
    let mut unreadable = 0_u64;
    let (mut offset, end) = (log.log_start_offset(), log.log_end_offset());
    while offset < end {
        let pieces = log.read(offset, piece_bytes, end, true)?.into_batches()?;
        let before = offset;
        for bytes in &pieces {
            for batch in Batches::new(bytes) {
                let batch = batch?;
                unreadable += replay(&mut transactions, &batch)?;
                offset = offset.max(batch.header().next_offset());
            }
        }
        if offset == before {
            // Nothing readable up to the end: compaction may have taken it.
            break;
        }
    }
    if unreadable > 0 {
        tracing::warn!(
            partition = log.partition(),
            records = unreadable,
            "records of transactions could not be read, they are left alone"
        );
    }
    Ok(transactions)
}

/// Takes over the records of a batch; how many could not be read.
fn replay(transactions: &mut Transactions, batch: &BatchView<'_>) -> Result<u64, RecordsError> {
    if batch.header().attributes.is_control() {
        return Ok(0);
    }
    let (mut scratch, mut unreadable) = (Vec::new(), 0);
    for record in batch.records_with(BATCH_BYTES_MAX, &mut scratch)? {
        let record = record?;
        let Some(key) = record.key else { continue };
        if transactions.replay(key, record.value).is_err() {
            unreadable += 1;
        }
    }
    Ok(unreadable)
}
