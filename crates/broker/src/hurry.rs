//! Whether anybody minds if the threads of the data path are busy for a moment.
//!
//! Long work goes to threads that come last while somebody else sends short requests, and only then: who
//! is alone would be served more slowly for nobody's sake. A client that sends large requests sends short ones
//! too, so each connection has a mark, and its own don't count for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use limpid_platform::stamp::{LastSeen, Stamp};

/// A request of less than this is short: whoever sends it minds how long it takes.
const SHORT_REQUEST_BYTES: usize = 64 * 1024;
/// For so long after a short request there may be another one soon.
const HURRY: Duration = Duration::from_secs(1);
/// How exactly that is known.
const HURRY_STEP: Duration = Duration::from_millis(10);
/// So many marks there are. Connections that share one don't see each other's short requests, and take turns as
/// they would if there were none.
const MARKS: usize = 16;

/// When short requests came.
#[derive(Debug, Default)]
pub struct Hurry {
    marked: AtomicUsize,
    short: [LastSeen; MARKS],
}

/// What tells a connection from others.
#[derive(Debug, Clone, Copy)]
pub struct Mark(usize);

impl Hurry {
    /// For one more connection.
    pub fn mark(&self) -> Mark {
        Mark(self.marked.fetch_add(1, Ordering::Relaxed) % MARKS)
    }

    /// A request of so many bytes came in.
    #[inline]
    pub fn came(&self, mark: Mark, bytes: usize, at: Stamp) {
        if bytes < SHORT_REQUEST_BYTES {
            self.short[mark.0].see(at, HURRY_STEP);
        }
    }

    /// Whether others sent short requests a moment ago.
    pub fn of_others(&self, mark: Mark, now: Stamp) -> bool {
        let mut others = self.short.iter().enumerate();
        others.any(|(other, last)| other != mark.0 && last.since(now) < HURRY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_requests_of_others_count_for_a_moment() {
        let hurry = Hurry::default();
        let (mine, theirs) = (hurry.mark(), hurry.mark());
        let now = Stamp::now() + HURRY;
        assert!(!hurry.of_others(mine, now));
        hurry.came(mine, SHORT_REQUEST_BYTES - 1, now);
        assert!(!hurry.of_others(mine, now), "only my own");
        assert!(hurry.of_others(theirs, now));
        hurry.came(theirs, SHORT_REQUEST_BYTES, now);
        assert!(!hurry.of_others(mine, now), "not short");
        hurry.came(theirs, SHORT_REQUEST_BYTES - 1, now);
        assert!(hurry.of_others(mine, now));
        assert!(!hurry.of_others(mine, now + HURRY), "a while ago");
    }

    #[test]
    fn there_are_always_marks() {
        let hurry = Hurry::default();
        let now = Stamp::now() + HURRY;
        let last = (0..10 * MARKS).map(|_| hurry.mark()).last();
        hurry.came(last.unwrap(), 0, now);
        assert!(hurry.of_others(hurry.mark(), now));
    }
}
