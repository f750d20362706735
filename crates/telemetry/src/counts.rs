//! The counts of a histogram, read off the hot path.

/// What a histogram counted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Counts {
    /// Upper bounds; the last one is infinite.
    pub(crate) bounds: Vec<f64>,
    /// Values up to each bound.
    pub(crate) counts: Vec<u64>,
    /// Their sum.
    pub(crate) sum: f64,
}

impl Counts {
    /// The value below which this part of the counts lies; 0 without counts.
    ///
    /// Inside a bucket values are taken to be spread evenly, as PromQL's `histogram_quantile` has
    /// it, and beyond the last finite bound to lie on it. But no more than 1 % of the values can be
    /// a hundred times their mean: that keeps the many stages that take no time at all from
    /// looking like the first bucket.
    pub(crate) fn quantile(&self, q: f64) -> f64 {
        let total = self.counts.last().copied().unwrap_or(0);
        if total == 0 {
            return 0.0;
        }
        let most = self.sum / total as f64 / (1.0 - q);
        self.inside_bucket(q * total as f64).min(most)
    }

    fn inside_bucket(&self, rank: f64) -> f64 {
        let at = self.counts.iter().position(|&count| count as f64 >= rank);
        let at = at.unwrap_or(self.counts.len() - 1);
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
