//! One file per collector.
//!
//! Every family belongs to one collector, and of the cluster's facts a broker shows those that it
//! speaks for ([`ClusterSnapshot::speaks_for`]): no series has two writers.

pub mod burrow;
pub mod grafana_fork;
pub mod groups;
pub mod kafka_exporter;
pub mod kminion;
pub mod lag_exporter;
pub mod log_dirs;
pub mod otel;
pub mod writers;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use limpid_cluster::{ClusterSnapshot, ClusterSource, Group};
use limpid_telemetry::{CollectError, Samples, Text};

/// The newest snapshot, its age noted. A source that has not looked yet (logs are being recovered)
/// is a collector that is not up, rather than a cluster without brokers.
fn snapshot(
    source: &Arc<dyn ClusterSource>,
    out: &mut Samples,
) -> Result<Arc<ClusterSnapshot>, CollectError> {
    let snapshot = source.snapshot();
    if snapshot.taken_at_ms <= 0 {
        return Err(CollectError("no snapshot of the cluster yet".into()));
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let taken = Duration::from_millis(u64::try_from(snapshot.taken_at_ms).unwrap_or(0));
    // 0 when the clock was set back since.
    out.set_age(now.saturating_sub(taken));
    Ok(snapshot)
}

/// Most groups with series of their own. Clients choose the names of groups. A page that becomes too
/// long before that is cut by `budget`, which knows what to leave out first.
const GROUPS_MAX: usize = 20_000;
/// Most partitions of groups with series of their own.
const GROUP_PARTITIONS_MAX: usize = 200_000;

/// `group.id` as a label.
type GroupName = Text<GROUPS_MAX>;

/// The groups that have room on a page: when there are too many, those that were active last. When
/// only their partitions are too many, some groups are shown without them.
struct ShownGroups<'a> {
    /// By id.
    groups: Vec<ShownGroup<'a>>,
    groups_left_out: usize,
    partitions_left_out: usize,
}

struct ShownGroup<'a> {
    group: &'a Group,
    with_partitions: bool,
}

impl<'a> ShownGroups<'a> {
    fn of(snapshot: &'a ClusterSnapshot) -> Self {
        Self::within(snapshot, GROUPS_MAX, GROUP_PARTITIONS_MAX)
    }

    fn within(snapshot: &'a ClusterSnapshot, groups_max: usize, partitions_max: usize) -> Self {
        let spoken_for = |group: &&Group| snapshot.speaks_for(Some(group.coordinator));
        let all = snapshot.groups.iter().map(Arc::as_ref);
        let mut groups: Vec<(&Group, usize)> = all
            .filter(spoken_for)
            .map(|group| (group, group.partitions().count()))
            .collect();
        let partitions: usize = groups.iter().map(|(_, count)| count).sum();
        if groups.len() > groups_max || partitions > partitions_max {
            let active = |group: &Group| group.last_commit_ms().max(Some(group.state_since_ms));
            groups.sort_by_cached_key(|(group, _)| std::cmp::Reverse(active(group)));
        }
        let mut shown = Self {
            groups: Vec::new(),
            groups_left_out: groups.len().saturating_sub(groups_max),
            partitions_left_out: 0,
        };
        let mut left = partitions_max;
        for (i, (group, count)) in groups.into_iter().enumerate() {
            let with_partitions = i < groups_max && count <= left;
            if with_partitions {
                left -= count;
            } else {
                shown.partitions_left_out += count;
            }
            if i < groups_max {
                shown.groups.push(ShownGroup {
                    group,
                    with_partitions,
                });
            }
        }
        shown.groups.sort_by(|a, b| a.group.id.cmp(&b.group.id));
        shown
    }
}

#[cfg(test)]
mod tests;
