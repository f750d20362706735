//! What each client does, for the metrics: requests by listener, principal and client id, within a
//! limit. A client that is gone keeps its series until its place is needed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use limpid_platform::mixing::Mixing;
use limpid_security::Principal;
use limpid_telemetry::label::LABEL_VALUE_BYTES_MAX;
use limpid_telemetry::{Counter, FloatCounter, Owned, SEEN, Stage, StageTimes};
use parking_lot::Mutex;

use crate::metrics::{CLIENT_SERIES_MAX, ClientMetrics};
use crate::peer::Peer;
use crate::writers::CurrentWriter;

mod pace;

use self::pace::{Pace, Totals};

const STAGES: usize = Stage::ALL.len();
/// What stands for all clients beyond the limit.
const FURTHER: &str = "other";

/// Listener, principal and client id.
type Key = (Arc<str>, Box<str>, Box<str>);

/// All clients that have series.
pub struct Clients {
    metrics: ClientMetrics,
    inner: Mutex<Inner>,
    mixing: Mixing,
}

#[derive(Default)]
struct Inner {
    clients: HashMap<Key, Arc<Client>>,
    /// Counts uses, to tell who was there longest ago.
    turn: u64,
}

/// The series of one client.
pub struct Client {
    requests: Owned<Counter>,
    errors: Owned<Counter>,
    request_bytes: Owned<Counter>,
    response_bytes: Owned<Counter>,
    throttled: Owned<FloatCounter>,
    last_turn: AtomicU64,
    is_known: bool,
    /// Connections that came under this id last.
    connections: AtomicUsize,
    /// Nanoseconds of its requests in each stage: 64 bits are enough for 584 years.
    stages: [AtomicU64; STAGES],
    /// As its newest connection shows it.
    newest: Mutex<Newest>,
    /// For who looks once a second.
    pace: Mutex<Pace>,
}

/// Where a client connects from.
#[derive(Default)]
struct Newest {
    host: Box<str>,
    software: Option<Box<str>>,
}

/// The client at the other end of a connection.
pub struct CurrentClient {
    clients: Arc<Clients>,
    client_id: String,
    client: Option<Arc<Client>>,
}

/// What one request came to.
pub struct Served {
    /// Bytes of the request and of the answer.
    pub bytes: (usize, usize),
    /// Whether the answer carries an error.
    pub failed: bool,
    /// Where its time went.
    pub times: StageTimes,
}

impl Clients {
    /// None so far.
    pub fn new(metrics: ClientMetrics) -> Arc<Self> {
        Arc::new(Self {
            metrics,
            inner: Mutex::default(),
            mixing: Mixing::default(),
        })
    }

    /// For a new connection.
    pub fn connected(self: &Arc<Self>) -> CurrentClient {
        CurrentClient {
            clients: Arc::clone(self),
            client_id: String::new(),
            client: None,
        }
    }

    /// For a new connection that may write.
    pub fn writer(&self) -> CurrentWriter {
        CurrentWriter::new(self.mixing)
    }

    /// Everybody, `passed` after the last look, by client id.
    pub fn look(&self, passed: Duration) -> Vec<limpid_cluster::Client> {
        let inner = self.inner.lock();
        let clients = inner.clients.iter();
        // The numbers are read when the lock is free: whoever connects needs it.
        let clients: Vec<(Key, Arc<Client>)> = clients
            .map(|(key, client)| (key.clone(), Arc::clone(client)))
            .collect();
        drop(inner);
        let mut seen: Vec<_> = clients
            .into_iter()
            .map(|(key, client)| client.view(key, passed))
            .collect();
        seen.sort_by(|a, b| {
            let by_id = a.client_id.cmp(&b.client_id);
            by_id.then_with(|| a.principal.cmp(&b.principal))
        });
        seen
    }

    fn find(&self, peer: &Peer, client_id: &str) -> Arc<Client> {
        let mut inner = self.inner.lock();
        inner.turn += 1;
        let turn = inner.turn;
        let (principal, listener) = (peer.principal.as_str(), Arc::clone(&peer.listener));
        // As far as a label goes.
        let client_id = &client_id[..client_id.floor_char_boundary(LABEL_VALUE_BYTES_MAX)];
        let mut key: Key = (listener, principal.into(), client_id.into());
        let is_full = inner.clients.len() >= CLIENT_SERIES_MAX;
        if is_full && !inner.clients.contains_key(&key) && !inner.make_room() {
            key = (key.0, FURTHER.into(), FURTHER.into());
        }
        let client = inner.clients.entry(key).or_insert_with_key(|key| {
            let labels = (&*key.0, &*key.1, &*key.2);
            Arc::new(Client {
                requests: self.metrics.requests.own(labels),
                errors: self.metrics.errors.own(labels),
                request_bytes: self.metrics.request_bytes.own(labels),
                response_bytes: self.metrics.response_bytes.own(labels),
                throttled: self.metrics.throttled.own(labels),
                last_turn: AtomicU64::new(turn),
                is_known: peer.principal != Principal::anonymous(),
                connections: AtomicUsize::new(0),
                stages: Default::default(),
                newest: Mutex::default(),
                pace: Mutex::default(),
            })
        });
        let software = peer.software.get();
        *client.newest.lock() = Newest {
            host: peer.host.clone(),
            software: software.map(|(name, version)| format!("{name} {version}").into()),
        };
        client.last_turn.store(turn, Ordering::Relaxed);
        Arc::clone(client)
    }
}

impl Client {
    fn view(
        &self,
        (listener, principal, client_id): Key,
        passed: Duration,
    ) -> limpid_cluster::Client {
        let newest = self.newest.lock();
        let (host, software) = (newest.host.to_string(), newest.software.clone());
        drop(newest);
        let now = Totals {
            requests: self.requests.get() as f64,
            errors: self.errors.get() as f64,
            bytes_in: self.request_bytes.get() as f64,
            bytes_out: self.response_bytes.get() as f64,
            throttled: self.throttled.get(),
            stages: std::array::from_fn(|at| self.stages[at].load(Ordering::Relaxed) as f64 / 1e9),
        };
        let mut pace = self.pace.lock();
        pace.follow(&now, passed);
        let rates = pace.rates();
        limpid_cluster::Client {
            client_id: client_id.into(),
            principal: principal.into(),
            listener: listener.to_string(),
            host,
            software: software.map(String::from),
            connections: self.connections.load(Ordering::Relaxed),
            requests: self.requests.get(),
            errors: self.errors.get(),
            throttled_seconds: self.throttled.get(),
            requests_per_second: rates.requests,
            errors_per_second: rates.errors,
            bytes_in_per_second: rates.bytes_in,
            bytes_out_per_second: rates.bytes_out,
            throttled_share: rates.throttled,
            stages: pace.stages(),
        }
    }
}

impl Inner {
    /// Takes the place of somebody without a connection: of one without a name first, and then of
    /// who came longest ago.
    fn make_room(&mut self) -> bool {
        let gone = self
            .clients
            .iter()
            .filter(|(_, of)| Arc::strong_count(of) == 1);
        let weakest =
            gone.min_by_key(|(_, of)| (of.is_known, of.last_turn.load(Ordering::Relaxed)));
        let Some(key) = weakest.map(|(key, _)| key.clone()) else {
            return false;
        };
        self.clients.remove(&key).is_some()
    }
}

impl CurrentClient {
    /// Counts an answered request.
    pub fn served(&mut self, peer: &Peer, client_id: Option<&str>, served: &Served) {
        if !SEEN {
            return;
        }
        let client = self.of(peer, client_id.unwrap_or_default());
        client.requests.inc();
        if served.failed {
            client.errors.inc();
        }
        client.request_bytes.inc_by(served.bytes.0 as u64);
        client.response_bytes.inc_by(served.bytes.1 as u64);
        for (at, &ns) in served.times.nanos().iter().enumerate() {
            if ns > 0 {
                client.stages[at].fetch_add(ns, Ordering::Relaxed);
            }
        }
    }

    /// Counts the time that it is held back.
    pub fn throttled(&self, ms: u64) {
        if let Some(client) = &self.client {
            client.throttled.inc_by(ms as f64 / 1_000.0);
        }
    }

    fn of(&mut self, peer: &Peer, client_id: &str) -> &Client {
        if self.client.is_none() || self.client_id != client_id {
            client_id.clone_into(&mut self.client_id);
            self.leave();
        }
        let Self {
            clients, client, ..
        } = self;
        client.get_or_insert_with(|| {
            let client = clients.find(peer, client_id);
            client.connections.fetch_add(1, Ordering::Relaxed);
            client
        })
    }

    fn leave(&mut self) {
        if let Some(client) = self.client.take() {
            client.connections.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for CurrentClient {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests;
