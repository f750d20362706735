//! Events of groups as metrics.

use std::collections::HashMap;
use std::sync::Arc;

use limpid_coordinator::view::GroupType;
use limpid_coordinator::{Cause, Event};
use limpid_telemetry::{Counter, Owned};
use parking_lot::Mutex;

use crate::metrics::{GroupMetrics, RebalanceCause};

/// The series of one group.
type ByCause = HashMap<Cause, Owned<Counter>>;

/// Counts; the series of a group go with it.
pub(super) struct Counting {
    metrics: GroupMetrics,
    rebalances: Mutex<HashMap<Arc<str>, ByCause>>,
}

impl Counting {
    pub(super) fn new(metrics: GroupMetrics) -> Self {
        Self {
            metrics,
            rebalances: Mutex::default(),
        }
    }

    pub(super) fn metrics(&self) -> &GroupMetrics {
        &self.metrics
    }

    /// Offsets that were deleted by request.
    pub(super) fn count_deleted(&self, partitions: usize) {
        self.metrics.deleted.inc_by(partitions as u64);
    }

    pub(super) fn count(&self, events: &[Event]) {
        for event in events {
            self.count_one(event);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a rebalance")]
    fn count_one(&self, event: &Event) {
        match event {
            Event::RebalanceBegan {
                group,
                group_type,
                cause,
            } => {
                match group_type {
                    GroupType::Classic => {}
                    GroupType::Consumer => self.metrics.consumer_rebalances.inc(),
                    GroupType::Share => self.metrics.share_rebalances.inc(),
                }
                let mut rebalances = self.rebalances.lock();
                let of_group = rebalances.entry(Arc::clone(group)).or_default();
                let labels = (&**group, RebalanceCause(*cause));
                of_group
                    .entry(*cause)
                    .or_insert_with(|| self.metrics.rebalances.own(labels))
                    .inc();
                tracing::debug!(group.id = %group, cause = cause.as_str(), "rebalance began");
            }
            Event::RebalanceEnded {
                group,
                cause,
                took_ms,
                members,
                is_synced,
            } => {
                self.metrics.rebalance.observe(*took_ms as f64 / 1_000.0);
                self.metrics.synced.inc_by(u64::from(*is_synced));
                let cause = cause.as_str();
                tracing::debug!(group.id = %group, cause, took_ms, members, "rebalance ended");
            }
            Event::Committed { partitions, .. } => self.metrics.commits.inc_by(*partitions as u64),
            Event::Expired { group, partitions } => {
                self.metrics.expired.inc_by(*partitions as u64);
                tracing::info!(group.id = %group, partitions, "offsets expired");
            }
            Event::Deleted { group } => {
                self.rebalances.lock().remove(group);
            }
        }
    }
}
