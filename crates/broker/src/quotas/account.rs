//! What those who share a quota used lately.

use std::sync::atomic::{AtomicU64, Ordering};

use limpid_telemetry::{Counter, FloatGauge, Owned};
use parking_lot::Mutex;

use super::measure::{Rate, TokenBucket, Windows};
use super::rules::{QuotaKind, Sharing};
use crate::metrics::QuotaMetrics;

/// The average of throttle times is of this long, at most twice.
const AVERAGE_MS: u64 = 30_000;

/// One quota in use, shared by all clients that it is of.
#[derive(Debug)]
pub struct Account {
    kind: QuotaKind,
    user: Box<str>,
    client_id: Box<str>,
    /// Bits of the limit; infinite without one.
    bound: AtomicU64,
    used: Mutex<Used>,
    series: Series,
}

#[derive(Debug, Default)]
struct Used {
    rate: Rate,
    bucket: TokenBucket,
    waits: Average,
    last_ms: u64,
}

/// Throttle times, of now and of the time before.
#[derive(Debug, Default)]
struct Average {
    began_ms: u64,
    now: (f64, u64),
    before: (f64, u64),
}

/// The series of one account; they go with it.
#[derive(Debug)]
struct Series {
    bound: Owned<FloatGauge>,
    rate: Owned<FloatGauge>,
    tokens: Option<Owned<FloatGauge>>,
    throttle: Owned<FloatGauge>,
    throttled: Owned<Counter>,
}

impl Series {
    fn new(metrics: &QuotaMetrics, kind: QuotaKind, who: Sharing<'_>) -> Self {
        let names = (who.user, who.client_id);
        let labels = (kind, who.user, who.client_id);
        let rate = match kind {
            QuotaKind::Produce | QuotaKind::Fetch => metrics.byte_rate.own(labels),
            QuotaKind::Request => metrics.request_time.own(names),
            QuotaKind::ControllerMutation => metrics.mutation_rate.own(names),
        };
        Self {
            bound: metrics.bound.own(labels),
            rate,
            tokens: (kind == QuotaKind::ControllerMutation).then(|| metrics.tokens.own(names)),
            throttle: metrics.throttle.own(labels),
            throttled: metrics.throttled.own(labels),
        }
    }
}

impl Account {
    /// Nothing used yet.
    pub fn new(metrics: &QuotaMetrics, kind: QuotaKind, who: Sharing<'_>) -> Self {
        Self {
            kind,
            user: who.user.into(),
            client_id: who.client_id.into(),
            bound: AtomicU64::new(f64::INFINITY.to_bits()),
            used: Mutex::default(),
            series: Series::new(metrics, kind, who),
        }
    }

    /// Who shares it.
    pub fn sharing(&self) -> Sharing<'_> {
        Sharing {
            user: &self.user,
            client_id: &self.client_id,
        }
    }

    /// The limit from now on; `None` is none.
    pub fn set_bound(&self, bound: Option<f64>) {
        let bound = bound.unwrap_or(f64::INFINITY);
        self.bound.store(bound.to_bits(), Ordering::Relaxed);
        self.series.bound.set(bound);
    }

    /// The limit; infinite without one.
    pub fn bound(&self) -> f64 {
        f64::from_bits(self.bound.load(Ordering::Relaxed))
    }

    /// Counts a use and returns for how long the client is to be held back.
    pub fn charge(&self, windows: Windows, value: f64, now_ms: u64) -> u64 {
        let bound = self.bound();
        let mut used = self.used.lock();
        used.last_ms = now_ms;
        used.rate.record(windows, value, now_ms);
        if bound.is_infinite() {
            return 0;
        }
        used.rate.wait_ms(windows, bound, now_ms)
    }

    /// Whether nothing was used within the windows.
    pub fn is_unused(&self, windows: Windows, now_ms: u64) -> bool {
        // What was taken back may leave a rounding error.
        self.used.lock().rate.per_second(windows, now_ms) < 1e-6
    }

    /// Takes a use back that did not happen after all.
    pub fn take_back(&self, windows: Windows, value: f64, now_ms: u64) {
        self.used.lock().rate.record(windows, -value, now_ms);
    }

    /// Takes permits to change the metadata. Who is in debt gets none if they are `strict`, and is
    /// told how long the debt lasts; others get them and are told to wait afterwards.
    pub fn take_permits(
        &self,
        windows: Windows,
        permits: f64,
        strict: bool,
        now_ms: u64,
    ) -> Result<u64, u64> {
        let bound = self.bound();
        let mut used = self.used.lock();
        used.last_ms = now_ms;
        if bound.is_infinite() {
            used.rate.record(windows, permits, now_ms);
            return Ok(0);
        }
        if strict {
            let wait_ms = used.bucket.wait_ms(windows, bound, now_ms);
            if used.bucket.tokens(windows, bound, now_ms) < 0.0 {
                return Err(wait_ms);
            }
        }
        used.rate.record(windows, permits, now_ms);
        used.bucket.take(windows, bound, permits, now_ms);
        if strict {
            return Ok(0);
        }
        Ok(used.bucket.wait_ms(windows, bound, now_ms))
    }

    /// Notes that a client is held back for so long.
    pub fn throttled(&self, wait_ms: u64, now_ms: u64) {
        self.series.throttled.inc();
        self.used.lock().waits.add(wait_ms, now_ms);
    }

    /// When it was last used.
    pub fn last_ms(&self) -> u64 {
        self.used.lock().last_ms
    }

    /// Shows what is used now.
    pub fn publish(&self, windows: Windows, now_ms: u64) {
        let bound = self.bound();
        let mut used = self.used.lock();
        self.series.rate.set(used.rate.per_second(windows, now_ms));
        self.series.throttle.set(used.waits.ms(now_ms) / 1_000.0);
        if let Some(tokens) = &self.series.tokens
            && bound.is_finite()
        {
            tokens.set(used.bucket.tokens(windows, bound, now_ms));
        }
    }

    /// What it limits.
    pub fn kind(&self) -> QuotaKind {
        self.kind
    }
}

impl Average {
    fn add(&mut self, wait_ms: u64, now_ms: u64) {
        self.turn(now_ms);
        self.now.0 += wait_ms as f64;
        self.now.1 += 1;
    }

    /// 0 when nobody was held back lately.
    fn ms(&mut self, now_ms: u64) -> f64 {
        self.turn(now_ms);
        let count = self.now.1 + self.before.1;
        if count == 0 {
            return 0.0;
        }
        (self.now.0 + self.before.0) / count as f64
    }

    fn turn(&mut self, now_ms: u64) {
        let age_ms = now_ms.saturating_sub(self.began_ms);
        if age_ms >= AVERAGE_MS {
            let is_next = age_ms < 2 * AVERAGE_MS;
            self.before = if is_next { self.now } else { (0.0, 0) };
            self.now = (0.0, 0);
            self.began_ms = now_ms;
        }
    }
}
