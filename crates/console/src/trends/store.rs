//! The memory behind [`super::Trends`], and what it forgets first.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use limpid_cluster::{ClusterSnapshot, Group, Topic};

use super::series::{SERIES_BYTES, STEP_SECONDS};
use super::{ClusterTrend, LagTrend, Now, Rates, TrafficTrend};
use crate::requests::ApiTotals;

/// What all series of topics and groups may take.
pub(crate) const TREND_BYTES_MAX: u64 = 16 << 20;
/// After shedding this much is in use, so that it does not shed at each point.
const TREND_BYTES_AFTER_SHEDDING: u64 = TREND_BYTES_MAX / 10 * 9;
/// Snapshots that rates of now look back.
const RECENT_SNAPSHOTS_MAX: usize = 6;
/// Readings of the registry that are kept: a minute, and the one it began with.
const REGISTRY_READINGS_MAX: usize = 13;
/// A snapshot after so many steps without one leaves a gap.
const STEPS_MISSED: i64 = 2;
const STEP_MS: i64 = STEP_SECONDS as i64 * 1000;
/// A step is over a little early, so that a late tick does not miss every other one.
const STEP_SLACK_MS: i64 = 500;

/// One look at everything.
#[derive(Clone, Default)]
pub(crate) struct Reading {
    pub(crate) snapshot: Arc<ClusterSnapshot>,
    /// What the registry says; only read when a point is due.
    pub(crate) registry: Option<RegistryReading>,
}

/// What is counted outside of snapshots.
#[derive(Clone, Default)]
pub(crate) struct RegistryReading {
    pub(crate) apis: BTreeMap<String, ApiTotals>,
    pub(crate) buffers: Vec<BufferReading>,
}

/// When it was read, and what.
type TimedReading = (i64, RegistryReading);

/// A buffer.
#[derive(Clone, Copy, Default)]
pub(crate) struct BufferReading {
    pub(crate) pool: &'static str,
    pub(crate) used_bytes: u64,
    pub(crate) wait_seconds: f64,
}

#[derive(Default)]
pub(super) struct Store {
    pub(super) cluster: ClusterTrend,
    recent: VecDeque<Arc<ClusterSnapshot>>,
    /// The snapshot of the newest point.
    at_point: Option<Arc<ClusterSnapshot>>,
    registry: VecDeque<TimedReading>,
    topics: HashMap<String, Kept<TrafficTrend>>,
    groups: HashMap<String, Kept<LagTrend>>,
    points: u64,
}

/// A trend and when something last happened in it.
#[derive(Default)]
struct Kept<T> {
    trend: T,
    active_at: u64,
    seen_at: u64,
}

impl Store {
    pub(super) fn take(&mut self, reading: Reading) -> u64 {
        let Reading { snapshot, registry } = reading;
        // Nothing was looked at yet.
        if snapshot.taken_at_ms <= 0 {
            return self.bytes();
        }
        if let Some(last) = self.recent.back()
            && last.taken_at_ms >= snapshot.taken_at_ms
        {
            return self.bytes();
        }
        if self.recent.len() == RECENT_SNAPSHOTS_MAX {
            self.recent.pop_front();
        }
        let point = self.wants_point(&snapshot);
        self.recent.push_back(Arc::clone(&snapshot));
        if point {
            self.point(&snapshot, registry.unwrap_or_default());
            self.shed();
        }
        self.bytes()
    }

    pub(super) fn wants_point(&self, snapshot: &ClusterSnapshot) -> bool {
        let Some(last) = &self.at_point else {
            return snapshot.taken_at_ms > 0;
        };
        snapshot.taken_at_ms - last.taken_at_ms >= STEP_MS - STEP_SLACK_MS
    }

    fn point(&mut self, snapshot: &Arc<ClusterSnapshot>, registry: RegistryReading) {
        self.points += 1;
        let before = self.at_point.replace(Arc::clone(snapshot));
        // A gap in time is a gap in the series: rates over it would be a lie.
        let before =
            before.filter(|b| snapshot.taken_at_ms - b.taken_at_ms <= STEP_MS * STEPS_MISSED);
        let now = Now {
            newest: Arc::clone(snapshot),
            before: before.clone().unwrap_or_default(),
        };
        self.point_of_cluster(&now, before.is_some(), &registry);
        for topic in &snapshot.topics {
            let rates = match &before {
                Some(_) => now.topic(topic),
                None => Rates::default(),
            };
            self.point_of_topic(topic, rates);
        }
        for group in &snapshot.groups {
            self.point_of_group(group);
        }
        let points = self.points;
        self.topics.retain(|_, kept| kept.seen_at == points);
        self.groups.retain(|_, kept| kept.seen_at == points);
        if self.registry.len() == REGISTRY_READINGS_MAX {
            self.registry.pop_front();
        }
        self.registry.push_back((snapshot.taken_at_ms, registry));
    }

    fn point_of_cluster(&mut self, now: &Now, known: bool, registry: &RegistryReading) {
        let rates = if known {
            now.cluster()
        } else {
            Rates::default()
        };
        let cluster = &mut self.cluster;
        cluster.ended_at_ms = now.newest.taken_at_ms;
        push(&mut cluster.traffic, rates);
        let before = self.registry.back().filter(|_| known);
        let seconds = now.seconds();
        let total = |r: &RegistryReading| r.apis.values().map(|a| a.answered).sum::<u64>();
        let requests = before.and_then(|(_, before)| {
            let grown = total(registry).checked_sub(total(before))?;
            (seconds > 0.0).then(|| grown as f64 / seconds)
        });
        cluster.requests.push(requests);
        for (api, totals) in &registry.apis {
            let earlier = before.and_then(|(_, before)| before.apis.get(api));
            let mean = earlier.and_then(|e| totals.since(e).mean_seconds());
            let series = cluster.request_seconds.entry(api.clone()).or_default();
            series.push(mean);
        }
        for buffer in &registry.buffers {
            let series = cluster.buffers.entry(buffer.pool).or_default();
            series.push(Some(buffer.used_bytes as f64));
        }
    }

    fn point_of_topic(&mut self, topic: &Topic, rates: Rates) {
        let kept = match self.topics.get_mut(&topic.name) {
            Some(kept) => kept,
            None => self.topics.entry(topic.name.clone()).or_default(),
        };
        push(&mut kept.trend, rates);
        kept.seen_at = self.points;
        if rates.bytes() > 0.0 {
            kept.active_at = self.points;
        }
    }

    fn point_of_group(&mut self, group: &Group) {
        let kept = match self.groups.get_mut(&group.id) {
            Some(kept) => kept,
            None => self.groups.entry(group.id.clone()).or_default(),
        };
        let known = group.partitions().any(|(_, p)| p.lag.is_some());
        let records = group.lag_records();
        kept.trend.lag_records.push(known.then_some(records as f64));
        kept.trend.lag_seconds.push(group.lag_seconds());
        kept.seen_at = self.points;
        if records > 0 || !group.members.is_empty() {
            kept.active_at = self.points;
        }
    }

    /// Full series are counted, although they grow into that: a budget that holds later, too.
    fn bytes(&self) -> u64 {
        (self.topics.len() as u64 + self.groups.len() as u64) * 3 * SERIES_BYTES
    }

    /// Forgets what was quiet longest; of equally quiet ones topics before groups.
    fn shed(&mut self) {
        if self.bytes() <= TREND_BYTES_MAX {
            return;
        }
        let topics = self.topics.iter();
        let mut quiet: Vec<(u64, bool, String)> = topics
            .map(|(name, kept)| (kept.active_at, false, name.clone()))
            .collect();
        let groups = self.groups.iter();
        quiet.extend(groups.map(|(id, kept)| (kept.active_at, true, id.clone())));
        quiet.sort_unstable();
        let mut quiet = quiet.into_iter();
        while self.bytes() > TREND_BYTES_AFTER_SHEDDING
            && let Some((_, is_group, name)) = quiet.next()
        {
            if is_group {
                self.groups.remove(&name);
            } else {
                self.topics.remove(&name);
            }
        }
    }

    pub(super) fn now(&self, newest: Arc<ClusterSnapshot>) -> Now {
        let before = self.recent.front().cloned();
        Now {
            before: before.unwrap_or_else(|| Arc::clone(&newest)),
            newest,
        }
    }

    pub(super) fn topic(&self, name: &str) -> TrafficTrend {
        let kept = self.topics.get(name);
        kept.map(|kept| kept.trend.clone()).unwrap_or_default()
    }

    pub(super) fn group(&self, id: &str) -> LagTrend {
        let kept = self.groups.get(id);
        kept.map(|kept| kept.trend.clone()).unwrap_or_default()
    }

    pub(super) fn apis(&self) -> Option<(BTreeMap<String, ApiTotals>, f64)> {
        let ((began, first), (ended, last)) = self.minute()?;
        let since = last.apis.iter().map(|(api, totals)| {
            let grown = match first.apis.get(api) {
                Some(before) => totals.since(before),
                None => totals.clone(),
            };
            (api.clone(), grown)
        });
        Some((since.collect(), (ended - began) as f64 / 1000.0))
    }

    pub(super) fn waiting(&self, pool: &str) -> Option<f64> {
        let ((began, first), (ended, last)) = self.minute()?;
        let of = |r: &RegistryReading| {
            let found = r.buffers.iter().find(|b| b.pool == pool)?;
            Some(found.wait_seconds)
        };
        Some((of(last)? - of(first)?).max(0.0) * 1000.0 / (ended - began) as f64)
    }

    /// The oldest and the newest reading of the registry, if they are two.
    fn minute(&self) -> Option<(&TimedReading, &TimedReading)> {
        let (first, last) = (self.registry.front()?, self.registry.back()?);
        (last.0 > first.0).then_some((first, last))
    }
}

fn push(trend: &mut TrafficTrend, rates: Rates) {
    trend.records_in.push(rates.records_in);
    trend.bytes_in.push(rates.bytes_in);
    trend.bytes_out.push(rates.bytes_out);
}
