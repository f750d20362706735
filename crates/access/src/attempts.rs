//! Logins that somebody has begun at another's page and not ended: each is for the browser that began
//! it, once, and for a while.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

/// How long somebody may take.
pub(crate) const AGE_MAX: Duration = Duration::from_secs(600);
/// Most at a time; one more ends the oldest.
pub const ATTEMPTS_MAX: usize = 1_000;

/// What is kept of each.
pub(crate) struct Attempts<T> {
    by_state: Mutex<HashMap<String, (T, Duration)>>,
}

impl<T> Attempts<T> {
    pub(crate) fn new() -> Self {
        Self {
            by_state: Mutex::new(HashMap::new()),
        }
    }

    /// One begins.
    pub(crate) fn begin(&self, state: String, kept: T, now: Duration) {
        let mut all = self.by_state.lock();
        if all.len() >= ATTEMPTS_MAX {
            let oldest = all.iter().min_by_key(|(_, (_, since))| *since);
            if let Some(oldest) = oldest.map(|(state, _)| state.clone()) {
                all.remove(&oldest);
            }
        }
        all.insert(state, (kept, now));
    }

    /// One ends.
    pub(crate) fn take(&self, state: &str, now: Duration) -> Option<T> {
        let (kept, since) = self.by_state.lock().remove(state)?;
        (now.saturating_sub(since) < AGE_MAX).then_some(kept)
    }

    /// Forgets what is over; how many are left.
    pub(crate) fn sweep(&self, now: Duration) -> usize {
        let mut all = self.by_state.lock();
        all.retain(|_, (_, since)| now.saturating_sub(*since) < AGE_MAX);
        all.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_attempt_counts_once_and_not_for_ever() {
        let all = Attempts::new();
        all.begin("a".to_owned(), 1, SECOND);
        all.begin("b".to_owned(), 2, SECOND * 2);
        assert_eq!(all.take("a", SECOND * 2), Some(1));
        assert_eq!(all.take("a", SECOND * 2), None, "once");
        assert_eq!(all.take("b", SECOND * 2 + AGE_MAX), None, "too late");
        all.begin("c".to_owned(), 3, SECOND);
        assert_eq!(all.sweep(SECOND), 1);
        assert_eq!(all.sweep(SECOND + AGE_MAX), 0);
    }

    #[test]
    fn one_too_many_ends_the_oldest() {
        let all = Attempts::new();
        for n in 0..=ATTEMPTS_MAX {
            all.begin(n.to_string(), n, SECOND * n as u32);
        }
        let now = SECOND * ATTEMPTS_MAX as u32;
        assert_eq!(all.take("0", SECOND), None);
        assert_eq!(all.take(&ATTEMPTS_MAX.to_string(), now), Some(ATTEMPTS_MAX));
    }
}
