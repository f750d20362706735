//! What a histogram saw recently: percentiles of the last minute or two.
//!
//! Histograms count since the process started. Kafka's percentiles, and everybody's dashboards of
//! them, tell of now. Two copies of the counts, taken a [`WINDOW`] apart, make the difference: the
//! older one is subtracted, so that between one and two windows are looked at. Events cost nothing;
//! copies are made once in a window by whoever ticks.

use std::time::Duration;

use crate::counts::Counts;
use crate::handle::Histogram;

/// How far apart the copies are.
pub const WINDOW: Duration = Duration::from_secs(60);

/// The copies of one histogram's counts. A fresh one subtracts nothing.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    older: Option<Counts>,
    newer: Option<Counts>,
}

impl Recent {
    /// A window is over.
    pub(crate) fn turn(&mut self, histogram: &Histogram) {
        self.older = self.newer.replace(histogram.counts());
    }

    /// What came since the older copy.
    pub(crate) fn since(&self, histogram: &Histogram) -> Counts {
        self.of(histogram.counts())
    }

    /// The same of counts that were just taken.
    pub(crate) fn of(&self, mut now: Counts) -> Counts {
        let Some(older) = &self.older else {
            return now;
        };
        let mut pairs = older.counts.iter().zip(&now.counts);
        // Shrunk: a new histogram took the place of the old one.
        if pairs.all(|(old, new)| old <= new) {
            for (count, old) in now.counts.iter_mut().zip(&older.counts) {
                *count -= old;
            }
            now.sum = (now.sum - older.sum).max(0.0);
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Registry, buckets};

    crate::metrics! {
        struct Metrics {
            /// Seconds.
            seconds: histogram[buckets::REQUEST_SECONDS] = "limpid_test_seconds";
        }
    }

    fn histogram() -> Histogram {
        Metrics::register(&Registry::new()).unwrap().seconds
    }

    #[test]
    fn only_the_last_windows_count() {
        let (h, mut recent) = (histogram(), Recent::default());
        assert_eq!(recent.since(&h).quantile(0.99), 0.0);
        (0..1_000).for_each(|_| h.observe(4.0));
        assert!(recent.since(&h).quantile(0.5) > 2.5);
        recent.turn(&h);
        (0..10).for_each(|_| h.observe(0.0002));
        assert!(recent.since(&h).quantile(0.5) > 2.5, "within two windows");
        recent.turn(&h);
        assert_eq!(recent.since(&h).counts.last(), Some(&10));
        assert!(recent.since(&h).quantile(0.999) <= 0.00025);
        recent.turn(&h);
        assert_eq!(recent.since(&h).quantile(0.5), 0.0, "idle");
        let another = histogram();
        another.observe(0.003);
        assert_eq!(recent.since(&another).counts.last(), Some(&1));
    }

    #[test]
    fn quantiles_are_those_of_promql() {
        let counts = Counts {
            bounds: [1.0, 2.0, 4.0, f64::INFINITY].into(),
            counts: vec![10, 10, 30, 40],
            sum: 1e6,
        };
        let all = [0.0, 0.125, 0.25, 0.5, 0.75, 0.99].map(|q| counts.quantile(q));
        assert_eq!(all, [0.0, 0.5, 1.0, 3.0, 4.0, 4.0]);
        let mut instant = histogram();
        instant.observe(0.0);
        assert_eq!(instant.counts().quantile(0.999), 0.0);
        instant = histogram();
        (0..100).for_each(|_| instant.observe(0.000_001));
        let micros = instant.counts().quantile(0.5) * 1e6;
        assert!((1.0..=2.001).contains(&micros), "{micros}");
    }
}
