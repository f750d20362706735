//! Bound handles: the only thing the hot path touches. Each is an `Arc` around atomics.

use std::sync::Arc;
use std::time::Duration;

use prometheus::core::Collector as _;

use crate::SEEN;
use crate::counts::Counts;
use crate::declare::{Declaration, Kind};
use crate::distribution::{self, Design, Distribution, DistributionVec, Rounds};
use crate::error::RegisterError;

/// A count of events; never goes down.
#[derive(Clone, Debug)]
pub struct Counter(prometheus::IntCounter);

impl Counter {
    /// One more event.
    #[inline]
    pub fn inc(&self) {
        if SEEN {
            self.0.inc();
        }
    }
    /// `by` more.
    #[inline]
    pub fn inc_by(&self, by: u64) {
        if SEEN {
            self.0.inc_by(by);
        }
    }
    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

/// A growing sum that is not whole, such as seconds waited.
#[derive(Clone, Debug)]
pub struct FloatCounter(prometheus::Counter);

impl FloatCounter {
    /// Adds a non-negative amount; a negative or NaN one is ignored.
    #[inline]
    pub fn inc_by(&self, by: f64) {
        if SEEN && by > 0.0 {
            self.0.inc_by(by);
        }
    }
    /// Adds seconds.
    #[inline]
    pub fn inc_by_duration(&self, by: Duration) {
        self.inc_by(by.as_secs_f64());
    }
    /// The sum so far.
    pub fn get(&self) -> f64 {
        self.0.get()
    }
}

/// A level in whole units.
#[derive(Clone, Debug)]
pub struct Gauge(prometheus::IntGauge);

impl Gauge {
    /// Sets the level.
    #[inline]
    pub fn set(&self, value: i64) {
        if SEEN {
            self.0.set(value);
        }
    }
    /// One up.
    #[inline]
    pub fn inc(&self) {
        if SEEN {
            self.0.inc();
        }
    }
    /// One down.
    #[inline]
    pub fn dec(&self) {
        if SEEN {
            self.0.dec();
        }
    }
    /// Adds (or, negative, takes away).
    #[inline]
    pub fn add(&self, by: i64) {
        if SEEN {
            self.0.add(by);
        }
    }
    /// The level now.
    pub fn get(&self) -> i64 {
        self.0.get()
    }
    /// Counts one thing in flight until the guard drops.
    #[must_use = "the thing counts as in flight only while the guard lives"]
    pub fn track(&self) -> InFlight {
        self.inc();
        InFlight(SEEN.then(|| self.clone()))
    }
}

impl Gauge {
    /// As [`track`](Gauge::track), for who keeps the gauge for as long as the guard lives.
    #[must_use = "the thing counts as in flight only while the guard lives"]
    #[inline]
    pub fn during(&self) -> During<'_> {
        self.inc();
        During(self)
    }
}

/// One thing in flight, off a [`Gauge`] that outlives it.
#[derive(Debug)]
pub struct During<'a>(&'a Gauge);

impl Drop for During<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// One thing in flight; takes itself off its [`Gauge`] on drop.
#[derive(Debug)]
pub struct InFlight(Option<Gauge>);

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(gauge) = &self.0 {
            gauge.dec();
        }
    }
}

/// A level that is not whole, such as a ratio or seconds.
#[derive(Clone, Debug)]
pub struct FloatGauge(prometheus::Gauge);

impl FloatGauge {
    /// Sets the level.
    #[inline]
    pub fn set(&self, value: f64) {
        if SEEN {
            self.0.set(value);
        }
    }
    /// The level now.
    pub fn get(&self) -> f64 {
        self.0.get()
    }
}

/// A distribution over the buckets of its declaration.
#[derive(Clone, Debug)]
pub struct Histogram(Distribution);

impl Histogram {
    /// Records one value in the unit of the family's name.
    #[inline]
    pub fn observe(&self, value: f64) {
        if SEEN {
            self.0.observe(value);
        }
    }
    /// Records a duration in seconds.
    #[inline]
    pub fn observe_duration(&self, value: Duration) {
        self.observe(value.as_secs_f64());
    }
    /// Records nanoseconds in seconds.
    #[inline]
    pub fn observe_nanos(&self, value: u64) {
        self.observe(value as f64 / 1e9);
    }
    /// Takes part in rounds.
    pub(crate) fn join(&self, rounds: &Arc<Rounds>) -> Arc<Rounds> {
        self.0.join(rounds)
    }
    /// Records nanoseconds of a round in seconds.
    #[inline]
    pub(crate) fn observe_nanos_in_round(&self, value: u64) {
        if SEEN {
            self.0.observe_in_round(value as f64 / 1e9);
        }
    }
    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.0.count()
    }
    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.0.sum()
    }
    /// How many values by upper bound. Allocates: not for the hot path.
    pub(crate) fn counts(&self) -> Counts {
        self.0.counts()
    }
}

/// A handle of any kind, for readers off the hot path (the MBean registry).
#[derive(Clone, Debug)]
pub enum AnyHandle {
    /// See [`Counter`].
    Counter(Counter),
    /// See [`FloatCounter`].
    FloatCounter(FloatCounter),
    /// See [`Gauge`].
    Gauge(Gauge),
    /// See [`FloatGauge`].
    FloatGauge(FloatGauge),
    /// See [`Histogram`].
    Histogram(Histogram),
}

/// A kind of metric: how to make one, alone or per label set.
pub trait Handle: Clone + Send + Sync + 'static {
    /// All series of one family.
    type Many: Clone + Send + Sync + 'static;
    /// The kind in declarations.
    const KIND: Kind;
    /// Makes and registers the one series of a family without labels.
    ///
    /// # Errors
    /// The name is taken or not a metric name.
    fn one(d: &Declaration, to: &prometheus::Registry) -> Result<Self, RegisterError>;
    /// Makes and registers a family with labels and no series yet.
    ///
    /// # Errors
    /// The name is taken, or a name is not a metric or label name.
    fn many(d: &Declaration, to: &prometheus::Registry) -> Result<Self::Many, RegisterError>;
    /// The series of this label set; made at 0 when missing.
    fn series(many: &Self::Many, values: &[&str]) -> Self;
    /// Takes the series of this label set out of the family.
    fn remove(many: &Self::Many, values: &[&str]);
    /// How many series the family has.
    fn series_count(many: &Self::Many) -> usize;
    /// The handle with its kind erased.
    fn any(&self) -> AnyHandle;
}

fn opts(d: &Declaration) -> prometheus::Opts {
    prometheus::Opts::new(d.name, d.help())
}

/// Beans tell percentiles, pages buckets.
fn design(d: &Declaration) -> Design {
    let opts = prometheus::HistogramOpts::new(d.name, d.help());
    Design {
        opts: opts.buckets(d.buckets.to_vec()),
        fine: !d.mbeans.is_empty(),
    }
}

macro_rules! handle {
    ($name:ident, $one:ty, $many:ty, $new:path, $opts:path) => {
        impl Handle for $name {
            type Many = $many;
            const KIND: Kind = Kind::$name;
            fn one(d: &Declaration, to: &prometheus::Registry) -> Result<Self, RegisterError> {
                let make = || {
                    let metric = <$one>::with_opts($opts(d))?;
                    to.register(Box::new(metric.clone()))?;
                    Ok(metric)
                };
                make().map(Self).map_err(|e| RegisterError::new(d, e))
            }
            fn many(d: &Declaration, to: &prometheus::Registry) -> Result<$many, RegisterError> {
                let make = || {
                    let names: Vec<&str> = d.labels.iter().map(|l| l.name).collect();
                    let many = $new($opts(d), &names)?;
                    to.register(Box::new(many.clone()))?;
                    Ok(many)
                };
                make().map_err(|e| RegisterError::new(d, e))
            }
            fn series(many: &$many, values: &[&str]) -> Self {
                Self(many.with_label_values(values))
            }
            fn remove(many: &$many, values: &[&str]) {
                // A miss means somebody reset the family; the series is gone either way.
                many.remove_label_values(values).ok();
            }
            fn series_count(many: &$many) -> usize {
                many.collect().iter().map(|f| f.get_metric().len()).sum()
            }
            fn any(&self) -> AnyHandle {
                AnyHandle::$name(self.clone())
            }
        }
    };
}
handle!(
    Counter,
    prometheus::IntCounter,
    prometheus::IntCounterVec,
    prometheus::IntCounterVec::new,
    opts
);
handle!(
    FloatCounter,
    prometheus::Counter,
    prometheus::CounterVec,
    prometheus::CounterVec::new,
    opts
);
handle!(
    Gauge,
    prometheus::IntGauge,
    prometheus::IntGaugeVec,
    prometheus::IntGaugeVec::new,
    opts
);
handle!(
    FloatGauge,
    prometheus::Gauge,
    prometheus::GaugeVec,
    prometheus::GaugeVec::new,
    opts
);
handle!(
    Histogram,
    Distribution,
    DistributionVec,
    distribution::family,
    design
);
