//! Client quotas: who may use how much, and for how long a client that used more is held back.
//!
//! A client that has used too much is answered at once and told for how long it is held back; for
//! that time nothing more is read from its connection (KIP-219). What was used is measured only
//! while there are quotas of the kind; without any, a request costs one look at a pointer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use limpid_config::QuotaConfig;
use limpid_platform::clock::Clock;
use limpid_storage::metadata::{AccessMark, Image, MetadataLog};
use parking_lot::Mutex;

pub mod account;
pub mod client;
pub mod ledger;
pub mod measure;
pub mod mutations;
pub mod rules;
pub mod thread_time;

use crate::metrics::QuotaMetrics;
use account::Account;
use ledger::Ledger;
use measure::{Rate, Windows};
use rules::{QuotaKind, Rules};

/// The quotas of one broker and what is used of them.
pub struct Quotas {
    clock: Arc<dyn Clock>,
    metrics: QuotaMetrics,
    windows: Windows,
    controller_windows: Windows,
    rules: ArcSwap<Rules>,
    /// Grows with every change of the rules.
    generation: AtomicU64,
    ledgers: [Ledger; QuotaKind::COUNT],
    /// Time on threads of requests that no quota is about, in percent.
    exempt: Mutex<Rate>,
    /// What the rules were made of.
    seen: Mutex<Option<AccessMark>>,
}

impl Quotas {
    /// No quotas yet.
    pub fn new(config: &QuotaConfig, clock: Arc<dyn Clock>, metrics: QuotaMetrics) -> Arc<Self> {
        Arc::new(Self {
            clock,
            metrics,
            windows: windows(config.windows, config.window_seconds),
            controller_windows: windows(
                config.controller_windows,
                config.controller_window_seconds,
            ),
            rules: ArcSwap::default(),
            generation: AtomicU64::new(0),
            ledgers: std::array::from_fn(|kind| Ledger::new(QuotaKind::ALL[kind])),
            exempt: Mutex::default(),
            seen: Mutex::default(),
        })
    }

    /// Follows the quotas in `metadata_log` from now on.
    pub fn follow_log(self: &Arc<Self>, metadata_log: &dyn MetadataLog) {
        let following = Arc::clone(self);
        metadata_log.subscribe(Box::new(move |image, _| following.follow(image)));
    }

    fn follow(&self, image: &Image) {
        let now = Some(image.access_mark());
        let mut seen = self.seen.lock();
        if *seen == now {
            return;
        }
        self.set(Rules::new(image.client_quotas()));
        *seen = now;
    }

    /// These are the quotas from now on.
    fn set(&self, rules: Rules) {
        let rules = Arc::new(rules);
        // Who sees the new generation must see the new rules.
        self.rules.store(Arc::clone(&rules));
        self.generation.fetch_add(1, Ordering::Release);
        for ledger in &self.ledgers {
            ledger.follow(&rules);
        }
    }

    /// The quotas now.
    pub fn rules(&self) -> Arc<Rules> {
        self.rules.load_full()
    }

    /// Over what time the use of this kind is measured.
    pub fn windows(&self, kind: QuotaKind) -> Windows {
        match kind {
            QuotaKind::ControllerMutation => self.controller_windows,
            _ => self.windows,
        }
    }

    /// Shows what is used, once a second.
    pub fn tick(&self) {
        let now_ms = self.now_ms();
        for (kind, ledger) in QuotaKind::ALL.iter().zip(&self.ledgers) {
            ledger.tick(self.windows(*kind), now_ms);
        }
        let exempt = self.exempt.lock().per_second(self.windows, now_ms);
        self.metrics.exempt.set(exempt);
    }

    /// The account of a client, if there are quotas of the kind.
    fn account(&self, kind: QuotaKind, user: &str, client_id: &str) -> Option<Arc<Account>> {
        let rules = self.rules.load();
        if !rules.has(kind) {
            return None;
        }
        let who = rules.sharing(kind, user, client_id);
        let time = (self.windows(kind), self.now_ms());
        Some(self.ledgers[kind as usize].account(who, &rules, &self.metrics, time))
    }

    fn add_exempt(&self, thread_time: Duration) {
        let percent = thread_time.as_secs_f64() * 100.0;
        let mut exempt = self.exempt.lock();
        exempt.record(self.windows, percent, self.now_ms());
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }
}

fn windows(count: usize, seconds: u64) -> Windows {
    Windows {
        count: count.max(1),
        ms: seconds.max(1).saturating_mul(1_000),
    }
}

/// Also what other tests make quotas with.
#[cfg(test)]
pub mod tests;
