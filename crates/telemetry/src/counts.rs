//! The counts of a histogram, read off the hot path.

use std::ops::RangeInclusive;
use std::sync::Arc;

/// What a histogram counted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Counts {
    /// Upper bounds; the last one is infinite.
    pub(crate) bounds: Arc<[f64]>,
    /// Values up to each bound.
    pub(crate) counts: Vec<u64>,
    /// Their sum.
    pub(crate) sum: f64,
}

impl Counts {
    /// How many there are.
    pub(crate) fn total(&self) -> u64 {
        self.counts.last().copied().unwrap_or(0)
    }

    /// From the first bucket that has some to the last; there are some.
    fn used(&self, total: u64) -> RangeInclusive<usize> {
        let first = self.counts.partition_point(|&count| count == 0);
        first..=self.counts.partition_point(|&count| count < total)
    }

    /// The value below which this part of the counts lies; 0 without counts.
    ///
    /// Inside a bucket values are taken to be spread evenly, as PromQL's `histogram_quantile` has
    /// it, and beyond the last finite bound to lie on it. But no more than 1 % of the values can be
    /// a hundred times their mean: that keeps the many stages that take no time at all from
    /// looking like the first bucket.
    pub(crate) fn quantile(&self, q: f64) -> f64 {
        let total = self.total();
        if total == 0 {
            return 0.0;
        }
        let most = self.sum / total as f64 / (1.0 - q);
        self.inside_bucket(q * total as f64).min(most)
    }

    /// Their mean; none without counts.
    pub(crate) fn mean(&self) -> Option<f64> {
        let total = Some(self.total()).filter(|&total| total > 0)?;
        Some(self.sum / total as f64)
    }

    /// Where the lowest and the highest count lie, as far as buckets tell: 0 and 0 without counts.
    pub(crate) fn range(&self) -> (f64, f64) {
        let total = self.total();
        if total == 0 {
            return (0.0, 0.0);
        }
        let (first, last) = self.used(total).into_inner();
        let low = first.checked_sub(1).map_or(0.0, |below| self.bounds[below]);
        let bounded = self.bounds[last].is_finite();
        let high = self.bounds[if bounded {
            last
        } else {
            last.saturating_sub(1)
        }];
        // One value alone is its own sum, and no value is above that.
        (low.min(self.sum / total as f64), high.min(self.sum))
    }

    /// Their standard deviation, taking each value to lie in the middle of its bucket.
    pub(crate) fn deviation(&self) -> f64 {
        let total = self.total();
        if total < 2 {
            return 0.0;
        }
        let used = self.used(total);
        let before = used.start().checked_sub(1);
        let (mut below, mut low) = (0, before.map_or(0.0, |before| self.bounds[before]));
        let (mut sum, mut squares) = (0.0, 0.0);
        for (&bound, &count) in self.bounds[used.clone()].iter().zip(&self.counts[used]) {
            let high = if bound.is_finite() { bound } else { low };
            let (middle, inside) = ((low + high) / 2.0, (count - below) as f64);
            sum += middle * inside;
            squares += middle * middle * inside;
            (below, low) = (count, high);
        }
        let total = total as f64;
        ((squares - sum * sum / total) / (total - 1.0))
            .max(0.0)
            .sqrt()
    }

    fn inside_bucket(&self, rank: f64) -> f64 {
        let at = self.counts.partition_point(|&count| (count as f64) < rank);
        let at = at.min(self.counts.len() - 1);
        let (below, low) = match at.checked_sub(1) {
            Some(before) => (self.counts[before], self.bounds[before]),
            None => (0, 0.0),
        };
        let inside = self.counts[at] - below;
        if self.bounds[at].is_infinite() || inside == 0 {
            return low;
        }
        low + (self.bounds[at] - low) * (rank - below as f64) / inside as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: [u64; 4], sum: f64) -> Counts {
        Counts {
            bounds: [1.0, 2.0, 4.0, f64::INFINITY].into(),
            counts: counts.to_vec(),
            sum,
        }
    }

    #[test]
    fn range_and_deviation_are_those_of_the_buckets() {
        assert_eq!(counts([0; 4], 0.0).range(), (0.0, 0.0));
        assert_eq!(counts([0; 4], 0.0).deviation(), 0.0);
        assert_eq!(counts([0; 4], 0.0).mean(), None);
        assert_eq!(counts([0, 10, 20, 20], 45.0).mean(), Some(2.25));
        assert_eq!(counts([0, 1, 1, 1], 1.5).range(), (1.0, 1.5));
        assert_eq!(counts([0, 10, 20, 20], 45.0).range(), (1.0, 4.0));
        assert_eq!(counts([0, 0, 0, 3], 30.0).range(), (4.0, 4.0));
        assert_eq!(counts([5, 5, 5, 5], 0.0).range(), (0.0, 0.0));
        let one_and_three = counts([0, 1, 2, 2], 4.5).deviation();
        assert!((one_and_three - 1.125_f64.sqrt()).abs() < 1e-12);
        assert_eq!(counts([0, 9, 9, 9], 13.5).deviation(), 0.0);
    }
}
