//! Times by the million, kept with an error of less than one per cent.
//!
//! Below 256 µs each microsecond has a bucket of its own; beyond, each doubling has 128 buckets.

use std::time::Duration;

use super::raw::Values;

/// Buckets of a doubling.
const STEPS: u64 = 128;
/// Times of at least 2^36 µs (19 hours) are counted as that.
const LONGEST: u64 = 1 << 36;

/// How often each time was seen.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    counts: Vec<u64>,
    seen: u64,
    sum_micros: u128,
}

impl Histogram {
    /// Counts a time.
    pub fn add(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(LONGEST);
        let at = bucket(micros);
        if self.counts.len() <= at {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += 1;
        self.seen += 1;
        self.sum_micros += u128::from(micros);
    }

    /// Counts what another one has counted.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (own, more) in self.counts.iter_mut().zip(&other.counts) {
            *own += more;
        }
        self.seen += other.seen;
        self.sum_micros += other.sum_micros;
    }

    /// How many times were counted.
    #[must_use]
    pub const fn seen(&self) -> u64 {
        self.seen
    }

    /// Of what was counted, the time that `per_mille` thousandths don't exceed, in milliseconds.
    #[must_use]
    pub fn percentile_ms(&self, per_mille: u64) -> f64 {
        let rank = (self.seen * per_mille).div_ceil(1_000).max(1);
        let mut below = 0;
        for (at, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank {
                return upper_micros(at) as f64 / 1_000.0;
            }
        }
        f64::NAN
    }

    /// The mean, in milliseconds.
    #[must_use]
    pub fn mean_ms(&self) -> f64 {
        self.sum_micros as f64 / self.seen as f64 / 1_000.0
    }

    /// The mean and the usual percentiles; nothing of nothing.
    #[must_use]
    pub fn summary(&self) -> Values {
        if self.seen == 0 {
            return Values::new();
        }
        Values::from([
            ("mean_ms".to_owned(), self.mean_ms()),
            ("p50_ms".to_owned(), self.percentile_ms(500)),
            ("p99_ms".to_owned(), self.percentile_ms(990)),
            ("p999_ms".to_owned(), self.percentile_ms(999)),
            ("max_ms".to_owned(), self.percentile_ms(1_000)),
        ])
    }
}

fn bucket(micros: u64) -> usize {
    let micros = micros.min(LONGEST);
    // How far right until it fits between STEPS and 2 × STEPS.
    let shift = (64 - u64::from(micros.leading_zeros())).saturating_sub(8);
    let at = shift * STEPS + (micros >> shift);
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// The longest time of a bucket.
fn upper_micros(at: usize) -> u64 {
    let at = at as u64;
    let shift = (at / STEPS).saturating_sub(1);
    let step = at - shift * STEPS;
    ((step + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_is_near_it() {
        let mut last = 0;
        for micros in (0..5_000).chain([65_535, 65_536, 1_000_000, 77_777_777, LONGEST]) {
            let at = bucket(micros);
            assert!(at >= last, "{micros}");
            last = at;
            let upper = upper_micros(at);
            assert!(upper >= micros, "{micros} is beyond {upper}");
            assert!(
                (upper - micros) as f64 <= micros as f64 / 100.0,
                "{micros}: {upper}"
            );
        }
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let (mut low, mut high) = (Histogram::default(), Histogram::default());
        for millis in 1..=500 {
            low.add(Duration::from_millis(millis));
            high.add(Duration::from_millis(500 + millis));
        }
        low.merge(&high);
        assert_eq!(low.seen(), 1_000);
        for (per_mille, wanted) in [(500, 500.0), (990, 990.0), (999, 999.0), (1_000, 1_000.0)] {
            let found = low.percentile_ms(per_mille);
            assert!((found / wanted - 1.0).abs() < 0.01, "{per_mille}: {found}");
        }
        assert!((low.mean_ms() - 500.5).abs() < 0.01);
        assert!(Histogram::default().summary().is_empty());
        assert!(Histogram::default().percentile_ms(500).is_nan());
    }
}
