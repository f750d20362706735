//! A cluster of a given size that nobody runs: what a page of it costs can be told beforehand.

use std::sync::Arc;

use limpid_cluster::{
    Broker, ClusterSnapshot, ClusterSource, Committed, Group, GroupPartition, GroupState,
    GroupTopic, Lag, LogDir, Member, Partition, Readiness, ReadinessState, Topic,
};
use parking_lot::Mutex;

/// How large a cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Topics.
    pub topics: usize,
    /// Partitions of all topics together.
    pub partitions: usize,
    /// Groups.
    pub groups: usize,
    /// Partitions that each group has committed offsets in.
    pub partitions_per_group: usize,
}

/// The broker that leads everything.
const NODE: i32 = 1;

/// Shows one cluster of a size.
#[derive(Debug)]
pub struct Synthetic {
    snapshot: Mutex<Arc<ClusterSnapshot>>,
}

impl Synthetic {
    /// As it is at this time.
    pub fn new(size: Size, now_ms: i64) -> Arc<Self> {
        let snapshot = Mutex::new(Arc::new(cluster(size, now_ms)));
        Arc::new(Self { snapshot })
    }

    /// Shows another one from now on.
    pub fn show(&self, snapshot: ClusterSnapshot) {
        *self.snapshot.lock() = Arc::new(snapshot);
    }
}

impl ClusterSource for Synthetic {
    fn name(&self) -> &str {
        "synthetic"
    }

    fn snapshot(&self) -> Arc<ClusterSnapshot> {
        Arc::clone(&self.snapshot.lock())
    }

    fn readiness(&self) -> Readiness {
        Readiness {
            state: ReadinessState::Ready,
            reasons: Vec::new(),
        }
    }
}

/// A broker that leads everything; each group lags a little in each of its partitions.
pub fn cluster(size: Size, now_ms: i64) -> ClusterSnapshot {
    let topics = size.topics.max(usize::from(size.partitions > 0));
    let partitions_of = |topic: usize| {
        let each = size.partitions / topics.max(1);
        each + usize::from(topic < size.partitions % topics.max(1))
    };
    let all: Vec<(String, usize)> = (0..topics)
        .map(|topic| (format!("topic-{topic:05}"), partitions_of(topic)))
        .collect();
    let groups = (0..size.groups).map(|group| Arc::new(self::group(group, size, &all)));
    ClusterSnapshot {
        taken_at_ms: now_ms,
        cluster_id: "synthetic-cluster-id-0".to_owned(),
        node_id: Some(NODE),
        controller_id: Some(NODE),
        brokers: vec![Broker {
            id: NODE,
            host: "broker.example".to_owned(),
            port: 9092,
            ..Broker::default()
        }],
        groups: groups.collect(),
        topics: all
            .iter()
            .map(|(name, partitions)| Arc::new(topic(name, *partitions)))
            .collect(),
        log_dirs: vec![LogDir {
            path: "/data".to_owned(),
            total_bytes: 1 << 40,
            free_bytes: 1 << 39,
            online: true,
            ..LogDir::default()
        }],
        ..ClusterSnapshot::default()
    }
}

fn topic(name: &str, partitions: usize) -> Topic {
    let partition = |index: usize| Partition {
        index: i32::try_from(index).unwrap_or(i32::MAX),
        leader: Some(NODE),
        replicas: vec![NODE],
        isr: vec![NODE],
        log_start_offset: 1_000,
        high_watermark: 1_234_567 + index as i64,
        last_stable_offset: 1_234_567 + index as i64,
        size_bytes: 1_073_741_824,
        segments: 3,
        ..Partition::default()
    };
    Topic {
        name: name.to_owned(),
        cleanup_policy: "delete".to_owned(),
        partitions: (0..partitions).map(partition).collect(),
        ..Topic::default()
    }
}

/// Reads whole topics one after the other, beginning with another one than its neighbours.
fn group(number: usize, size: Size, topics: &[(String, usize)]) -> Group {
    let mut left = size.partitions_per_group.min(size.partitions);
    let mut read = Vec::new();
    let from = number % topics.len().max(1);
    for (name, partitions) in topics[from..].iter().chain(&topics[..from]) {
        let taken = left.min(*partitions);
        if taken == 0 {
            break;
        }
        left -= taken;
        read.push(GroupTopic {
            name: name.clone(),
            partitions: (0..taken).map(group_partition).collect(),
        });
    }
    read.sort_by(|a, b| a.name.cmp(&b.name));
    Group {
        id: format!("group-{number:05}"),
        coordinator: NODE,
        state: GroupState::Stable,
        members: vec![Member {
            id: format!("member-{number}"),
            ..Member::default()
        }],
        topics: read,
        ..Group::default()
    }
}

fn group_partition(index: usize) -> GroupPartition {
    let behind = index % 100;
    let end = 1_234_567 + index as i64;
    GroupPartition {
        partition: i32::try_from(index).unwrap_or(i32::MAX),
        owner: None,
        committed: Some(Committed {
            offset: end - behind as i64,
            ..Committed::default()
        }),
        log_start_offset: Some(1_000),
        end_offset: Some(end),
        lag: Some(Lag {
            records: behind as u64,
            seconds: Some(behind as f64 / 8.0),
            event_seconds: Some(behind as f64 / 8.0),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_large_as_it_is_asked_to_be() {
        let size = Size {
            topics: 7,
            partitions: 100,
            groups: 3,
            partitions_per_group: 40,
        };
        let snapshot = cluster(size, 1);
        assert_eq!(
            (snapshot.topics.len(), snapshot.partition_count()),
            (7, 100)
        );
        let of_groups = snapshot
            .groups
            .iter()
            .map(|group| group.partitions().count());
        assert_eq!(of_groups.collect::<Vec<_>>(), [40, 40, 40]);
        let named = |name| snapshot.topic(name).is_some();
        let mut read = snapshot.groups.iter().flat_map(|group| &group.topics);
        assert!(read.all(|topic| named(&topic.name)), "topics that exist");
        assert!(snapshot.groups[0] != snapshot.groups[1]);

        let nothing = Size {
            topics: 0,
            partitions: 0,
            groups: 1,
            partitions_per_group: 5,
        };
        assert_eq!(cluster(nothing, 1).groups[0].partitions().count(), 0);
    }
}
