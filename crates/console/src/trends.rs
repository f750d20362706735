//! The last 15 minutes: what sparklines and rates are made of.
//!
//! Once a second the newest snapshot is kept for a few seconds (rates of now); every fifth one
//! becomes a point of each series. Series of topics and groups have a budget: beyond it those that
//! have been quiet longest are forgotten, and begin anew when there is room.
//!
//! What must never be here: clocks. Time comes with the snapshots.

mod sampler;
mod series;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_cluster::{ClusterSnapshot, Partition, Topic, Traffic};
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use sampler::{Sampler, read_registry};
pub(crate) use series::{POINTS, STEP_SECONDS, Series};
#[cfg(any(test, feature = "preview"))]
pub(crate) use store::{BufferReading, RegistryReading};
pub(crate) use store::{Reading, TREND_BYTES_MAX};

use crate::requests::ApiTotals;
use store::Store;

/// Per second; `None` where two looks at a counter are not there yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Rates {
    pub(crate) records_in: Option<f64>,
    pub(crate) bytes_in: Option<f64>,
    pub(crate) bytes_out: Option<f64>,
}

impl Rates {
    /// Between two totals. A counter that went back began anew: nothing is known then.
    pub(crate) fn between(before: &Traffic, after: &Traffic, seconds: f64) -> Self {
        let rate = |before: u64, after: u64| {
            let grown = after.checked_sub(before)?;
            (seconds > 0.0).then(|| grown as f64 / seconds)
        };
        Self {
            records_in: rate(before.messages_in, after.messages_in),
            bytes_in: rate(before.bytes_in, after.bytes_in),
            bytes_out: rate(before.bytes_out, after.bytes_out),
        }
    }

    /// Bytes both ways, for sorting.
    pub(crate) fn bytes(&self) -> f64 {
        self.bytes_in.unwrap_or(0.0) + self.bytes_out.unwrap_or(0.0)
    }
}

/// Series of the three rates.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct TrafficTrend {
    pub(crate) records_in: Series,
    pub(crate) bytes_in: Series,
    pub(crate) bytes_out: Series,
}

/// Series of a group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct LagTrend {
    pub(crate) lag_records: Series,
    pub(crate) lag_seconds: Series,
}

/// Series of the whole cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ClusterTrend {
    /// When the newest point was taken.
    pub(crate) ended_at_ms: i64,
    #[serde(flatten)]
    pub(crate) traffic: TrafficTrend,
    pub(crate) requests: Series,
    /// Bytes in use, by buffer.
    #[serde(skip)]
    pub(crate) buffers: BTreeMap<&'static str, Series>,
    /// Mean seconds of a request, by API.
    #[serde(skip)]
    pub(crate) request_seconds: BTreeMap<String, Series>,
}

/// The newest snapshot with one from a few seconds before: what "now" means for rates.
#[derive(Clone, Default)]
pub(crate) struct Now {
    pub(crate) newest: Arc<ClusterSnapshot>,
    pub(crate) before: Arc<ClusterSnapshot>,
}

impl Now {
    fn seconds(&self) -> f64 {
        (self.newest.taken_at_ms - self.before.taken_at_ms) as f64 / 1000.0
    }

    /// Rates of the whole cluster.
    pub(crate) fn cluster(&self) -> Rates {
        Rates::between(&self.before.traffic, &self.newest.traffic, self.seconds())
    }

    /// Rates of a topic of the newest snapshot.
    pub(crate) fn topic(&self, topic: &Topic) -> Rates {
        let Some(before) = self.before.topic(&topic.name) else {
            return Rates::default();
        };
        Rates::between(&before.traffic, &topic.traffic, self.seconds())
    }

    /// Records appended to a partition per second.
    pub(crate) fn partition(&self, topic: &str, after: &Partition) -> Option<f64> {
        let partitions = &self.before.topic(topic)?.partitions;
        let before = partitions.iter().find(|p| p.index == after.index)?;
        let grown = u64::try_from(after.high_watermark - before.high_watermark).ok()?;
        let seconds = self.seconds();
        (seconds > 0.0).then(|| grown as f64 / seconds)
    }
}

/// What was seen lately. Shared by the sampler and all pages.
pub(crate) struct Trends {
    store: Mutex<Store>,
}

impl Trends {
    pub(crate) fn new() -> Self {
        Self {
            store: Mutex::default(),
        }
    }

    /// Takes in a look at the cluster. Returns the bytes that the series take.
    pub(crate) fn take(&self, reading: Reading) -> u64 {
        self.store.lock().take(reading)
    }

    /// Whether the next look will become a point, and so needs the registry's numbers.
    pub(crate) fn wants_point(&self, snapshot: &ClusterSnapshot) -> bool {
        self.store.lock().wants_point(snapshot)
    }

    /// `newest` with what it is to be compared with.
    pub(crate) fn now(&self, newest: Arc<ClusterSnapshot>) -> Now {
        self.store.lock().now(newest)
    }

    /// Series of the whole.
    pub(crate) fn cluster(&self) -> ClusterTrend {
        self.store.lock().cluster.clone()
    }

    /// Series of a topic; empty when there is none.
    pub(crate) fn topic(&self, name: &str) -> TrafficTrend {
        self.store.lock().topic(name)
    }

    /// Series of a group; empty when there is none.
    pub(crate) fn group(&self, id: &str) -> LagTrend {
        self.store.lock().group(id)
    }

    /// What each API did over the last minute, and how long that was.
    pub(crate) fn apis(&self) -> Option<(BTreeMap<String, ApiTotals>, f64)> {
        self.store.lock().apis()
    }

    /// Seconds waited per second for a buffer over the last minute.
    pub(crate) fn waiting(&self, pool: &str) -> Option<f64> {
        self.store.lock().waiting(pool)
    }
}

#[cfg(test)]
mod tests;
