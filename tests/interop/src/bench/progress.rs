//! How far the run is and how long the rest will take.

use std::time::{Duration, Instant};

use super::cases::{CASES, Case};

/// What a session costs beside its cases: formatting, starting, warming, stopping.
const SESSION_SECONDS: f64 = 18.0;

/// What was expected, and what came.
#[derive(Debug)]
pub struct Progress {
    begun: Instant,
    /// Expected of everything, at the speed of the machine this was written on.
    whole: f64,
    done: f64,
    scale: f64,
}

impl Progress {
    /// At the begin of a run of these cases in so many sessions each.
    pub fn new(cases: &[Case], sessions: usize, rounds: f64, scale: f64) -> Self {
        let cases: f64 = cases.iter().map(|case| case.seconds * scale).sum();
        Self {
            begun: Instant::now(),
            whole: (cases + SESSION_SECONDS * sessions as f64) * rounds,
            done: 0.0,
            scale,
        }
    }

    /// What is expected of the whole run.
    pub fn expected(&self) -> Duration {
        Duration::from_secs_f64(self.whole)
    }

    /// The time since the begin.
    pub fn gone(&self) -> Duration {
        self.begun.elapsed()
    }

    /// A session begins; what it costs by itself counts from now on.
    pub fn begins(&mut self) {
        self.done += SESSION_SECONDS;
    }

    /// A case is done.
    pub fn done(&mut self, name: &str) {
        if let Some(case) = CASES.iter().find(|case| case.name == name) {
            self.done += case.seconds * self.scale;
        }
    }

    /// How far it is.
    pub fn words(&self) -> String {
        let gone = self.gone();
        let left = left(self.whole, self.done, gone);
        format!("{} gone, about {} left", clock(gone), clock(left))
    }
}

/// What is expected of the rest, at the speed seen so far.
fn left(whole: f64, done: f64, gone: Duration) -> Duration {
    let speed = if done > 0.0 {
        gone.as_secs_f64() / done
    } else {
        1.0
    };
    Duration::from_secs_f64((whole - done).max(0.0) * speed)
}

/// Minutes and seconds.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_expected_to_go_as_what_is_done_went() {
        let seconds = Duration::from_secs;
        assert_eq!(left(100.0, 0.0, seconds(0)), seconds(100));
        assert_eq!(left(100.0, 25.0, seconds(50)), seconds(150));
        assert_eq!(left(100.0, 120.0, seconds(50)), seconds(0));
        assert_eq!(clock(seconds(605)), "10:05");
    }
}
