//! A coordinator's topic: made when it is first needed, and its partitions as shards.

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwapOption;
use limpid_protocol::ErrorCode;
use parking_lot::Mutex;

use super::partition_of;
use crate::quotas::mutations::Permits;
use crate::topic_creation::{TopicCreation, Wish};
use crate::topics::{Partition, Topic, Topics};

/// What stands for one partition.
pub trait Shard: Send + Sync + 'static {
    /// The partition.
    fn partition(&self) -> &Arc<Partition>;

    /// True once, for the one who is to read the partition.
    fn claim_load(&self) -> bool;
}

/// What differs from coordinator to coordinator.
pub trait Owner<S> {
    /// The shard of a partition that is new.
    fn open(&self, topic: Arc<Topic>, partition: Arc<Partition>) -> S;

    /// The topic's settings changed.
    fn update(&self, shard: &S, topic: &Arc<Topic>);

    /// The partition is gone.
    fn close(&self, shard: &Arc<S>);

    /// Starts reading shards that nobody else reads; at least one.
    fn read(&self, new: Vec<Arc<S>>);
}

/// The shards at one moment.
pub struct Table<S> {
    topic: Arc<Topic>,
    shards: Vec<Option<Arc<S>>>,
}

impl<S: Shard> Table<S> {
    fn of(topic: &Arc<Topic>, known: Option<&Self>, owner: &impl Owner<S>) -> Self {
        let count = i32::try_from(topic.partition_count()).unwrap_or(i32::MAX);
        let shard = |index: i32| {
            let partition = topic.partition(index)?;
            let before = known.and_then(|table| table.shard(index));
            let same = |shard: &Arc<S>| Arc::ptr_eq(shard.partition(), partition);
            if let Some(before) = before.filter(same) {
                owner.update(&before, topic);
                return Some(before);
            }
            let shard = owner.open(Arc::clone(topic), Arc::clone(partition));
            Some(Arc::new(shard))
        };
        Table {
            topic: Arc::clone(topic),
            shards: (0..count).map(shard).collect(),
        }
    }

    /// The partition that a name belongs to.
    pub fn partition_of(&self, name: &str) -> i32 {
        partition_of(name, self.shards.len())
    }

    /// The shard that a name belongs to.
    ///
    /// # Errors
    /// NOT_COORDINATOR: it isn't here.
    pub fn shard_of(&self, name: &str) -> Result<Arc<S>, ErrorCode> {
        self.shard(self.partition_of(name))
            .ok_or(ErrorCode::NotCoordinator)
    }

    /// The shard of a partition.
    pub fn shard(&self, index: i32) -> Option<Arc<S>> {
        self.shards.get(usize::try_from(index).ok()?)?.clone()
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<S>> {
        self.shards.iter().flatten()
    }
}

/// The topic and its shards.
pub struct ShardedTopic<S> {
    name: &'static str,
    topics: Arc<Topics>,
    creation: Arc<TopicCreation>,
    table: ArcSwapOption<Table<S>>,
    changing: Mutex<()>,
}

impl<S: Shard> ShardedTopic<S> {
    /// No shards yet.
    pub fn new(name: &'static str, topics: Arc<Topics>, creation: Arc<TopicCreation>) -> Self {
        Self {
            name,
            topics,
            creation,
            table: ArcSwapOption::empty(),
            changing: Mutex::new(()),
        }
    }

    /// All topics.
    pub fn topics(&self) -> &Arc<Topics> {
        &self.topics
    }

    /// How many brokers there are to hold replicas.
    pub fn brokers(&self) -> i32 {
        self.creation.brokers()
    }

    /// The shards as last seen.
    pub fn shards(&self) -> Vec<Arc<S>> {
        let table = self.table.load();
        let shards = table.iter().flat_map(|table| table.iter());
        shards.cloned().collect()
    }

    /// Makes the topic, unless somebody else did.
    ///
    /// # Errors
    /// COORDINATOR_NOT_AVAILABLE: it can't be made.
    pub async fn make(&self, wish: Wish) -> Result<(), ErrorCode> {
        let permits = Permits::unlimited();
        for outcome in self.creation.create(vec![wish], &permits).await {
            if let Err(refusal) = outcome
                && refusal.code != ErrorCode::TopicAlreadyExists
            {
                tracing::warn!(error = %refusal, "{} can't be created", self.name);
                return Err(ErrorCode::CoordinatorNotAvailable);
            }
        }
        Ok(())
    }

    /// Makes the shards follow the topic. New ones are read by a task of their own.
    pub fn follow(&self, owner: &impl Owner<S>) -> Option<Arc<Table<S>>> {
        let topics = self.topics.table();
        let topic = topics.named(self.name);
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
        let next = topic.map(|topic| Arc::new(Table::of(topic, known.as_deref(), owner)));
        self.table.store(next.clone());
        let kept = |shard: &Arc<S>| {
            let mut after = next.iter().flat_map(|table| table.iter());
            after.any(|one| Arc::ptr_eq(one, shard))
        };
        let before = known.iter().flat_map(|table| table.iter());
        before
            .filter(|shard| !kept(shard))
            .for_each(|shard| owner.close(shard));
        let after = next.iter().flat_map(|table| table.iter());
        let new: Vec<_> = after.filter(|shard| shard.claim_load()).cloned().collect();
        if !new.is_empty() {
            owner.read(new);
        }
        next
    }
}

/// Reads shards one after the other, by a task of its own; `what` lies in them.
pub fn read_each<R>(readings: Vec<R>, what: &'static str)
where
    R: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        let began = Instant::now();
        let partitions = readings.len();
        for reading in readings {
            reading.await;
        }
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(partitions, duration_ms, "{what} are loaded");
    });
}
