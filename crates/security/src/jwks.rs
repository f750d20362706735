//! The public keys of a token server (RFC 7517): fetched at the start, then every so often, and
//! when a token names a key that is not among them.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use jsonwebtoken::jwk::JwkSet;
use parking_lot::Mutex;

/// Largest set of keys that is read.
const SET_BYTES_MAX: u64 = 1024 * 1024;
/// How long one fetch may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the keys are, and the newest of them.
pub struct KeySource {
    url: String,
    refresh: Duration,
    backoff: Duration,
    backoff_max: Duration,
    current: ArcSwap<JwkSet>,
    asked: AtomicBool,
    schedule: Mutex<Schedule>,
}

#[derive(Debug, Clone, Copy)]
struct Schedule {
    next: Duration,
    earliest: Duration,
    failures: u32,
}

impl KeySource {
    /// Keys at a URL, none of them fetched yet. Times are in milliseconds.
    pub fn new(url: String, refresh_ms: u64, backoff_ms: u64, backoff_ms_max: u64) -> Arc<Self> {
        Arc::new(Self {
            url,
            refresh: Duration::from_millis(refresh_ms),
            backoff: Duration::from_millis(backoff_ms),
            backoff_max: Duration::from_millis(backoff_ms_max),
            current: ArcSwap::from_pointee(JwkSet { keys: Vec::new() }),
            asked: AtomicBool::new(false),
            schedule: Mutex::new(Schedule {
                next: Duration::ZERO,
                earliest: Duration::ZERO,
                failures: 0,
            }),
        })
    }

    /// Where they are.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The newest keys.
    pub fn current(&self) -> Arc<JwkSet> {
        self.current.load_full()
    }

    /// A token names a key that is not there: look again, but not more often than the backoff.
    pub fn refresh_soon(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether it is time to fetch. `now` is monotonic.
    pub fn is_due(&self, now: Duration) -> bool {
        let schedule = *self.schedule.lock();
        let asked = self.asked.load(Ordering::Relaxed);
        now >= schedule.next || (asked && now >= schedule.earliest)
    }

    /// Fetches the keys; blocks. After a failure the old ones stay.
    ///
    /// # Errors
    /// Why there are no new keys.
    pub fn fetch(&self, now: Duration) -> Result<usize, String> {
        self.asked.store(false, Ordering::Relaxed);
        let fetched = read(&self.url).and_then(|bytes| {
            serde_json::from_slice::<JwkSet>(&bytes).map_err(|e| format!("not a set of keys: {e}"))
        });
        let mut schedule = self.schedule.lock();
        schedule.failures = match &fetched {
            Ok(_) => 0,
            Err(_) => schedule.failures.saturating_add(1),
        };
        let doubled = self
            .backoff
            .saturating_mul(1 << schedule.failures.saturating_sub(1).min(16));
        let pause = doubled.min(self.backoff_max);
        schedule.earliest = now + pause;
        schedule.next = now
            + if schedule.failures == 0 {
                self.refresh
            } else {
                pause
            };
        let set = fetched?;
        let count = set.keys.len();
        self.current.store(Arc::new(set));
        Ok(count)
    }
}

fn read(url: &str) -> Result<Vec<u8>, String> {
    if let Some(path) = url.strip_prefix("file:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        let file = std::fs::File::open(path).map_err(|e| e.to_string())?;
        return read_limited(file);
    }
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(FETCH_TIMEOUT))
        .build()
        .new_agent();
    let response = agent.get(url).call().map_err(|e| e.to_string())?;
    read_limited(response.into_body().into_reader())
}

fn read_limited(from: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = from.take(SET_BYTES_MAX + 1).read_to_end(&mut bytes);
    match read.map_err(|e| e.to_string())? as u64 {
        0..=SET_BYTES_MAX => Ok(bytes),
        _ => Err(format!("more than {SET_BYTES_MAX} bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn keys_are_fetched_when_it_is_time() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("keys.json");
        let url = format!("file://{}", path.display());
        let keys = KeySource::new(url, 60_000, 1_000, 3_000);
        assert!(keys.is_due(Duration::ZERO));
        assert!(keys.fetch(Duration::ZERO).is_err(), "no file yet");
        assert!(!keys.is_due(Duration::ZERO));
        assert!(keys.fetch(SECOND).is_err());
        assert!(
            !keys.is_due(2 * SECOND) && keys.is_due(3 * SECOND),
            "twice as long"
        );
        std::fs::write(&path, r#"{"keys":[]}"#).expect("written");
        assert_eq!(keys.fetch(3 * SECOND), Ok(0));
        assert!(!keys.is_due(62 * SECOND) && keys.is_due(63 * SECOND));
        keys.refresh_soon();
        assert!(keys.is_due(5 * SECOND), "an unknown key is looked for");
        std::fs::write(&path, "hello").expect("written");
        let error = keys.fetch(5 * SECOND).expect_err("no JSON");
        assert!(error.contains("not a set of keys"), "{error}");
    }
}
