//! `__consumer_offsets`: made when it is first needed, and its partitions as shards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwapOption;
use limpid_coordinator::{Assignor, ConsumerLimits, Limits, Now, ShareLimits};
use limpid_protocol::ErrorCode;
use limpid_protocol::records::Codec;
use parking_lot::Mutex;

use super::load;
use super::shard::Shard;
use crate::blocking::Blocking;
use crate::coordinator_log;
use crate::quotas::mutations::Permits;
use crate::settings::Settings;
use crate::topic_creation::{TopicCreation, Wish};
use crate::topics::{Topic, Topics};

/// Its name.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";
const MINUTE_MS: i64 = 60_000;

/// The topic and its shards.
pub(super) struct OffsetsTopic {
    topics: Arc<Topics>,
    creation: Arc<TopicCreation>,
    settings: Arc<Settings>,
    blocking: Arc<Blocking>,
    table: ArcSwapOption<Table>,
    changing: Mutex<()>,
    /// What the shards were told last.
    limits_seen: Mutex<Option<Limits>>,
}

/// The shards at one moment.
pub(super) struct Table {
    topic: Arc<Topic>,
    shards: Vec<Option<Arc<Shard>>>,
}

impl Table {
    pub(super) fn partition_of(&self, group_id: &str) -> i32 {
        coordinator_log::partition_of(group_id, self.shards.len())
    }

    pub(super) fn shard_of(&self, group_id: &str) -> Option<Arc<Shard>> {
        self.shard(self.partition_of(group_id))
    }

    pub(super) fn shard(&self, index: i32) -> Option<Arc<Shard>> {
        self.shards.get(usize::try_from(index).ok()?)?.clone()
    }
}

impl OffsetsTopic {
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
            limits_seen: Mutex::new(None),
        }
    }

    /// The shards as last seen.
    pub(super) fn loaded(&self) -> Vec<Arc<Shard>> {
        let table = self.table.load();
        let shards = table.iter().flat_map(|table| table.shards.iter());
        shards.flatten().cloned().collect()
    }

    /// The topics that groups read.
    pub(super) fn topics(&self) -> &Topics {
        &self.topics
    }

    /// Shards that were read since the last call.
    pub(super) fn newly_loaded(&self) -> Vec<Arc<Shard>> {
        let mut shards = self.loaded();
        shards.retain(|shard| shard.claim_check());
        shards
    }

    /// The shards; the topic is made if it isn't there.
    pub(super) async fn ensure(&self, now: Now) -> Result<Arc<Table>, ErrorCode> {
        if let Some(table) = self.follow(now) {
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
                tracing::warn!(error = %refusal, "{OFFSETS_TOPIC} can't be created");
                return Err(ErrorCode::CoordinatorNotAvailable);
            }
        }
        self.follow(now).ok_or(ErrorCode::CoordinatorNotAvailable)
    }

    fn wish(&self) -> Wish {
        let config = self.settings.current();
        let groups = &config.broker().groups;
        let settings = [
            ("cleanup.policy", "compact".to_owned()),
            ("compression.type", "producer".to_owned()),
            ("segment.bytes", groups.topic_segment_bytes.to_string()),
        ];
        let settings = settings.map(|(key, value)| (key.to_owned(), Some(value)));
        let brokers = self.creation.brokers();
        // Kafka's default of 3 can't be met by fewer brokers, and without the topic there would be
        // no groups at all.
        let replicas = groups.topic_replication_factor.min(brokers).max(1);
        Wish {
            name: OFFSETS_TOPIC.to_owned(),
            partitions: groups.topic_partitions,
            replication_factor: i16::try_from(replicas).unwrap_or(1),
            configs: settings.to_vec(),
            ..Wish::default()
        }
    }

    /// Makes the shards follow the topic. New ones are read by a task of their own.
    pub(super) fn follow(&self, now: Now) -> Option<Arc<Table>> {
        let topics = self.topics.table();
        let topic = topics.named(OFFSETS_TOPIC);
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
        self.close_lost(now, known.as_deref(), next.as_deref());
        if let Some(next) = &next {
            self.read_new(now, next);
        }
        next
    }

    fn table_of(&self, topic: &Arc<Topic>, known: Option<&Table>) -> Table {
        let count = i32::try_from(topic.partition_count()).unwrap_or(i32::MAX);
        let shard = |index: i32| {
            let partition = topic.partition(index)?;
            let before = known.and_then(|table| {
                let shard = table.shards.get(usize::try_from(index).ok()?)?.as_ref()?;
                Arc::ptr_eq(&shard.partition, partition).then_some(shard)
            });
            if let Some(before) = before {
                before.update(topic, self.limits());
                return Some(Arc::clone(before));
            }
            let (topic, partition) = (Arc::clone(topic), Arc::clone(partition));
            Some(Arc::new(Shard::new(
                topic,
                partition,
                Arc::clone(&self.topics),
                self.codec(),
                self.limits(),
            )))
        };
        Table {
            topic: Arc::clone(topic),
            shards: (0..count).map(shard).collect(),
        }
    }

    fn close_lost(&self, now: Now, before: Option<&Table>, after: Option<&Table>) {
        let kept = |shard: &Arc<Shard>| {
            let shards = after.into_iter().flat_map(|t| t.shards.iter().flatten());
            shards.into_iter().any(|one| Arc::ptr_eq(one, shard))
        };
        let shards = before.into_iter().flat_map(|t| t.shards.iter().flatten());
        for shard in shards.filter(|shard| !kept(shard)) {
            let (shard, delivery) = (
                Arc::clone(shard),
                shard.close(now, ErrorCode::NotCoordinator),
            );
            tokio::spawn(async move { delivery.send(&shard).await });
        }
    }

    fn read_new(&self, now: Now, table: &Table) {
        let shards = table.shards.iter().flatten();
        let new: Vec<Arc<Shard>> = shards.filter(|s| s.claim_load()).cloned().collect();
        if new.is_empty() {
            return;
        }
        let piece_bytes = self.settings.current().broker().groups.load_buffer_bytes;
        let (blocking, limits) = (Arc::clone(&self.blocking), self.limits());
        tokio::spawn(async move {
            let began = Instant::now();
            let partitions = new.len();
            for shard in new {
                read(&blocking, shard, limits.clone(), piece_bytes, now).await;
            }
            let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            tracing::info!(partitions, duration_ms, "consumer groups are loaded");
        });
    }

    pub(super) fn limits(&self) -> Limits {
        let config = self.settings.current();
        let groups = &config.broker().groups;
        let minutes = i64::from(groups.offsets_retention_minutes);
        Limits {
            initial_rebalance_delay_ms: u64::try_from(groups.initial_rebalance_delay_ms)
                .unwrap_or(0),
            session_timeout_ms_min: groups.session_timeout_ms_min,
            session_timeout_ms_max: groups.session_timeout_ms_max,
            group_size_max: usize::try_from(groups.size_max).unwrap_or(usize::MAX),
            offset_metadata_max: usize::try_from(groups.offset_metadata_bytes_max).unwrap_or(0),
            offsets_retention_ms: minutes.saturating_mul(MINUTE_MS),
            consumer_size_max: usize::try_from(groups.consumer.size_max).unwrap_or(usize::MAX),
            assignors: assignors(&groups.consumer.assignors),
            consumer: ConsumerLimits {
                session_timeout_ms: groups.consumer.session_timeout_ms,
                heartbeat_interval_ms: groups.consumer.heartbeat_interval_ms,
                assignment_interval_ms: groups.consumer.assignment_interval_ms,
            },
            consumer_by_group: self.consumer_by_group(),
            share_size_max: usize::try_from(groups.share.size_max).unwrap_or(usize::MAX),
            share: ShareLimits {
                session_timeout_ms: groups.share.session_timeout_ms,
                heartbeat_interval_ms: groups.share.heartbeat_interval_ms,
                assignment_interval_ms: groups.share.assignment_interval_ms,
            },
            share_by_group: self.share_by_group(),
            upgrades: groups.consumer.upgrades,
            downgrades: groups.consumer.downgrades,
        }
    }

    fn consumer_by_group(&self) -> Arc<BTreeMap<String, ConsumerLimits>> {
        let groups = self.settings.groups();
        let groups = groups.iter().map(|(group, own)| {
            let limits = ConsumerLimits {
                session_timeout_ms: own.consumer_session_timeout_ms,
                heartbeat_interval_ms: own.consumer_heartbeat_interval_ms,
                assignment_interval_ms: own.consumer_assignment_interval_ms,
            };
            (group.clone(), limits)
        });
        Arc::new(groups.collect())
    }

    fn share_by_group(&self) -> Arc<BTreeMap<String, ShareLimits>> {
        let groups = self.settings.groups();
        let groups = groups.iter().map(|(group, own)| {
            let limits = ShareLimits {
                session_timeout_ms: own.share.session_timeout_ms,
                heartbeat_interval_ms: own.share.heartbeat_interval_ms,
                assignment_interval_ms: own.share.assignment_interval_ms,
            };
            (group.clone(), limits)
        });
        Arc::new(groups.collect())
    }

    /// Hands changed settings to the shards.
    pub(super) fn follow_settings(&self) {
        let limits = self.limits();
        let mut seen = self.limits_seen.lock();
        if seen.as_ref() != Some(&limits) {
            for shard in self.loaded() {
                shard.set_limits(limits.clone());
            }
            *seen = Some(limits);
        }
    }

    fn codec(&self) -> Codec {
        let codec = self.settings.current().broker().groups.topic_codec;
        let codec = u8::try_from(codec).ok().and_then(Codec::from_id);
        codec.unwrap_or(Codec::None)
    }
}

/// Those of the configured assignors that there are; classes of Java can't be loaded here.
fn assignors(names: &[String]) -> Vec<Assignor> {
    let (known, unknown): (Vec<_>, Vec<_>) = names
        .iter()
        .partition(|name| Assignor::named(name).is_some());
    if !unknown.is_empty() {
        tracing::warn!(assignors = ?unknown, "group.consumer.assignors: these are not offered");
    }
    let known: Vec<Assignor> = known
        .iter()
        .filter_map(|name| Assignor::named(name))
        .collect();
    if known.is_empty() {
        return Assignor::ALL.to_vec();
    }
    known
}

async fn read(
    blocking: &Blocking,
    shard: Arc<Shard>,
    limits: Limits,
    piece_bytes: usize,
    now: Now,
) {
    let log = Arc::clone(&shard.partition.log);
    let job = move || load::load(&log, limits, piece_bytes, now);
    let delivery = match blocking.run(job).await {
        Ok(Ok(coordinator)) => shard.loaded(now, coordinator),
        Ok(Err(error)) => {
            let partition = shard.partition.index;
            tracing::error!(partition, %error, "consumer groups can't be read");
            shard.close(now, ErrorCode::NotCoordinator)
        }
        Err(error) => {
            tracing::error!(%error, "consumer groups can't be read");
            shard.close(now, ErrorCode::NotCoordinator)
        }
    };
    // Nobody waits for groups that were just read.
    let _nobody = delivery.send(&shard).await.is_err();
}
