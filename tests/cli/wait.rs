//! Waiting with a condition and a deadline.

use std::time::{Duration, Instant};

/// Long enough for a debug build on a busy machine with two cores.
pub const LONG: Duration = Duration::from_secs(60);

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(10);

/// Waits until `condition` gives something; panics with `what` when it takes too long.
pub fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LONG;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {LONG:?} for {what}");
        std::thread::park_timeout(STEP);
    }
}

/// Waits until `condition` holds.
pub fn until_true(what: &str, mut condition: impl FnMut() -> bool) {
    until(what, || condition().then_some(()));
}

/// Waits until a number has stopped changing: a good many looks in a row find the same.
pub fn until_steady(what: &str, mut number: impl FnMut() -> f64) {
    let mut last = f64::NAN;
    let mut same = 0;
    until_true(what, || {
        let now = number();
        same = if now == last { same + 1 } else { 0 };
        last = now;
        same == 20
    });
}
