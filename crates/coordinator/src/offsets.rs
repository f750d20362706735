//! Committed offsets of one group.

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_protocol::Uuid;

/// How far a group got in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The next offset to be read.
    pub offset: i64,
    /// Leader epoch of the last record read, −1 if the client told none.
    pub leader_epoch: i32,
    /// What the client wrote beside it.
    pub metadata: Arc<str>,
    /// When it was committed.
    pub commit_ms: i64,
    /// When it expires, if the client said so (versions 2 to 4 of the request).
    pub expire_ms: Option<i64>,
    /// The topic's id, zero if it is not known.
    pub topic_id: Uuid,
}

/// By topic and partition.
pub type ByPartition = BTreeMap<Arc<str>, BTreeMap<i32, Committed>>;

/// The offsets of a group.
#[derive(Debug, Clone, Default)]
pub(crate) struct Offsets(pub(crate) ByPartition);

impl Offsets {
    pub(crate) fn get(&self, topic: &str, partition: i32) -> Option<&Committed> {
        self.0.get(topic)?.get(&partition)
    }

    pub(crate) fn put(&mut self, topic: &Arc<str>, partition: i32, committed: Committed) {
        let partitions = self.0.entry(Arc::clone(topic)).or_default();
        partitions.insert(partition, committed);
    }

    pub(crate) fn remove(&mut self, topic: &str, partition: i32) {
        let Some(partitions) = self.0.get_mut(topic) else {
            return;
        };
        partitions.remove(&partition);
        if partitions.is_empty() {
            self.0.remove(topic);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, i32, &Committed)> {
        self.0
            .iter()
            .flat_map(|(topic, by)| by.iter().map(move |(p, committed)| (topic, *p, committed)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
