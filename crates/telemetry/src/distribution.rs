//! What a histogram counts into: a counter for each bucket and a sum, and nothing else.
//!
//! The crate underneath keeps two copies of each histogram, so that a scrape sees all of them or none of
//! an observation; that is four atomic operations more for each, and a request observes a dozen. Here the
//! number of observations is that of the buckets added up, so that a scrape never sees one that is in no
//! bucket. The sum may lack those that are just being observed. Where percentiles are told of it, buckets
//! are cut into [cells](crate::scale).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use prometheus::core::{Collector, Desc, Describer as _, Metric, MetricVec, MetricVecBuilder};
use prometheus::proto;
use prometheus::{HistogramOpts, Opts};

use crate::counts::Counts;
use crate::scale::Scale;

/// What tells the buckets of a histogram apart.
const BUCKET_LABEL: &str = "le";

/// A histogram; clones count into the same one.
#[derive(Clone, Debug)]
pub struct Distribution(Arc<Core>);

/// The distributions of one family, by label values.
pub type DistributionVec = MetricVec<Build>;

#[derive(Debug)]
struct Core {
    desc: Desc,
    labels: Vec<proto::LabelPair>,
    scale: Arc<Scale>,
    /// One for each cell; not added up.
    counts: Box<[AtomicU64]>,
    /// The bits of a float.
    sum: AtomicU64,
    rounds: OnceLock<Arc<Rounds>>,
    /// Of the rounds, those in which there was something to count.
    counted: AtomicU64,
    /// Zeros that somebody was shown: it can't be fewer the next time.
    shown: AtomicU64,
}

/// Rounds in which each of some distributions observes one value, and most of them 0. A zero is not
/// counted where it happens: it is what a round has and the buckets lack.
#[derive(Debug, Default)]
pub(crate) struct Rounds(AtomicU64);

impl Rounds {
    /// One more, whose values above 0 are [observed](Distribution::observe_in_round) already.
    #[inline]
    pub(crate) fn end(&self) {
        // Whoever sees the round sees what was observed in it.
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// Makes the series of a family.
#[derive(Clone, Debug)]
pub struct Build(Arc<Scale>);

/// What distributions are made from.
#[derive(Clone, Debug)]
pub(crate) struct Design {
    /// Name, help and buckets.
    pub(crate) opts: HistogramOpts,
    /// Percentiles are told of it.
    pub(crate) fine: bool,
}

impl Design {
    /// Where values are counted; an error for what no histogram can be made of: bounds that do not rise,
    /// and the label that its buckets have.
    fn scale(&self, labels: &[&str]) -> prometheus::Result<Arc<Scale>> {
        let bounds = &self.opts.buckets;
        let rises = bounds.is_sorted_by(|below, above| below < above);
        match (rises && !labels.contains(&BUCKET_LABEL), self.fine) {
            (true, true) => Ok(Arc::new(Scale::fine(bounds))),
            (true, false) => Ok(Arc::new(Scale::coarse(bounds))),
            (false, _) => Err(prometheus::Error::Msg(format!(
                "buckets {bounds:?} with the labels {labels:?}"
            ))),
        }
    }
}

impl Distribution {
    /// The only one of a family.
    pub(crate) fn with_opts(design: Design) -> prometheus::Result<Self> {
        let scale = design.scale(&[])?;
        Self::labelled::<&str>(&design.opts, scale, &[])
    }

    fn labelled<V: AsRef<str>>(
        opts: &HistogramOpts,
        scale: Arc<Scale>,
        values: &[V],
    ) -> prometheus::Result<Self> {
        let desc = opts.describe()?;
        if desc.variable_labels.len() != values.len() {
            return Err(prometheus::Error::InconsistentCardinality {
                expect: desc.variable_labels.len(),
                got: values.len(),
            });
        }
        let label = |(name, value): (&String, &V)| {
            let mut pair = proto::LabelPair::default();
            pair.set_name(name.clone());
            pair.set_value(value.as_ref().to_owned());
            pair
        };
        let mut labels: Vec<_> = desc.variable_labels.iter().zip(values).map(label).collect();
        labels.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(Self(Arc::new(Core {
            desc,
            labels,
            counts: (0..scale.cells()).map(|_| AtomicU64::new(0)).collect(),
            scale,
            sum: AtomicU64::new(0),
            rounds: OnceLock::new(),
            counted: AtomicU64::new(0),
            shown: AtomicU64::new(0),
        })))
    }

    /// Takes part in these rounds, or goes on to in those that it takes part in already.
    pub(crate) fn join(&self, rounds: &Arc<Rounds>) -> Arc<Rounds> {
        Arc::clone(self.0.rounds.get_or_init(|| Arc::clone(rounds)))
    }

    /// Counts the one value of a round, if it is not 0.
    #[inline]
    pub(crate) fn observe_in_round(&self, value: f64) {
        self.0.counted.fetch_add(1, Ordering::Relaxed);
        self.observe(value);
    }

    /// Counts one value.
    #[inline]
    pub(crate) fn observe(&self, value: f64) {
        let core = &*self.0;
        core.counts[core.scale.cell(value)].fetch_add(1, Ordering::Relaxed);
        if value != 0.0 {
            core.add(value);
        }
    }

    /// How many values were counted.
    pub(crate) fn count(&self) -> u64 {
        self.0.added_up().last().unwrap_or(0)
    }

    /// Their sum.
    pub(crate) fn sum(&self) -> f64 {
        f64::from_bits(self.0.sum.load(Ordering::Relaxed))
    }

    /// How many values by upper bound. Allocates: not for the hot path.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            bounds: Arc::clone(self.0.scale.ends()),
            counts: self.0.added_up().collect(),
            sum: self.sum(),
        }
    }
}

impl Core {
    fn add(&self, value: f64) {
        let mut before = self.sum.load(Ordering::Relaxed);
        loop {
            let after = (f64::from_bits(before) + value).to_bits();
            let relaxed = Ordering::Relaxed;
            match self
                .sum
                .compare_exchange_weak(before, after, relaxed, relaxed)
            {
                Ok(_) => return,
                Err(now) => before = now,
            }
        }
    }

    /// Values up to the end of each cell; with the last one, all of them.
    fn added_up(&self) -> impl Iterator<Item = u64> {
        let zeros = self.zeros();
        let bucket = self.scale.cell(0.0);
        let counts = self.counts.iter().enumerate();
        counts.scan(0, move |below, (at, count)| {
            *below += count.load(Ordering::Relaxed);
            *below += if at == bucket { zeros } else { 0 };
            Some(*below)
        })
    }

    /// Rounds in which there was nothing to count. What is counted in a round that has not ended makes
    /// them fewer for a moment, never more.
    fn zeros(&self) -> u64 {
        let Some(rounds) = self.rounds.get() else {
            return 0;
        };
        let all = rounds.0.load(Ordering::Acquire);
        let zeros = all.saturating_sub(self.counted.load(Ordering::Relaxed));
        let shown = self.shown.fetch_max(zeros, Ordering::Relaxed);
        zeros.max(shown)
    }
}

impl Metric for Distribution {
    fn metric(&self) -> proto::Metric {
        let core = &*self.0;
        let counts: Vec<u64> = core.added_up().collect();
        let mut buckets = Vec::with_capacity(core.scale.shown().len());
        for (bound, cell) in core.scale.shown() {
            let mut bucket = proto::Bucket::default();
            bucket.set_upper_bound(bound);
            bucket.set_cumulative_count(counts[cell]);
            buckets.push(bucket);
        }
        let all = counts.last().copied().unwrap_or(0);
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(all);
        histogram.set_sample_sum(self.sum());
        let mut metric = proto::Metric::from_label(core.labels.clone());
        metric.set_histogram(histogram);
        metric
    }
}

impl Collector for Distribution {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.0.desc]
    }

    fn collect(&self) -> Vec<proto::MetricFamily> {
        let mut family = proto::MetricFamily::default();
        family.set_name(self.0.desc.fq_name.clone());
        family.set_help(self.0.desc.help.clone());
        family.set_field_type(proto::MetricType::HISTOGRAM);
        family.set_metric(vec![self.metric()]);
        vec![family]
    }
}

impl MetricVecBuilder for Build {
    type M = Distribution;
    type P = HistogramOpts;

    fn build<V: AsRef<str>>(
        &self,
        opts: &HistogramOpts,
        values: &[V],
    ) -> prometheus::Result<Distribution> {
        Distribution::labelled(opts, Arc::clone(&self.0), values)
    }
}

/// A family with these labels and no series yet.
pub(crate) fn family(design: Design, labels: &[&str]) -> prometheus::Result<DistributionVec> {
    let scale = design.scale(labels)?;
    let mut opts = design.opts;
    let names: Vec<String> = labels.iter().map(|name| (*name).to_owned()).collect();
    let common: Opts = opts.common_opts;
    opts.common_opts = common.variable_labels(names);
    MetricVec::create(proto::MetricType::HISTOGRAM, Build(scale), opts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [f64; 3] = [0.0, 0.5, 2.0];

    fn opts() -> HistogramOpts {
        HistogramOpts::new("example_seconds", "Seconds.").buckets(BOUNDS.to_vec())
    }

    fn design(fine: bool) -> Design {
        Design { opts: opts(), fine }
    }

    /// The same values in ours and in that of the crate underneath: a page shows the same.
    #[test]
    fn it_shows_what_the_crate_underneath_shows() {
        shows_the_same(false);
        shows_the_same(true);
    }

    fn shows_the_same(fine: bool) {
        let labels = ["b", "a"];
        let ours = family(design(fine), &labels).unwrap();
        let theirs = prometheus::HistogramVec::new(opts(), &labels).unwrap();
        for value in [0.0, 0.1, 0.5, 0.500_1, 2.0, 7.25, 1e9, -1.0] {
            ours.with_label_values(&["x", "y"]).observe(value);
            theirs.with_label_values(&["x", "y"]).observe(value);
        }
        assert_eq!(ours.collect(), theirs.collect());

        let ours = Distribution::with_opts(design(fine)).unwrap();
        let theirs = prometheus::Histogram::with_opts(opts()).unwrap();
        assert_eq!(ours.collect(), theirs.collect(), "nothing was observed yet");
        ours.observe(f64::NAN);
        assert_eq!(ours.count(), 1, "beyond all bounds");
        assert!(family(design(fine), &["le"]).is_err());
        let opts = opts().buckets(vec![1.0, 1.0]);
        assert!(Distribution::with_opts(Design { opts, fine }).is_err());
        assert!(
            family(design(fine), &["a"])
                .unwrap()
                .get_metric_with_label_values(&["x", "y"])
                .is_err()
        );
    }

    #[test]
    fn zeros_of_rounds_are_counted_too() {
        let ours = family(design(true), &["a"]).unwrap();
        let theirs = prometheus::HistogramVec::new(opts(), &["a"]).unwrap();
        let of_ours = ["x", "y"].map(|value| ours.with_label_values(&[value]));
        let of_theirs = ["x", "y"].map(|value| theirs.with_label_values(&[value]));
        let rounds = of_ours[0].join(&Arc::default());
        let others = Arc::default();
        assert!(
            Arc::ptr_eq(&of_ours[0].join(&others), &rounds),
            "it has joined"
        );
        of_ours[1].join(&rounds);
        for values in [[0.0, 0.4], [0.0, 0.0], [7.0, 0.0]] {
            for (at, value) in values.into_iter().enumerate() {
                of_theirs[at].observe(value);
                if value > 0.0 {
                    of_ours[at].observe_in_round(value);
                }
            }
            rounds.end();
        }
        // Beside the rounds, and not in place of one.
        of_ours[0].observe(0.0);
        of_theirs[0].observe(0.0);
        assert_eq!(ours.collect(), theirs.collect());
        assert_eq!(of_ours[0].count(), 4);
    }

    /// A page is never behind the one before, however many rounds are on their way.
    #[test]
    fn zeros_never_become_fewer() {
        let distribution = Distribution::with_opts(design(false)).unwrap();
        let rounds = distribution.join(&Arc::default());
        let round = |n: u32| {
            if n.is_multiple_of(2) {
                distribution.observe_in_round(1.0);
            }
            rounds.end();
        };
        std::thread::scope(|scope| {
            let busy: Vec<_> = (0..2)
                .map(|_| scope.spawn(|| (0..20_000).for_each(round)))
                .collect();
            let mut before = distribution.counts().counts;
            while busy.iter().any(|thread| !thread.is_finished()) {
                let now = distribution.counts().counts;
                assert!(before.iter().zip(&now).all(|(before, now)| before <= now));
                before = now;
            }
        });
        let counts = distribution.counts().counts;
        assert_eq!(counts, [20_000, 20_000, 40_000, 40_000]);
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let distribution = Distribution::with_opts(design(false)).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|n| distribution.observe(f64::from(n % 4))));
            }
        });
        assert_eq!(distribution.count(), 40_000);
        assert_eq!(distribution.sum(), 60_000.0);
        let counts = distribution.counts();
        assert_eq!(counts.counts, [10_000, 10_000, 30_000, 40_000]);
        assert_eq!(*counts.bounds, [0.0, 0.5, 2.0, f64::INFINITY]);
    }
}
