//! How long after its append a record is committed: read off two snapshots, so that no commit pays
//! for it. Several commits of a partition within a second are one.

use std::collections::HashMap;
use std::sync::Arc;

use limpid_cluster::{Committed, Group};
use limpid_storage::PartitionLog;
use limpid_telemetry::{Histogram, Owned};

use crate::metrics::GroupMetrics;

/// Finds the log of a partition that this broker leads.
type Logs<'a> = &'a dyn Fn(&str, i32) -> Option<Arc<PartitionLog>>;

/// Most commits looked at in one refresh; the others count as their partition's next one does.
const COMMITS_MAX: usize = 4_096;

/// What is kept from one snapshot to the next.
#[derive(Default)]
pub(super) struct CommitTimes {
    /// By id, as in a snapshot.
    before: Vec<Arc<Group>>,
    series: HashMap<String, Owned<Histogram>>,
    /// What was committed before is not timed: records of an earlier run.
    began_ms: Option<i64>,
}

impl CommitTimes {
    /// Looks at what was committed since the last call.
    pub(super) fn look(
        &mut self,
        groups: &[Arc<Group>],
        logs: Logs<'_>,
        metrics: &GroupMetrics,
        now_ms: i64,
    ) {
        let began_ms = *self.began_ms.get_or_insert(now_ms);
        let mut left = COMMITS_MAX;
        for group in groups {
            let before = self.before.binary_search_by(|b| b.id.cmp(&group.id));
            let before = before.ok().map(|at| &self.before[at]);
            if before.is_some_and(|before| Arc::ptr_eq(before, group)) {
                continue;
            }
            let waited = fresh_commits(group, before.map(AsRef::as_ref), began_ms)
                .filter_map(|(topic, partition, committed)| {
                    let arrived = logs(topic, partition)?.arrival_ms(committed.offset - 1)?;
                    Some(committed.at_ms.saturating_sub(arrived).max(0))
                })
                .take(left);
            for waited_ms in waited {
                left -= 1;
                let bind = || metrics.commit_seconds.own(&group.id);
                let series = self.series.entry(group.id.clone()).or_insert_with(bind);
                series.observe(waited_ms as f64 / 1_000.0);
            }
        }
        self.series
            .retain(|id, _| groups.binary_search_by(|g| g.id.cmp(id)).is_ok());
        self.before = groups.to_vec();
    }
}

/// Commits that are newer than those `before` and go on from there: one that goes back is a reset.
fn fresh_commits<'a>(
    group: &'a Group,
    before: Option<&'a Group>,
    began_ms: i64,
) -> impl Iterator<Item = (&'a str, i32, &'a Committed)> {
    let known: HashMap<(&str, i32), i64> = before
        .into_iter()
        .flat_map(Group::partitions)
        .filter_map(|(topic, p)| Some(((topic, p.partition), p.committed.as_ref()?.offset)))
        .collect();
    group.partitions().filter_map(move |(topic, p)| {
        let committed = p.committed.as_ref()?;
        let known = known.get(&(topic, p.partition)).copied();
        let is_fresh = committed.at_ms >= began_ms && committed.offset > known.unwrap_or(0);
        is_fresh.then_some((topic, p.partition, committed))
    })
}

#[cfg(test)]
mod tests;
