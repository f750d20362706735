//! `__share_group_state`: made when it is first needed, and its partitions as shards.

use std::sync::Arc;

use limpid_coordinator::share_state::StateKey;
use limpid_protocol::ErrorCode;

use super::load::load;
use super::shard::Shard;
use crate::blocking::Blocking;
use crate::coordinator_log::codec_of;
use crate::coordinator_log::load::Reading;
use crate::coordinator_log::sharded::{self, Owner, ShardedTopic, read_each};
use crate::metrics::ShareMetrics;
use crate::settings::Settings;
use crate::topic_creation::{TopicCreation, Wish};
use crate::topics::{Partition, Topic, Topics};

/// Its name.
const STATE_TOPIC: &str = "__share_group_state";
/// What lies in it.
const WHAT: &str = "states of share groups";

/// The shards at one moment.
pub(super) type Table = sharded::Table<Shard>;

/// The topic and its shards.
pub(super) struct StateTopic {
    shards: ShardedTopic<Shard>,
    settings: Arc<Settings>,
    blocking: Arc<Blocking>,
    metrics: ShareMetrics,
}

impl StateTopic {
    pub(super) fn new(
        topics: Arc<Topics>,
        creation: Arc<TopicCreation>,
        settings: Arc<Settings>,
        blocking: Arc<Blocking>,
        metrics: ShareMetrics,
    ) -> Self {
        Self {
            shards: ShardedTopic::new(STATE_TOPIC, topics, creation),
            settings,
            blocking,
            metrics,
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

    /// The shard that keeps what `key` names; the topic is made if it isn't there.
    pub(super) async fn shard_of(&self, key: &StateKey) -> Result<Arc<Shard>, ErrorCode> {
        self.ensure().await?.shard_of(&key.coordinator_key())
    }

    /// Makes the shards follow the topic. New ones are read by a task of their own.
    pub(super) fn follow(&self) -> Option<Arc<Table>> {
        self.shards.follow(self)
    }

    fn wish(&self) -> Wish {
        let config = self.settings.current();
        let config = &config.broker().groups.share;
        // Kafka's defaults of 3 replicas, 2 of them in sync, can't be met by fewer brokers, and
        // without the topic there would be no share groups at all.
        let brokers = self.shards.brokers();
        let replicas = config.topic_replication_factor.min(brokers).max(1);
        let in_sync = config.topic_min_insync_replicas.min(replicas);
        let settings = [
            ("cleanup.policy", "delete".to_owned()),
            ("compression.type", "producer".to_owned()),
            ("min.insync.replicas", in_sync.to_string()),
            // It is cut behind the oldest snapshot that is needed, see `rounds`.
            ("retention.ms", "-1".to_owned()),
            ("segment.bytes", config.topic_segment_bytes.to_string()),
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
        let config = self.settings.current();
        let codec = codec_of(config.broker().groups.share.topic_codec);
        Shard::new(topic, partition, codec, self.metrics.writes.clone())
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
            piece_bytes: config.broker().groups.share.load_buffer_bytes,
            seconds: self.metrics.load.clone(),
        };
        let read = |shard: Arc<Shard>| {
            let (blocking, reading) = (Arc::clone(&self.blocking), reading.clone());
            async move {
                match reading.run(&blocking, &shard.partition.log, load).await {
                    Some(loaded) => shard.loaded(loaded),
                    None => shard.close(),
                }
            }
        };
        read_each(new.into_iter().map(read).collect(), WHAT);
    }
}
