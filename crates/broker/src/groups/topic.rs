//! `__consumer_offsets`: made when it is first needed, and its partitions as shards.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_coordinator::{Assignor, ConsumerLimits, Limits, Now, ShareLimits};
use limpid_protocol::ErrorCode;
use limpid_telemetry::Histogram;
use parking_lot::Mutex;

use super::load::load;
use super::shard::Shard;
use crate::blocking::Blocking;
use crate::coordinator_log::codec_of;
use crate::coordinator_log::load::Reading;
use crate::coordinator_log::sharded::{self, Owner, ShardedTopic, read_each};
use crate::settings::Settings;
use crate::topic_creation::{TopicCreation, Wish};
use crate::topics::{Partition, Topic, Topics};

/// Its name.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";
/// What lies in it.
const WHAT: &str = "consumer groups";
const MINUTE_MS: i64 = 60_000;

/// The topic and its shards.
pub(super) struct OffsetsTopic {
    shards: ShardedTopic<Shard>,
    settings: Arc<Settings>,
    blocking: Arc<Blocking>,
    /// What the shards were told last.
    limits_seen: Mutex<Option<Limits>>,
    loads: Histogram,
}

/// The shards at one moment.
pub(super) type Table = sharded::Table<Shard>;

/// The topic as it is seen at one moment.
struct At<'a> {
    topic: &'a OffsetsTopic,
    now: Now,
    /// Made when it is first needed.
    limits: OnceCell<Limits>,
}

impl OffsetsTopic {
    pub(super) fn new(
        topics: Arc<Topics>,
        creation: Arc<TopicCreation>,
        settings: Arc<Settings>,
        blocking: Arc<Blocking>,
        loads: Histogram,
    ) -> Self {
        Self {
            shards: ShardedTopic::new(OFFSETS_TOPIC, topics, creation),
            settings,
            loads,
            blocking,
            limits_seen: Mutex::new(None),
        }
    }

    /// The shards as last seen.
    pub(super) fn loaded(&self) -> Vec<Arc<Shard>> {
        self.shards.shards()
    }

    /// The topics that groups read.
    pub(super) fn topics(&self) -> &Topics {
        self.shards.topics()
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
        self.shards.make(self.wish()).await?;
        self.follow(now).ok_or(ErrorCode::CoordinatorNotAvailable)
    }

    /// Makes the shards follow the topic. New ones are read by a task of their own.
    pub(super) fn follow(&self, now: Now) -> Option<Arc<Table>> {
        self.shards.follow(&At {
            topic: self,
            now,
            limits: OnceCell::new(),
        })
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
        let brokers = self.shards.brokers();
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
}

impl At<'_> {
    fn limits(&self) -> Limits {
        self.limits.get_or_init(|| self.topic.limits()).clone()
    }
}

impl Owner<Shard> for At<'_> {
    fn open(&self, topic: Arc<Topic>, partition: Arc<Partition>) -> Shard {
        let config = self.topic.settings.current();
        let codec = codec_of(config.broker().groups.topic_codec);
        let topics = Arc::clone(self.topic.shards.topics());
        Shard::new(topic, partition, topics, codec, self.limits())
    }

    fn update(&self, shard: &Shard, topic: &Arc<Topic>) {
        shard.update(topic, self.limits());
    }

    fn close(&self, shard: &Arc<Shard>) {
        let (shard, delivery) = (Arc::clone(shard), shard.close(self.now));
        tokio::spawn(async move { delivery.send(&shard).await });
    }

    fn read(&self, new: Vec<Arc<Shard>>) {
        let config = self.topic.settings.current();
        let reading = Reading {
            what: WHAT,
            piece_bytes: config.broker().groups.load_buffer_bytes,
            seconds: self.topic.loads.clone(),
        };
        let now = self.now;
        let read = |shard: Arc<Shard>| {
            let (blocking, reading) = (Arc::clone(&self.topic.blocking), reading.clone());
            let limits = self.limits();
            let job = move |reading: &Reading, log: &_| load(reading, log, limits, now);
            async move {
                let delivery = match reading.run(&blocking, &shard.partition.log, job).await {
                    Some(coordinator) => shard.loaded(now, coordinator),
                    None => shard.close(now),
                };
                // Nobody waits for groups that were just read.
                let _nobody = delivery.send(&shard).await.is_err();
            }
        };
        read_each(new.into_iter().map(read).collect(), WHAT);
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
