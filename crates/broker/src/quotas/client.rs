//! The quotas of one connection, and of one of its requests.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Quotas;
use super::account::Account;
use super::mutations::Permits;
use super::rules::QuotaKind;
use super::thread_time::ThreadTime;

/// The accounts of one connection. Its client id hardly ever changes, so they are found once.
pub struct ClientQuotas {
    quotas: Arc<Quotas>,
    /// `None` before the login: nothing is measured.
    user: Option<Box<str>>,
    client_id: String,
    generation: u64,
    accounts: [Looked; QuotaKind::COUNT],
}

/// Whether an account was looked for, and found.
#[derive(Default)]
enum Looked {
    #[default]
    No,
    Yes(Option<Arc<Account>>),
}

/// For how long a client is held back, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// The quota that was used up.
    pub kind: QuotaKind,
    /// For so long.
    pub ms: u64,
}

impl ClientQuotas {
    /// For a connection of this user.
    pub fn new(quotas: &Arc<Quotas>, user: &str) -> Self {
        Self::of(quotas, Some(user.into()))
    }

    /// For who has not logged in: no quota holds yet.
    pub fn nobodys(quotas: &Arc<Quotas>) -> Self {
        Self::of(quotas, None)
    }

    fn of(quotas: &Arc<Quotas>, user: Option<Box<str>>) -> Self {
        Self {
            quotas: Arc::clone(quotas),
            user,
            client_id: String::new(),
            generation: 0,
            accounts: Default::default(),
        }
    }

    /// The next request comes from this client id.
    pub fn request<'a>(
        &'a mut self,
        client_id: Option<&str>,
        thread_time: &'a ThreadTime,
    ) -> RequestQuotas<'a> {
        let generation = self.quotas.generation.load(Ordering::Acquire);
        let client_id = client_id.unwrap_or_default();
        if self.generation != generation || self.client_id != client_id {
            self.generation = generation;
            client_id.clone_into(&mut self.client_id);
            self.accounts = Default::default();
        }
        RequestQuotas {
            client: self,
            thread_time,
            counted: Duration::ZERO,
            hold: None,
        }
    }

    /// Whether the time on threads is asked for.
    pub fn times_threads(&self) -> bool {
        self.user.is_some() && self.quotas.rules.load().has(QuotaKind::Request)
    }

    /// The client is held back from now on. The guard counts it as such.
    pub fn begin(&mut self, hold: Hold) -> limpid_telemetry::InFlight {
        let now_ms = self.quotas.now_ms();
        if let Some(account) = self.account(hold.kind) {
            account.throttled(hold.ms, now_ms);
        }
        self.quotas.metrics.muted.bind(hold.kind).track()
    }

    fn account(&mut self, kind: QuotaKind) -> Option<&Arc<Account>> {
        let user = self.user.as_deref()?;
        let looked = &mut self.accounts[kind as usize];
        if let Looked::No = looked {
            *looked = Looked::Yes(self.quotas.account(kind, user, &self.client_id));
        }
        match looked {
            Looked::Yes(account) => account.as_ref(),
            Looked::No => None,
        }
    }
}

/// What one request uses of the quotas of its client.
pub struct RequestQuotas<'a> {
    client: &'a mut ClientQuotas,
    thread_time: &'a ThreadTime,
    /// As much of it is counted already.
    counted: Duration,
    hold: Option<Hold>,
}

impl RequestQuotas<'_> {
    /// Counts so much of what a quota limits.
    pub fn charge(&mut self, kind: QuotaKind, value: f64) -> u64 {
        let Some(account) = self.limited(kind) else {
            return 0;
        };
        let windows = self.client.quotas.windows(kind);
        let wait_ms = account.charge(windows, value, self.client.quotas.now_ms());
        self.hold_back(kind, wait_ms);
        wait_ms
    }

    /// The account of a quota that holds for the client. Most have none: then the clock need not be read.
    fn limited(&mut self, kind: QuotaKind) -> Option<Arc<Account>> {
        self.client.account(kind).cloned()
    }

    /// Whether there is a quota, and nothing was counted for as long as anybody remembers.
    pub fn is_unused(&mut self, kind: QuotaKind) -> bool {
        let windows = self.client.quotas.windows(kind);
        let account = self.limited(kind);
        account.is_some_and(|account| account.is_unused(windows, self.client.quotas.now_ms()))
    }

    /// Takes back what was counted but is not used.
    pub fn take_back(&mut self, kind: QuotaKind, value: f64) {
        let windows = self.client.quotas.windows(kind);
        let now_ms = self.client.quotas.now_ms();
        if let Some(account) = self.client.account(kind) {
            account.take_back(windows, value, now_ms);
        }
    }

    /// Counts the time on threads so far, once however often it is called. Held back for that is nobody for longer than a window, as
    /// in Kafka.
    pub fn charge_thread_time(&mut self) {
        let kind = QuotaKind::Request;
        let so_far = self.thread_time.so_far();
        let percent = so_far.saturating_sub(self.counted).as_secs_f64() * 100.0;
        self.counted = so_far;
        if let Some(account) = self.limited(kind) {
            let windows = self.client.quotas.windows(kind);
            let now_ms = self.client.quotas.now_ms();
            let wait_ms = account.charge(windows, percent, now_ms).min(windows.ms);
            self.hold_back(kind, wait_ms);
        }
    }

    /// Counts what is to be fetched, and tells whether it may be sent. Who has used too much gets
    /// nothing now, and so used nothing. But a batch beyond every quota must go some time: to who has
    /// had nothing for long.
    pub fn admits_fetch(&mut self, bytes: usize) -> bool {
        self.charge_thread_time();
        let starves = bytes > 0 && self.is_unused(QuotaKind::Fetch);
        self.charge(QuotaKind::Fetch, bytes as f64);
        let is_throttled = self.hold.is_some() && !starves;
        if is_throttled {
            self.take_back(QuotaKind::Fetch, bytes as f64);
        }
        !is_throttled
    }

    /// Counts the time on threads of a request that nobody is held back for.
    pub fn exempt(&mut self) {
        if self.client.times_threads() {
            self.client.quotas.add_exempt(self.thread_time.so_far());
        }
    }

    /// Most bytes that a fetch can have without using up all windows but one at once.
    pub fn fetch_bytes_max(&mut self) -> usize {
        let windows = self.client.quotas.windows(QuotaKind::Fetch);
        let seconds = (windows.count - 1) as f64 * windows.ms as f64 / 1_000.0;
        match self.client.account(QuotaKind::Fetch) {
            // Saturates.
            Some(account) => (account.bound() * seconds) as usize,
            None => usize::MAX,
        }
    }

    /// Permits to change the metadata; `strict` if the client knows THROTTLING_QUOTA_EXCEEDED.
    pub fn permits(&mut self, strict: bool) -> Permits {
        let quotas = Arc::clone(&self.client.quotas);
        match self.client.account(QuotaKind::ControllerMutation) {
            Some(account) => Permits::new(&quotas, account, strict),
            None => Permits::unlimited(),
        }
    }

    /// The client is to be held back if it took more permits than there were.
    pub fn hold_back_for(&mut self, permits: &Permits) {
        self.hold_back(QuotaKind::ControllerMutation, permits.wait_ms());
    }

    /// The client is to be held back for so long, if nothing holds it back for longer.
    pub fn hold_back(&mut self, kind: QuotaKind, ms: u64) {
        if ms > self.hold.map_or(0, |hold| hold.ms) {
            self.hold = Some(Hold { kind, ms });
        }
    }

    /// What a client is told.
    pub fn throttle_time_ms(&self) -> i32 {
        let ms = self.hold.map_or(0, |hold| hold.ms);
        i32::try_from(ms).unwrap_or(i32::MAX)
    }

    /// For how long the client is held back after the answer.
    pub fn hold(&self) -> Option<Hold> {
        self.hold
    }
}

impl Hold {
    /// For how long.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.ms)
    }
}
