//! What a client does per second, over about ten seconds: totals that are read once a second.

use std::time::Duration;

use limpid_cluster::StageMean;
use limpid_telemetry::{LabelEnum, Stage};

use super::STAGES;

/// What rates look back on.
const RATE_SECONDS: f64 = 10.0;
/// Fewer requests per second have no mean: they are what is left of some minutes ago.
const REQUESTS_MIN: f64 = 0.001;

/// Sums since the start, or what they grow by per second.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) requests: f64,
    pub(super) errors: f64,
    pub(super) bytes_in: f64,
    pub(super) bytes_out: f64,
    pub(super) throttled: f64,
    pub(super) stages: [f64; STAGES],
}

/// The pace of one client.
#[derive(Debug, Default)]
pub(super) struct Pace {
    seen: Totals,
    rates: Totals,
}

impl Pace {
    /// The sums are these now.
    pub(super) fn follow(&mut self, now: &Totals, passed: Duration) {
        let seconds = passed.as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        let part = 1.0 - (-seconds / RATE_SECONDS).exp();
        let follow = |rate: &mut f64, now: f64, then: f64| {
            *rate += ((now - then).max(0.0) / seconds - *rate) * part;
        };
        let (rates, seen) = (&mut self.rates, &self.seen);
        follow(&mut rates.requests, now.requests, seen.requests);
        follow(&mut rates.errors, now.errors, seen.errors);
        follow(&mut rates.bytes_in, now.bytes_in, seen.bytes_in);
        follow(&mut rates.bytes_out, now.bytes_out, seen.bytes_out);
        follow(&mut rates.throttled, now.throttled, seen.throttled);
        for (at, rate) in rates.stages.iter_mut().enumerate() {
            follow(rate, now.stages[at], seen.stages[at]);
        }
        self.seen = *now;
    }

    /// Per second.
    pub(super) fn rates(&self) -> Totals {
        self.rates
    }

    /// What a request takes in each stage.
    pub(super) fn stages(&self) -> Vec<StageMean> {
        let requests = self.rates.requests;
        if requests < REQUESTS_MIN {
            return Vec::new();
        }
        let mean = |stage: &Stage| StageMean {
            stage: stage.as_str(),
            seconds: self.rates.stages[stage.index()] / requests,
        };
        Stage::ALL.iter().map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use limpid_telemetry::Stage;

    use super::{Pace, Totals};

    #[test]
    fn means_are_those_of_now() {
        let (mut pace, mut now) = (Pace::default(), Totals::default());
        assert!(pace.stages().is_empty());
        let mut run = |pace: &mut Pace, seconds: usize, queue: f64| {
            for _ in 0..seconds {
                now.requests += 100.0;
                now.stages[Stage::Queue as usize] += 100.0 * queue;
                pace.follow(&now, Duration::from_secs(1));
            }
        };
        run(&mut pace, 100, 0.001);
        let queue = |pace: &Pace| pace.stages()[Stage::Queue as usize].seconds;
        assert!((queue(&pace) - 0.001).abs() < 1e-6, "{}", queue(&pace));
        assert!((pace.rates().requests - 100.0).abs() < 0.1);
        run(&mut pace, 60, 0.5);
        assert!((0.4..=0.5).contains(&queue(&pace)), "{}", queue(&pace));
    }
}
