//! The rates of a meter, as Kafka's beans have them: moving averages over 1, 5 and 15 minutes, and the
//! mean since the bean is there.
//!
//! Events cost nothing: whoever ticks looks at the counter once every [`STEP`]. The averages are those
//! of the Unix load average: each step weighs what came in it against all that came before.

use std::time::Duration;

/// How often the averages move on.
pub const STEP: Duration = Duration::from_secs(5);
/// Minutes of the averages.
const MINUTES: [f64; 3] = [1.0, 5.0, 15.0];

/// What a meter tells beside its count, in events per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Since the bean is there.
    pub mean: f64,
    /// Over 1, 5 and 15 minutes.
    pub moving: [f64; 3],
}

/// The averages of one counter, with the time since any start.
#[derive(Debug)]
pub struct Meter {
    born: Duration,
    at_birth: f64,
    stepped: Duration,
    at_step: f64,
    moving: Option<[f64; 3]>,
}

impl Meter {
    /// Begins with what was counted until now.
    pub fn new(now: Duration, count: f64) -> Self {
        Self {
            born: now,
            at_birth: count,
            stepped: now,
            at_step: count,
            moving: None,
        }
    }

    /// Moves the averages on. A meter that is younger than half a step waits for the next one.
    pub fn step(&mut self, now: Duration, count: f64) {
        let time = now.saturating_sub(self.stepped);
        if time < STEP / 2 {
            return;
        }
        // A counter that was bound again may have begun anew.
        let rate = (count - self.at_step).max(0.0) / time.as_secs_f64();
        (self.stepped, self.at_step) = (now, count);
        let moving = self.moving.get_or_insert([rate; 3]);
        for (average, minutes) in moving.iter_mut().zip(MINUTES) {
            let kept = (-time.as_secs_f64() / 60.0 / minutes).exp();
            *average = rate + kept * (*average - rate);
        }
    }

    /// The rates at this moment.
    pub fn rates(&self, now: Duration, count: f64) -> Rates {
        let age = now.saturating_sub(self.born).as_secs_f64();
        let came = (count - self.at_birth).max(0.0);
        Rates {
            mean: if age > 0.0 { came / age } else { 0.0 },
            moving: self.moving.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    /// A load of 10 per second for a minute that then ends, by the formula of the load average.
    #[test]
    fn averages_rise_at_once_and_fall_with_their_time() {
        let mut meter = Meter::new(at(100), 7.0);
        assert_eq!(meter.rates(at(100), 7.0).mean, 0.0);
        for second in (5..=60).step_by(5) {
            meter.step(at(100 + second), 7.0 + 10.0 * second as f64);
        }
        let busy = meter.rates(at(160), 607.0);
        assert!(close(busy.mean, 10.0) && busy.moving.iter().all(|&rate| close(rate, 10.0)));
        for second in (5..=60).step_by(5) {
            meter.step(at(160 + second), 607.0);
        }
        let idle = meter.rates(at(220), 607.0);
        assert!(close(idle.mean, 5.0), "{idle:?}");
        for (rate, minutes) in idle.moving.into_iter().zip(MINUTES) {
            assert!(close(rate, 10.0 * (-1.0 / minutes).exp()), "{idle:?}");
        }
    }

    #[test]
    fn late_steps_weigh_more_and_early_ones_wait() {
        let (mut often, mut late) = (Meter::new(at(0), 0.0), Meter::new(at(0), 0.0));
        often.step(at(2), 400.0);
        assert_eq!(often.rates(at(2), 400.0).moving, [0.0; 3]);
        for meter in [&mut often, &mut late] {
            meter.step(at(7), 700.0);
        }
        (8..=67)
            .step_by(4)
            .for_each(|second| often.step(at(second), 700.0));
        often.step(at(67), 700.0);
        late.step(at(67), 700.0);
        let (often, late) = (often.rates(at(67), 700.0), late.rates(at(67), 700.0));
        for (one, other) in often.moving.into_iter().zip(late.moving) {
            assert!(close(one, other), "{often:?} {late:?}");
        }
        assert!(often.moving[0] < often.moving[1]);
    }

    #[test]
    fn a_counter_that_began_anew_is_no_negative_rate() {
        let mut meter = Meter::new(at(0), 1_000.0);
        meter.step(at(5), 1_050.0);
        meter.step(at(10), 20.0);
        let rates = meter.rates(at(10), 20.0);
        assert!(rates.mean >= 0.0 && rates.moving.iter().all(|rate| (0.0..=10.0).contains(rate)));
    }
}
