//! `__transaction_state`: made when it is first needed, and its partitions as shards.

use std::sync::Arc;

use limpid_coordinator::transactions::Transactions;
use limpid_protocol::ErrorCode;
use limpid_protocol::records::{BatchView, RecordsError};
use limpid_storage::PartitionLog;
use limpid_telemetry::Histogram;

use super::shard::Shard;
use crate::blocking::Blocking;
use crate::coordinator_log::load::{LoadError, Reading, each_record};
use crate::coordinator_log::sharded::{Owner, ShardedTopic, read_each};
use crate::settings::Settings;
use crate::topic_creation::{TopicCreation, Wish};
use crate::topics::{Partition, Topic, Topics};

/// Its name.
pub(crate) const STATE_TOPIC: &str = "__transaction_state";
/// What lies in it.
const WHAT: &str = "transactions";

/// The shards at one moment.
pub(super) type Table = crate::coordinator_log::sharded::Table<Shard>;

/// The topic and its shards.
pub(super) struct StateTopic {
    shards: ShardedTopic<Shard>,
    settings: Arc<Settings>,
    blocking: Arc<Blocking>,
    loads: Histogram,
}

impl StateTopic {
    pub(super) fn new(
        topics: Arc<Topics>,
        creation: Arc<TopicCreation>,
        settings: Arc<Settings>,
        blocking: Arc<Blocking>,
        loads: Histogram,
    ) -> Self {
        Self {
            shards: ShardedTopic::new(STATE_TOPIC, topics, creation),
            settings,
            blocking,
            loads,
        }
    }

    /// The shards as last seen.
    pub(super) fn shards(&self) -> Vec<Arc<Shard>> {
        self.shards.shards()
    }

    /// The shards; the topic is made if it isn't there.
    pub(super) async fn ensure(&self) -> Result<Arc<Table>, ErrorCode> {
        if let Some(table) = self.follow() {
            return Ok(table);
        }
        self.shards.make(self.wish()).await?;
        self.follow().ok_or(ErrorCode::CoordinatorNotAvailable)
    }

    /// Makes the shards follow the topic. New ones are read by a task of their own.
    pub(super) fn follow(&self) -> Option<Arc<Table>> {
        self.shards.follow(self)
    }

    fn wish(&self) -> Wish {
        let config = self.settings.current();
        let config = &config.broker().transactions;
        // Kafka's defaults of 3 replicas, 2 of them in sync, can't be met by fewer brokers, and
        // without the topic there would be no transactions at all.
        let brokers = self.shards.brokers();
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
}

impl Owner<Shard> for StateTopic {
    fn open(&self, topic: Arc<Topic>, partition: Arc<Partition>) -> Shard {
        Shard::new(topic, partition)
    }

    fn update(&self, shard: &Shard, topic: &Arc<Topic>) {
        shard.update(topic);
    }

    fn close(&self, shard: &Arc<Shard>) {
        shard.close();
    }

    fn read(&self, new: Vec<Arc<Shard>>) {
        let config = self.settings.current();
        let reading = Reading {
            what: WHAT,
            piece_bytes: config.broker().transactions.load_buffer_bytes,
            seconds: self.loads.clone(),
        };
        let read = |shard: Arc<Shard>| {
            let (blocking, reading) = (Arc::clone(&self.blocking), reading.clone());
            async move {
                match reading.run(&blocking, &shard.partition.log, load).await {
                    Some(transactions) => shard.loaded(transactions),
                    None => shard.close(),
                }
            }
        };
        read_each(new.into_iter().map(read).collect(), WHAT);
    }
}

/// Reads the whole partition. Blocking.
fn load(reading: &Reading, log: &Arc<PartitionLog>) -> Result<Transactions, LoadError> {
    let mut transactions = Transactions::default();
    reading.each_batch(log, |batch| replay(&mut transactions, batch))?;
    Ok(transactions)
}

/// Takes over the records of a batch; how many could not be read.
fn replay(transactions: &mut Transactions, batch: &BatchView<'_>) -> Result<u64, RecordsError> {
    if batch.header().attributes.is_control() {
        return Ok(0);
    }
    each_record(batch, &mut Vec::new(), |record, key| {
        transactions.replay(key, record.value)
    })
}
