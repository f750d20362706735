//! Pauses between attempts: doubling, with jitter, until a deadline (KIP-580).

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::ClientConfig;
use crate::error::ClientError;

/// Jitter around a pause, in percent each way, as Kafka's clients have it.
const JITTER_PERCENT: u64 = 20;

/// A pause has reached its limit long before.
const DOUBLINGS_MAX: u32 = 10;

/// One call's attempts.
pub(crate) struct Backoff {
    next: Duration,
    max: Duration,
    deadline: Instant,
}

impl Backoff {
    /// Attempts for `default.api.timeout.ms`.
    pub(crate) fn new(config: &ClientConfig) -> Self {
        Self::until(config, Instant::now() + config.api_timeout)
    }

    /// Attempts until `deadline`.
    pub(crate) fn until(config: &ClientConfig, deadline: Instant) -> Self {
        Self {
            next: config.retry_backoff,
            max: config.retry_backoff_max,
            deadline,
        }
    }

    /// Waits before the next attempt; gives the error back if there is none.
    pub(crate) async fn after(&mut self, error: ClientError) -> Result<(), ClientError> {
        let pause = self.pause();
        if !error.retriable() || Instant::now() + pause >= self.deadline {
            return Err(error);
        }
        tracing::debug!(%error, pause_ms = pause.as_millis() as u64, "trying again");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// The pause after so many attempts.
    pub(crate) fn pause_after(config: &ClientConfig, attempts: u32) -> Duration {
        let mut backoff = Self::new(config);
        let doublings = attempts.saturating_sub(1).min(DOUBLINGS_MAX);
        backoff.next = (config.retry_backoff * 2_u32.pow(doublings)).min(backoff.max);
        backoff.pause()
    }

    /// The next pause, longer each time.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (self.next * 2).min(self.max);
        let percent = 100 - JITTER_PERCENT + random() % (2 * JITTER_PERCENT + 1);
        pause * u32::try_from(percent).unwrap_or(100) / 100
    }
}

/// Chance enough for jitter, for sticky partitions and for the broker to ask first.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_limit() {
        let config = ClientConfig::default();
        let mut backoff = Backoff::new(&config);
        for expected_ms in [100_u64, 200, 400, 800, 1000, 1000] {
            let pause = backoff.pause().as_millis() as u64;
            let range = expected_ms * 4 / 5..=expected_ms * 6 / 5;
            assert!(range.contains(&pause), "{pause} is not near {expected_ms}");
        }
        let third = Backoff::pause_after(&config, 3).as_millis();
        assert!((320..=480).contains(&third), "{third} is not near 400");
    }
}
