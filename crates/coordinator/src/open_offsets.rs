//! Offsets that were committed in transactions which have not ended.
//!
//! They count from the moment their transaction commits, unless something newer was committed to
//! the same partition meanwhile: what was written last wins, as a reader of the log would see it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use crate::offsets::Committed;

/// Group, topic, partition.
pub(crate) type Key = (Arc<str>, Arc<str>, i32);

#[derive(Debug)]
struct Open {
    committed: Committed,
    /// Counts up with every offset that is written.
    order: u64,
    /// Something newer is committed already.
    overtaken: bool,
}

/// The offsets in open transactions, by what they are for and whose they are.
#[derive(Debug, Default)]
pub(crate) struct OpenOffsets {
    by_key: BTreeMap<Key, BTreeMap<i64, Open>>,
    by_producer: HashMap<i64, BTreeSet<Key>>,
    written: u64,
}

impl OpenOffsets {
    /// A producer committed an offset in its transaction.
    pub(crate) fn put(&mut self, producer_id: i64, key: Key, committed: Committed) {
        self.written += 1;
        let open = Open {
            committed,
            order: self.written,
            overtaken: false,
        };
        let keys = self.by_producer.entry(producer_id).or_default();
        keys.insert(key.clone());
        self.by_key
            .entry(key)
            .or_default()
            .insert(producer_id, open);
    }

    /// An offset was committed outside of a transaction.
    pub(crate) fn overtake(&mut self, key: &Key) {
        let open = self.by_key.get_mut(key);
        for open in open.into_iter().flat_map(BTreeMap::values_mut) {
            open.overtaken = true;
        }
    }

    /// An offset was deleted, and with it what may still become of it.
    pub(crate) fn clear(&mut self, key: &Key) {
        for producer_id in self.by_key.remove(key).unwrap_or_default().into_keys() {
            self.forget(producer_id, key);
        }
    }

    /// The transaction of a producer ended: what counts from now on.
    pub(crate) fn end(&mut self, producer_id: i64, commit: bool) -> Vec<(Key, Committed)> {
        let keys = self.by_producer.remove(&producer_id).unwrap_or_default();
        let mut counts = Vec::new();
        for key in keys {
            let Some(producers) = self.by_key.get_mut(&key) else {
                continue;
            };
            let ended = producers.remove(&producer_id);
            let ended = ended.filter(|ended| commit && !ended.overtaken);
            if let Some(ended) = &ended {
                let older = producers.values_mut().filter(|o| o.order < ended.order);
                older.for_each(|older| older.overtaken = true);
            }
            if producers.is_empty() {
                self.by_key.remove(&key);
            }
            counts.extend(ended.map(|ended| (key, ended.committed)));
        }
        counts
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Whether the offset of a partition may still change by a transaction.
    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.by_key.contains_key(key)
    }

    /// What open transactions hold for a group.
    pub(crate) fn of_group<'a>(
        &'a self,
        group: &'a Arc<str>,
    ) -> impl Iterator<Item = (&'a Key, &'a Committed)> {
        let from = (Arc::clone(group), Arc::from(""), i32::MIN);
        self.by_key
            .range((Bound::Included(from), Bound::Unbounded))
            .take_while(move |((of, ..), _)| of == group)
            .flat_map(|(key, open)| open.values().map(move |open| (key, &open.committed)))
    }

    fn forget(&mut self, producer_id: i64, key: &Key) {
        if let Some(keys) = self.by_producer.get_mut(&producer_id) {
            keys.remove(key);
            if keys.is_empty() {
                self.by_producer.remove(&producer_id);
            }
        }
    }
}
