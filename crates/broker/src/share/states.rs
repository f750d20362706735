//! `__share_group_state`: made when it is first needed, and its partitions as shards.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwapOption;
use limpid_coordinator::share_state::StateKey;
use limpid_protocol::ErrorCode;
use limpid_protocol::records::Codec;
use parking_lot::Mutex;

use super::load::load;
use super::shard::Shard;
use crate::blocking::Blocking;
use crate::coordinator_log;
use crate::quotas::mutations::Permits;
use crate::settings::Settings;
use crate::topic_creation::{TopicCreation, Wish};
use crate::topics::{Topic, Topics};

/// Its name.
const STATE_TOPIC: &str = "__share_group_state";

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
    pub(super) fn partition_of(&self, coordinator_key: &str) -> i32 {
        coordinator_log::partition_of(coordinator_key, self.shards.len())
    }

    pub(super) fn shard_of(&self, key: &StateKey) -> Result<Arc<Shard>, ErrorCode> {
        let index = usize::try_from(self.partition_of(&key.coordinator_key()));
        let shard = index.ok().and_then(|index| self.shards.get(index)?.clone());
        shard.ok_or(ErrorCode::NotCoordinator)
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
        let config = &config.broker().groups.share;
        // Kafka's defaults of 3 replicas, 2 of them in sync, can't be met by fewer brokers, and
        // without the topic there would be no share groups at all.
        let brokers = self.creation.brokers();
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
        let next = topic.map(|topic| Arc::new(self.table_of(topic, known.as_deref())));
        self.table.store(next.clone());
        close_lost(known.as_deref(), next.as_deref());
        if let Some(next) = &next {
            self.read_new(next);
        }
        next
    }

    fn table_of(&self, topic: &Arc<Topic>, known: Option<&Table>) -> Table {
        let codec = self.settings.current().broker().groups.share.topic_codec;
        let codec = u8::try_from(codec).ok().and_then(Codec::from_id);
        let codec = codec.unwrap_or(Codec::None);
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
            let (topic, partition) = (Arc::clone(topic), Arc::clone(partition));
            Some(Arc::new(Shard::new(topic, partition, codec)))
        };
        Table {
            topic: Arc::clone(topic),
            shards: (0..count).map(shard).collect(),
        }
    }

    fn read_new(&self, table: &Table) {
        let shards = table.shards.iter().flatten();
        let new: Vec<Arc<Shard>> = shards.filter(|s| s.claim_load()).cloned().collect();
        if new.is_empty() {
            return;
        }
        let config = self.settings.current();
        let piece_bytes = config.broker().groups.share.load_buffer_bytes;
        let blocking = Arc::clone(&self.blocking);
        tokio::spawn(async move {
            let began = Instant::now();
            let partitions = new.len();
            for shard in new {
                read(&blocking, &shard, piece_bytes).await;
            }
            let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(partitions, duration_ms, "states of share groups are loaded");
        });
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
        Ok(Ok(loaded)) => shard.loaded(loaded),
        Ok(Err(error)) => {
            tracing::error!(partition, %error, "states of share groups can't be read");
            shard.close();
        }
        Err(error) => {
            tracing::error!(partition, %error, "states of share groups can't be read");
            shard.close();
        }
    }
}
