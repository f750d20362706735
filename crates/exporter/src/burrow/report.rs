//! What Burrow says about a group, with the names of its JSON.

use std::collections::{HashMap, VecDeque};

use limpid_cluster::burrow::{self, Commit, Rules, Status, Window};
use limpid_cluster::{ClusterSnapshot, Group, GroupPartition, GroupTopic, Member};
use serde::Serialize;

/// A commit.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OffsetReport {
    pub(crate) offset: i64,
    timestamp: i64,
    #[serde(rename = "observedAt")]
    observed_at: i64,
    lag: u64,
}

impl From<&Commit> for OffsetReport {
    fn from(commit: &Commit) -> Self {
        OffsetReport {
            offset: commit.offset,
            timestamp: commit.at_ms,
            observed_at: commit.observed_ms,
            lag: commit.lag,
        }
    }
}

/// How a group does in a partition.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PartitionReport {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) owner: String,
    pub(crate) client_id: String,
    pub(crate) status: Status,
    pub(crate) start: Option<OffsetReport>,
    pub(crate) end: Option<OffsetReport>,
    pub(crate) current_lag: u64,
    pub(crate) complete: f32,
    /// All commits that are known.
    #[serde(skip)]
    pub(crate) window: Window,
}

/// How a group does.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct GroupReport {
    pub(crate) cluster: String,
    pub(crate) group: String,
    pub(crate) status: Status,
    pub(crate) complete: f32,
    pub(crate) partitions: Vec<PartitionReport>,
    pub(crate) partition_count: usize,
    pub(crate) maxlag: Option<PartitionReport>,
    pub(crate) totallag: u64,
}

/// Commits and ends of a partition.
type PastOf<'a> = &'a dyn Fn(&str, i32) -> Option<(Window, VecDeque<i64>)>;

impl GroupReport {
    /// As Burrow answers for a group or a cluster that it does not know.
    pub(crate) fn not_found(cluster: &str, group: &str) -> Self {
        GroupReport {
            cluster: cluster.to_owned(),
            group: group.to_owned(),
            status: Status::NotFound,
            complete: 1.0,
            partitions: Vec::new(),
            partition_count: 0,
            maxlag: None,
            totallag: 0,
        }
    }

    /// The name of the cluster is to be filled in.
    pub(super) fn of(snapshot: &ClusterSnapshot, group: &Group, past: PastOf<'_>) -> Self {
        let members = group.members.iter();
        let members: HashMap<&str, &Member> = members.map(|m| (m.id.as_str(), m)).collect();
        let now_ms = snapshot.taken_at_ms;
        let mut partitions = Vec::new();
        for topic in &group.topics {
            for index in partitions_of(snapshot, topic) {
                let known = topic
                    .partitions
                    .binary_search_by_key(&index, |p| p.partition);
                let known = known.ok().and_then(|at| topic.partitions.get(at));
                let owner = known.and_then(|p| p.owner.as_deref());
                let owner = owner.and_then(|id| members.get(id).copied());
                let past = past(&topic.name, index);
                partitions.push(partition(&topic.name, index, known, owner, past, now_ms));
            }
        }
        let full = partitions.iter().filter(|p| p.complete >= 1.0).count();
        // Of several with as much lag the first.
        let worst = partitions.iter().rev().max_by_key(|p| p.current_lag);
        GroupReport {
            cluster: String::new(),
            group: group.id.clone(),
            status: burrow::group_status(partitions.iter().map(|p| p.status)),
            complete: match partitions.len() {
                0 => 0.0,
                count => full as f32 / count as f32,
            },
            partition_count: partitions.len(),
            maxlag: worst.cloned(),
            totallag: partitions.iter().map(|p| p.current_lag).sum(),
            partitions,
        }
    }
}

/// Burrow lists all partitions of a topic of which the group reads one; and we, those that were
/// committed and are gone.
fn partitions_of(snapshot: &ClusterSnapshot, topic: &GroupTopic) -> impl Iterator<Item = i32> {
    let there = snapshot.topic(&topic.name);
    let there = there.map_or(0, |t| i32::try_from(t.partitions.len()).unwrap_or(i32::MAX));
    let committed = topic.partitions.iter().map(|p| p.partition);
    (0..there).chain(committed.filter(move |index| *index >= there))
}

fn partition(
    topic: &str,
    index: i32,
    known: Option<&GroupPartition>,
    owner: Option<&Member>,
    past: Option<(Window, VecDeque<i64>)>,
    now_ms: i64,
) -> PartitionReport {
    let (window, ends) = past.unwrap_or_default();
    let end = known.and_then(|p| p.end_offset);
    let first = window.commits().next().map(OffsetReport::from);
    let last = window.commits().next_back().map(OffsetReport::from);
    let status = end.map(|end| window.status(&ends, end, now_ms, Rules::default()));
    PartitionReport {
        topic: topic.to_owned(),
        partition: index,
        // With the slash that Java prints before an address.
        owner: owner.map_or_else(String::new, |m| format!("/{}", m.host)),
        client_id: owner.map_or_else(String::new, |m| m.client_id.clone()),
        status: status.unwrap_or(Status::Ok),
        start: first,
        end: last,
        current_lag: end.map_or(0, |end| window.current_lag(end)),
        complete: window.complete(),
        window,
    }
}
