//! The partitions whose state is kept for a group.

use std::collections::{BTreeMap, BTreeSet};

use limpid_protocol::Uuid;
use limpid_protocol::messages::share_group_state_partition_metadata_value::{
    ShareGroupStatePartitionMetadataValue, TopicInfo, TopicPartitionsInfo,
};

use crate::assignor::Partitions;
use crate::topics::Topics;

/// A topic's name and some of its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) partitions: BTreeSet<i32>,
}

/// Where the state of partitions is in its life.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Somebody is setting it up.
    pub(crate) initializing: BTreeMap<Uuid, Part>,
    /// It is there.
    pub(crate) initialized: BTreeMap<Uuid, Part>,
    /// Somebody is deleting it.
    pub(crate) deleting: BTreeMap<Uuid, String>,
}

impl Kept {
    /// As it is written.
    pub(crate) fn of(value: &ShareGroupStatePartitionMetadataValue) -> Self {
        let some = |topics: &[TopicPartitionsInfo]| {
            let topics = topics.iter().filter(|topic| !topic.partitions.is_empty());
            let topics = topics.map(|topic| {
                let some = Part {
                    name: topic.topic_name.clone(),
                    partitions: topic.partitions.iter().copied().collect(),
                };
                (topic.topic_id, some)
            });
            topics.collect()
        };
        let deleting = value.deleting_topics.iter();
        Self {
            initializing: some(&value.initializing_topics),
            initialized: some(&value.initialized_topics),
            deleting: deleting
                .map(|topic| (topic.topic_id, topic.topic_name.clone()))
                .collect(),
        }
    }

    pub(crate) fn value(&self) -> ShareGroupStatePartitionMetadataValue {
        let some = |topics: &BTreeMap<Uuid, Part>| {
            let topics = topics.iter().map(|(id, some)| TopicPartitionsInfo {
                topic_id: *id,
                topic_name: some.name.clone(),
                partitions: some.partitions.iter().copied().collect(),
            });
            topics.collect()
        };
        let deleting = self.deleting.iter().map(|(id, name)| TopicInfo {
            topic_id: *id,
            topic_name: name.clone(),
        });
        ShareGroupStatePartitionMetadataValue {
            initializing_topics: some(&self.initializing),
            initialized_topics: some(&self.initialized),
            deleting_topics: deleting.collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.initializing.is_empty() && self.initialized.is_empty() && self.deleting.is_empty()
    }

    /// Partitions of these topics that have no state yet.
    pub(crate) fn missing(&self, names: &BTreeSet<String>, topics: &Topics) -> Partitions {
        let known = names.iter().filter_map(|name| topics.named(name));
        let missing = known.filter_map(|topic| {
            let there = self.initialized.get(&topic.id);
            let is_there = |p: &i32| there.is_some_and(|some| some.partitions.contains(p));
            let missing: BTreeSet<i32> = (0..topic.partitions).filter(|p| !is_there(p)).collect();
            (!missing.is_empty()).then_some((topic.id, missing))
        });
        missing.collect()
    }

    /// Somebody sets the state of these up.
    pub(crate) fn begin(&mut self, partitions: &Partitions, topics: &Topics) {
        for (id, new) in partitions {
            self.deleting.remove(id);
            add(&mut self.initializing, *id, new, topics);
        }
    }

    /// The state of these is there.
    pub(crate) fn done(&mut self, partitions: &Partitions, topics: &Topics) {
        for (id, done) in partitions {
            if let Some(some) = self.initializing.get_mut(id) {
                some.partitions.retain(|p| !done.contains(p));
                if some.partitions.is_empty() {
                    self.initializing.remove(id);
                }
            }
            add(&mut self.initialized, *id, done, topics);
        }
    }

    /// Everything is about to be deleted: which partitions.
    pub(crate) fn delete_all(&mut self, topics: &Topics) -> Partitions {
        let mut all = Partitions::new();
        for (id, some) in self.initializing.iter().chain(&self.initialized) {
            all.entry(*id).or_default().extend(&some.partitions);
            self.deleting.insert(*id, some.name.clone());
        }
        for id in self.deleting.keys() {
            // Some earlier deletion may have been cut short.
            let known = topics.with_id(*id);
            let count = known.map_or(0, |topic| topic.partitions);
            all.entry(*id).or_default().extend(0..count);
        }
        self.initializing.clear();
        self.initialized.clear();
        all.retain(|_, partitions| !partitions.is_empty());
        all
    }

    /// Forgets a topic that is gone; true if it was known.
    pub(crate) fn forget(&mut self, id: Uuid) -> bool {
        let initializing = self.initializing.remove(&id).is_some();
        let initialized = self.initialized.remove(&id).is_some();
        let deleting = self.deleting.remove(&id).is_some();
        initializing || initialized || deleting
    }

    /// All topics of which something is known.
    pub(crate) fn ids(&self) -> BTreeSet<Uuid> {
        let some = self.initializing.keys().chain(self.initialized.keys());
        some.chain(self.deleting.keys()).copied().collect()
    }
}

fn add(to: &mut BTreeMap<Uuid, Part>, id: Uuid, new: &BTreeSet<i32>, topics: &Topics) {
    let name = || topics.with_id(id).map(|t| t.name.to_string());
    let some = to.entry(id).or_insert_with(|| Part {
        name: name().unwrap_or_default(),
        partitions: BTreeSet::new(),
    });
    some.partitions.extend(new);
}
