//! The topics this broker serves: what the data path looks partitions up in.
//!
//! The table follows the metadata image: [`Topics::apply`] makes the logs of new partitions,
//! deletes those of removed topics, and publishes a new table. Lookups take no lock. Partitions are
//! keyed by topic id; names only lead to ids.

use std::cmp::Ordering as CmpOrdering;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

use arc_swap::ArcSwap;
use bytes::Bytes;
use limpid_config::TopicConfig;
use limpid_platform::mixing::Mixing;
use limpid_protocol::{ErrorCode, Uuid};
use limpid_storage::metadata::{ConfigMap, ConfigResource, Image, Partition as PartitionState};
use limpid_storage::{LogManager, PartitionLog, StorageError};

use crate::delivery::Delivery;
use crate::log_config::{compaction_settings, log_config};
use crate::metrics::{BoundTopicMetrics, BrokerMetrics, ReplicaMetrics};
use crate::settings::{Settings, is_same};
use crate::waiters::Waiters;
use crate::writers::Writers;

/// Topics that belong to Kafka itself.
pub const INTERNAL_TOPICS: [&str; 3] = [
    "__consumer_offsets",
    "__transaction_state",
    "__share_group_state",
];

/// One partition that this broker leads.
#[derive(Debug)]
pub struct Partition {
    /// Its number.
    pub index: i32,
    /// Its log.
    pub log: Arc<PartitionLog>,
    /// Fetches parked here.
    pub waiters: Waiters,
    /// The record whose way to its first reader is timed.
    pub delivery: Delivery,
    leader_epoch: AtomicI32,
    in_sync: AtomicI32,
    written_aside: AtomicU32,
}

/// Somebody appends to a partition on a thread that comes last, until this is dropped.
pub struct WrittenAside<'a>(&'a AtomicU32);

impl Drop for WrittenAside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

impl Partition {
    /// Marks the partition as written to by a thread that comes last.
    pub fn write_aside(&self) -> WrittenAside<'_> {
        self.written_aside.fetch_add(1, Ordering::Acquire);
        WrittenAside(&self.written_aside)
    }

    /// Whether who appends now may have to wait for such a thread.
    pub fn is_written_aside(&self) -> bool {
        self.written_aside.load(Ordering::Acquire) > 0
    }

    /// The epoch of this broker's leadership.
    pub fn leader_epoch(&self) -> i32 {
        self.leader_epoch.load(Ordering::Acquire)
    }

    /// Replicas in sync, this one included.
    pub fn in_sync(&self) -> i32 {
        self.in_sync.load(Ordering::Acquire)
    }

    fn follow(&self, state: &PartitionState, metrics: &ReplicaMetrics) {
        self.log.begin_epoch(state.leader_epoch);
        let before = self.leader_epoch.swap(state.leader_epoch, Ordering::AcqRel);
        let in_sync = in_sync(state);
        match in_sync.cmp(&self.in_sync.swap(in_sync, Ordering::AcqRel)) {
            CmpOrdering::Less => metrics.isr_shrinks.inc(),
            CmpOrdering::Greater => metrics.isr_expands.inc(),
            CmpOrdering::Equal => {}
        }
        if before != state.leader_epoch {
            self.waiters.wake_all();
        }
    }
}

fn in_sync(state: &PartitionState) -> i32 {
    i32::try_from(state.isr.len()).unwrap_or(i32::MAX)
}

/// One topic.
#[derive(Debug)]
pub struct Topic {
    /// Its name.
    pub name: Arc<str>,
    /// Its id.
    pub id: Uuid,
    /// Kafka's own topic.
    pub internal: bool,
    /// What holds for it: its own settings over the broker's.
    pub config: Arc<TopicConfig>,
    /// Its counters.
    pub metrics: Arc<BoundTopicMetrics>,
    /// Who writes to it.
    pub writers: Arc<Writers>,
    partitions: Vec<Option<Arc<Partition>>>,
    overrides: Option<Arc<ConfigMap>>,
    state: Arc<limpid_storage::metadata::Topic>,
}

impl Topic {
    /// A partition that this broker leads.
    pub fn partition(&self, index: i32) -> Option<&Arc<Partition>> {
        self.partitions.get(usize::try_from(index).ok()?)?.as_ref()
    }

    /// `cleanup.policy` as it was set, or the broker's in Kafka's words.
    pub fn cleanup_policy(&self) -> &str {
        let set = self.overrides.as_ref();
        let set = set.and_then(|overrides| overrides.get("cleanup.policy"));
        let policy = self.config.cleanup_policy;
        match (set, policy.compact, policy.delete) {
            (Some(set), ..) => set,
            (None, true, true) => "compact,delete",
            (None, true, false) => "compact",
            (None, false, true) => "delete",
            (None, false, false) => "",
        }
    }

    /// These records of a partition are sent to a consumer (see `Delivery::delivered`).
    pub fn delivered(&self, index: i32, records: &[Bytes], end_offset: Option<i64>) {
        let partition = self.partition(index);
        let delivered =
            |partition: &Arc<Partition>| partition.delivery.delivered(records, end_offset);
        let waited = partition.and_then(delivered);
        if let Some(waited) = waited {
            self.metrics.records.deliver.observe(waited.as_secs_f64());
        }
    }

    /// The partitions that this broker leads.
    pub fn partitions(&self) -> impl Iterator<Item = &Arc<Partition>> {
        self.partitions.iter().flatten()
    }

    /// How many partitions it has, wherever they are led.
    pub fn partition_count(&self) -> usize {
        self.partitions.len()
    }

    /// Whether there is such a partition, here or elsewhere.
    pub fn has_partition(&self, index: i32) -> bool {
        self.state.partitions.contains_key(&index)
    }

    /// Why there is no such partition here: led elsewhere, or it does not exist at all.
    pub fn missing(&self, index: i32) -> ErrorCode {
        if self.state.partitions.contains_key(&index) {
            ErrorCode::NotLeaderOrFollower
        } else {
            ErrorCode::UnknownTopicOrPartition
        }
    }
}

/// All topics at one moment.
#[derive(Debug, Default)]
pub struct TopicTable {
    by_name: HashMap<Arc<str>, Arc<Topic>, Mixing>,
    by_id: HashMap<Uuid, Arc<Topic>, Mixing>,
}

impl TopicTable {
    /// By name.
    pub fn named(&self, name: &str) -> Option<&Arc<Topic>> {
        self.by_name.get(name)
    }

    /// By id.
    pub fn with_id(&self, id: Uuid) -> Option<&Arc<Topic>> {
        self.by_id.get(&id)
    }

    /// In no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.by_id.values()
    }

    fn insert(&mut self, topic: Arc<Topic>) {
        self.by_name
            .insert(Arc::clone(&topic.name), Arc::clone(&topic));
        self.by_id.insert(topic.id, topic);
    }
}

/// The table and what keeps it true.
pub struct Topics {
    table: ArcSwap<TopicTable>,
    logs: Arc<LogManager>,
    metrics: Arc<BrokerMetrics>,
    settings: Arc<Settings>,
    /// The first image has been applied: topics that come now are new.
    started: AtomicBool,
}

impl Topics {
    /// An empty table; [`Topics::apply`] fills it.
    pub fn new(
        logs: Arc<LogManager>,
        metrics: Arc<BrokerMetrics>,
        settings: Arc<Settings>,
    ) -> Self {
        Self {
            table: ArcSwap::default(),
            logs,
            metrics,
            settings,
            started: AtomicBool::new(false),
        }
    }

    /// The table now.
    pub fn table(&self) -> Arc<TopicTable> {
        self.table.load_full()
    }

    /// Makes logs and table follow `image`. Blocking: creates and deletes directories. The caller
    /// makes sure that images come in order, one at a time.
    ///
    /// # Errors
    /// What went wrong with which log; the others have been taken care of, and the next call tries
    /// again.
    pub fn apply(&self, image: &Image) -> Result<(), Vec<StorageError>> {
        let before = self.table.load_full();
        let broker_changed = self.settings.follow(image);
        if broker_changed {
            let compaction = compaction_settings(&self.settings.current().broker().compaction);
            self.logs.set_compaction(compaction);
        }
        let mut table = TopicTable::default();
        let mut errors = Vec::new();
        for state in image.topics() {
            let known = before.with_id(state.id);
            let overrides = image.configs(&ConfigResource::topic(state.name.as_ref()));
            match known {
                Some(topic) if !broker_changed && topic.is_current(state, overrides) => {
                    table.insert(Arc::clone(topic));
                }
                _ => {
                    let topic = self.open_topic(state, overrides, known, &mut errors);
                    table.insert(Arc::new(topic));
                }
            }
        }
        let gone: Vec<_> = before
            .iter()
            .filter(|t| !table.by_id.contains_key(&t.id))
            .cloned()
            .collect();
        // Logs of removed topics go before the table is published, so that a topic made again
        // under the same name finds its place free.
        for topic in &gone {
            for partition in topic.partitions() {
                if let Err(error) = self.logs.delete(&topic.name, partition.index) {
                    errors.push(error);
                }
            }
        }
        self.table.store(Arc::new(table));
        self.started.store(true, Ordering::Release);
        for partition in gone.iter().flat_map(|topic| topic.partitions()) {
            partition.waiters.wake_all();
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }

    fn open_topic(
        &self,
        state: &Arc<limpid_storage::metadata::Topic>,
        overrides: Option<&Arc<ConfigMap>>,
        known: Option<&Arc<Topic>>,
        errors: &mut Vec<StorageError>,
    ) -> Topic {
        let none = ConfigMap::new();
        let config = self
            .settings
            .current()
            .topic(overrides.map_or(&none, |map| map));
        if known.is_some() {
            self.logs.update_config(&state.name, &log_config(&config));
        }
        let count = state
            .partitions
            .last_key_value()
            .map_or(0, |(index, _)| index + 1);
        let mut partitions = Vec::new();
        for index in 0..count {
            let Some(part) = state
                .partitions
                .get(&index)
                .filter(|p| p.leader == self.settings.node_id())
            else {
                partitions.push(None);
                continue;
            };
            if let Some(partition) = known.and_then(|topic| topic.partition(index)) {
                partition.follow(part, &self.metrics.replicas);
                partitions.push(Some(Arc::clone(partition)));
                continue;
            }
            if self.may_be_elsewhere(state, index, known) {
                partitions.push(None);
                continue;
            }
            match self.open_partition(state, index, part, &config) {
                Ok(partition) => partitions.push(Some(Arc::new(partition))),
                Err(error) => {
                    errors.push(error);
                    partitions.push(None);
                }
            }
        }
        let metrics = known.map_or_else(
            || {
                let id = u128::from_be_bytes(*state.id.as_bytes());
                let all = &self.metrics;
                let families = (&all.topics, &all.records, &all.refused);
                Arc::new(BoundTopicMetrics::new(families, id, &state.name))
            },
            |topic| Arc::clone(&topic.metrics),
        );
        Topic {
            name: Arc::clone(&state.name),
            id: state.id,
            internal: INTERNAL_TOPICS.contains(&state.name.as_ref()),
            config: Arc::new(config),
            metrics,
            writers: known.map_or_else(Arc::default, |topic| Arc::clone(&topic.writers)),
            partitions,
            overrides: overrides.cloned(),
            state: Arc::clone(state),
        }
    }

    /// Whether the records of a partition without a log lie in a log directory that failed: then
    /// no empty log is made in their place. New topics go to the directories that are left.
    fn may_be_elsewhere(
        &self,
        state: &limpid_storage::metadata::Topic,
        index: i32,
        known: Option<&Arc<Topic>>,
    ) -> bool {
        let is_old = match known {
            Some(topic) => topic.state.partitions.contains_key(&index),
            None => !self.started.load(Ordering::Acquire),
        };
        if !is_old || self.logs.get(&state.name, index).is_some() {
            return false;
        }
        let failed = self.logs.dirs().into_iter().find(|dir| !dir.online);
        if let (Some(dir), None) = (&failed, known) {
            tracing::error!(
                topic.name = %state.name,
                partition = index,
                dir = %dir.path.display(),
                "not served: its log must lie in the directory that failed"
            );
        }
        failed.is_some()
    }

    /// Opens the log of a partition, or makes one. A log of the same name that belongs to another
    /// topic id is what is left of a topic deleted while this broker was down: it is set aside.
    fn open_partition(
        &self,
        topic: &limpid_storage::metadata::Topic,
        index: i32,
        state: &PartitionState,
        config: &TopicConfig,
    ) -> Result<Partition, StorageError> {
        let existing = match self.logs.get(&topic.name, index) {
            Some(log) if log.topic_id() == topic.id => Some(log),
            Some(log) if log.topic_id() == Uuid::ZERO => {
                log.set_topic_id(topic.id)?;
                Some(log)
            }
            Some(_) => {
                self.logs.mark_stray(&topic.name, index)?;
                None
            }
            None => None,
        };
        let log = match existing {
            Some(log) => {
                log.update_config(log_config(config));
                log
            }
            None => self
                .logs
                .create(&topic.name, topic.id, index, log_config(config))?,
        };
        let partition = Partition {
            index,
            log,
            waiters: Waiters::default(),
            delivery: Delivery::default(),
            leader_epoch: AtomicI32::new(state.leader_epoch),
            in_sync: AtomicI32::new(in_sync(state)),
            written_aside: AtomicU32::new(0),
        };
        partition.follow(state, &self.metrics.replicas);
        Ok(partition)
    }
}

impl Topic {
    /// Whether nothing about it differs from what the table was made of. Pointers are compared:
    /// an image shares what did not change with the image before it.
    fn is_current(
        &self,
        state: &Arc<limpid_storage::metadata::Topic>,
        overrides: Option<&Arc<ConfigMap>>,
    ) -> bool {
        let same_config = is_same(self.overrides.as_ref(), overrides);
        let complete = self
            .state
            .partitions
            .values()
            .filter(|p| p.leader >= 0)
            .count()
            == self.partitions().count();
        same_config && complete && Arc::ptr_eq(&self.state, state)
    }
}
