//! Partitions of records without a key: one until it has got a batch, then another (KIP-794).

use std::collections::HashMap;

use crate::backoff::random;
use crate::metadata::TopicInfo;

/// Topics remembered at most.
const TOPICS_MAX: usize = 10_000;

/// The partition of each topic that gets records now.
#[derive(Debug, Default)]
pub(super) struct Sticky {
    topics: HashMap<String, Current>,
}

#[derive(Debug)]
struct Current {
    index: usize,
    bytes: usize,
}

impl Sticky {
    /// Index of the partition for a record of `size` bytes. Partitions without a leader are passed
    /// over while there are others.
    pub(super) fn choose(&mut self, topic: &TopicInfo, size: usize, batch_bytes: usize) -> usize {
        if self.topics.len() >= TOPICS_MAX {
            self.topics.clear();
        }
        let current = self
            .topics
            .entry(topic.name.clone())
            .or_insert_with(|| Current {
                index: another(topic, None),
                bytes: 0,
            });
        let gone = topic
            .partitions
            .get(current.index)
            .is_none_or(|p| p.leader.is_none());
        if gone || current.bytes >= batch_bytes {
            current.index = another(topic, Some(current.index));
            current.bytes = 0;
        }
        current.bytes += size;
        current.index
    }
}

/// A random partition, not `last` if there are others.
fn another(topic: &TopicInfo, last: Option<usize>) -> usize {
    let led = |index: &usize| topic.partitions[*index].leader.is_some();
    let all = 0..topic.partitions.len();
    let mut candidates: Vec<usize> = all.clone().filter(led).collect();
    if candidates.is_empty() {
        candidates = all.collect();
    }
    if candidates.len() > 1 {
        candidates.retain(|index| Some(*index) != last);
    }
    candidates[random() as usize % candidates.len()]
}

#[cfg(test)]
mod tests {
    use limpid_protocol::Uuid;

    use super::*;
    use crate::metadata::PartitionInfo;

    fn topic(leaders: &[Option<i32>]) -> TopicInfo {
        let partition = |(index, leader): (usize, &Option<i32>)| PartitionInfo {
            partition: index as i32,
            leader: *leader,
            leader_epoch: 0,
            replicas: Vec::new(),
            in_sync: Vec::new(),
        };
        TopicInfo {
            name: "t".to_owned(),
            id: Uuid::default(),
            internal: false,
            partitions: leaders.iter().enumerate().map(partition).collect(),
        }
    }

    #[test]
    fn a_partition_gets_a_batch_then_another_one_is_next() {
        let topic = topic(&[Some(1), Some(1)]);
        let mut sticky = Sticky::default();
        let chosen: Vec<usize> = (0..8).map(|_| sticky.choose(&topic, 50, 100)).collect();
        for pairs in chosen.chunks(4) {
            assert_eq!(pairs[0], pairs[1]);
            assert_eq!(pairs[2], pairs[3]);
            assert_ne!(pairs[0], pairs[2]);
        }
    }

    #[test]
    fn partitions_without_a_leader_are_passed_over() {
        let topic = topic(&[None, Some(1), None]);
        let mut sticky = Sticky::default();
        assert!((0..9).all(|_| sticky.choose(&topic, 50, 100) == 1));
    }
}
