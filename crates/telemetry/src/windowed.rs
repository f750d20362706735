//! Rates over windows, as Kafka's own metrics have them: what came in the window that goes on and in
//! the one before it, by the time that both took.
//!
//! Events cost nothing: whoever ticks looks at the counter and begins a new window when one is over.

use std::time::Duration;

/// How long a window is; `metrics.sample.window.ms` of Kafka.
pub const WINDOW: Duration = Duration::from_secs(30);

/// The count when a window began.
#[derive(Debug, Clone, Copy)]
struct Begin {
    at: Duration,
    count: f64,
}

/// The windows of one counter, with the time since any start.
#[derive(Debug)]
pub struct Windowed {
    /// The window before the one that goes on, once there is one.
    before: Option<Begin>,
    current: Begin,
}

impl Windowed {
    /// Begins with what was counted until now.
    pub fn new(now: Duration, count: f64) -> Self {
        Self {
            before: None,
            current: Begin { at: now, count },
        }
    }

    /// Begins a new window if one is over.
    pub fn step(&mut self, now: Duration, count: f64) {
        if now.saturating_sub(self.current.at) >= WINDOW {
            self.before = Some(self.current);
            self.current = Begin { at: now, count };
        }
    }

    /// Per second. A counter that is younger than a window is taken as if one had passed before it:
    /// the first event is no flood.
    pub fn rate(&self, now: Duration, count: f64) -> f64 {
        let oldest = self.before.unwrap_or(self.current);
        let elapsed = now.saturating_sub(oldest.at);
        let time = if elapsed < WINDOW {
            elapsed + WINDOW
        } else {
            elapsed
        };
        // A counter that was bound again may have begun anew.
        (count - oldest.count).max(0.0) / time.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_rate_tells_of_the_last_two_windows() {
        let mut windowed = Windowed::new(at(100), 50.0);
        assert_eq!(windowed.rate(at(100), 50.0), 0.0);
        assert_eq!(windowed.rate(at(110), 90.0), 1.0, "40 in 10 + 30 s");
        windowed.step(at(110), 90.0);
        windowed.step(at(130), 110.0);
        assert_eq!(windowed.rate(at(130), 110.0), 2.0, "60 in 30 s");
        windowed.step(at(160), 110.0);
        assert_eq!(windowed.rate(at(160), 110.0), 0.0, "an idle window");
        assert_eq!(windowed.rate(at(175), 155.0), 1.0, "45 in 45 s");
    }

    #[test]
    fn a_counter_that_began_anew_is_no_negative_rate() {
        let windowed = Windowed::new(at(0), 1_000.0);
        assert_eq!(windowed.rate(at(5), 20.0), 0.0);
    }
}
