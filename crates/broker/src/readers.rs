//! Who fetches, and how often: by client id and address, within a limit.
//!
//! A fetch does not say for which group it is. Members of groups have a client id and an address, and so
//! have connections: what is kept here is joined with members by these two, which is a guess where two
//! groups share both.
//!
//! A connection looks its entry up once; each fetch then costs a few atomic operations. Who looks at all
//! entries (once a second, for the snapshot) shares no lock with fetches.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};

use limpid_cluster::watch::Reader;
use limpid_platform::clock::Clock;
use limpid_telemetry::SEEN;
use limpid_telemetry::label::LABEL_VALUE_BYTES_MAX;
use parking_lot::Mutex;

use crate::metrics::ReaderMetrics;
use crate::peer::Peer;

/// Most clients that are kept; each takes about 200 bytes. Beyond that, those without a connection go
/// first, and a new one is not kept if all have one.
pub const READERS_MAX: usize = 10_000;
/// The longest time between two fetches is that of this stretch and the one before.
const GAP_STRETCH_MS: i64 = 300_000;
/// No answer yet, or no connection.
const NEVER: i64 = i64::MIN;

/// All clients that fetch.
pub struct Readers {
    clock: Arc<dyn Clock>,
    metrics: ReaderMetrics,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<String, Arc<Entry>>,
    stretch_began_ms: i64,
    /// Counts connections, to tell who came longest ago.
    turn: u64,
}

/// One client.
#[derive(Debug)]
struct Entry {
    turn: AtomicU64,
    connections: AtomicU32,
    fetches: AtomicU64,
    waiting: AtomicU32,
    answered_ms: AtomicI64,
    gap_ms: AtomicI64,
    gap_before_ms: AtomicI64,
    held_back_ms: AtomicU64,
    committed_only: AtomicBool,
}

/// The client at the other end of a connection, as far as it fetches.
pub struct CurrentReader {
    readers: Arc<Readers>,
    client_id: String,
    entry: Option<Arc<Entry>>,
    is_waiting: bool,
}

impl Readers {
    /// Nobody yet.
    pub fn new(clock: Arc<dyn Clock>, metrics: ReaderMetrics) -> Arc<Self> {
        metrics
            .readers_max
            .set(i64::try_from(READERS_MAX).unwrap_or(i64::MAX));
        Arc::new(Self {
            clock,
            metrics,
            inner: Mutex::default(),
        })
    }

    /// For a new connection.
    pub fn connected(self: &Arc<Self>) -> CurrentReader {
        CurrentReader {
            readers: Arc::clone(self),
            client_id: String::new(),
            entry: None,
            is_waiting: false,
        }
    }

    /// What is known of a client id at an address; `None` if it has no connection that fetched.
    pub fn get(&self, client_id: &str, host: &str) -> Option<Reader> {
        let entry = {
            let inner = self.inner.lock();
            Arc::clone(inner.entries.get(&key(client_id, host))?)
        };
        let is_waiting = entry.waiting.load(Ordering::Relaxed) > 0;
        let answered_ms = entry.answered_ms.load(Ordering::Relaxed);
        if answered_ms == NEVER && !is_waiting {
            return None;
        }
        let silent_ms = match is_waiting {
            true => 0,
            false => self.now_ms().saturating_sub(answered_ms).max(0),
        };
        let gaps = [&entry.gap_ms, &entry.gap_before_ms];
        let gaps = gaps.map(|gap| gap.load(Ordering::Relaxed));
        Some(Reader {
            fetches: entry.fetches.load(Ordering::Relaxed),
            silent_ms,
            gap_ms: gaps[0].max(gaps[1]),
            held_back_ms: entry.held_back_ms.load(Ordering::Relaxed),
            committed_only: entry.committed_only.load(Ordering::Relaxed),
        })
    }

    /// Once a second: old gaps are forgotten.
    pub fn tick(&self) {
        let now_ms = self.now_ms();
        let mut inner = self.inner.lock();
        let count = inner.entries.len();
        self.metrics
            .readers
            .set(i64::try_from(count).unwrap_or(i64::MAX));
        let age_ms = now_ms.saturating_sub(inner.stretch_began_ms);
        if age_ms < GAP_STRETCH_MS {
            return;
        }
        inner.stretch_began_ms = now_ms;
        let is_next = age_ms < 2 * GAP_STRETCH_MS;
        for entry in inner.entries.values() {
            let gap = entry.gap_ms.swap(0, Ordering::Relaxed);
            let before = if is_next { gap } else { 0 };
            entry.gap_before_ms.store(before, Ordering::Relaxed);
        }
    }

    fn find(&self, client_id: &str, host: &str) -> Option<Arc<Entry>> {
        let mut inner = self.inner.lock();
        inner.turn += 1;
        let turn = inner.turn;
        let key = key(client_id, host);
        let is_full = inner.entries.len() >= READERS_MAX;
        if is_full && !inner.entries.contains_key(&key) && !inner.make_room() {
            return None;
        }
        let entry = inner.entries.entry(key).or_default();
        entry.turn.store(turn, Ordering::Relaxed);
        entry.connections.fetch_add(1, Ordering::Relaxed);
        Some(Arc::clone(entry))
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.clock.monotonic().as_millis()).unwrap_or(i64::MAX)
    }
}

impl Inner {
    /// Takes the place of who has no connection, and came longest ago.
    fn make_room(&mut self) -> bool {
        let gone = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.connections.load(Ordering::Relaxed) == 0);
        let oldest = gone.min_by_key(|(_, entry)| entry.turn.load(Ordering::Relaxed));
        let Some(key) = oldest.map(|(key, _)| key.clone()) else {
            return false;
        };
        self.entries.remove(&key).is_some()
    }
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            turn: AtomicU64::new(0),
            connections: AtomicU32::new(0),
            fetches: AtomicU64::new(0),
            waiting: AtomicU32::new(0),
            answered_ms: AtomicI64::new(NEVER),
            gap_ms: AtomicI64::new(0),
            gap_before_ms: AtomicI64::new(0),
            held_back_ms: AtomicU64::new(0),
            committed_only: AtomicBool::new(false),
        }
    }
}

impl CurrentReader {
    /// A fetch has come.
    pub fn asks(&mut self, peer: &Peer, client_id: &str) {
        if !SEEN {
            return;
        }
        if self.entry.is_none() || self.client_id != client_id {
            self.leave();
            client_id.clone_into(&mut self.client_id);
            self.entry = self.readers.find(client_id, &peer.host);
        }
        let Some(entry) = &self.entry else { return };
        let answered_ms = entry.answered_ms.load(Ordering::Relaxed);
        if entry.waiting.fetch_add(1, Ordering::Relaxed) == 0 && answered_ms != NEVER {
            let gap = self.readers.now_ms().saturating_sub(answered_ms);
            entry.gap_ms.fetch_max(gap, Ordering::Relaxed);
        }
        self.is_waiting = true;
    }

    /// It is answered, if one has come. `committed_only` if it said what it reads.
    pub fn answered(&mut self, committed_only: Option<bool>) {
        if !std::mem::take(&mut self.is_waiting) {
            return;
        }
        let Some(entry) = &self.entry else { return };
        entry.fetches.fetch_add(1, Ordering::Relaxed);
        if let Some(only) = committed_only {
            entry.committed_only.store(only, Ordering::Relaxed);
        }
        let now_ms = self.readers.now_ms();
        entry.answered_ms.store(now_ms, Ordering::Relaxed);
        entry.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// It was held back for so long, and is free to ask again from now on: what a quota costs is not a
    /// gap of its own.
    pub fn held_back(&self, ms: u64) {
        if let Some(entry) = &self.entry {
            entry.held_back_ms.fetch_add(ms, Ordering::Relaxed);
            let now_ms = self.readers.now_ms();
            entry.answered_ms.fetch_max(now_ms, Ordering::Relaxed);
        }
    }

    fn leave(&mut self) {
        let Some(entry) = self.entry.take() else {
            return;
        };
        if std::mem::take(&mut self.is_waiting) {
            entry.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        if entry.connections.fetch_sub(1, Ordering::Relaxed) == 1 {
            // Who comes back later was not slow, it was not there.
            entry.answered_ms.store(NEVER, Ordering::Relaxed);
        }
    }
}

impl Drop for CurrentReader {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Addresses hold no line break.
fn key(client_id: &str, host: &str) -> String {
    let client_id = &client_id[..client_id.floor_char_boundary(LABEL_VALUE_BYTES_MAX)];
    format!("{}\n{client_id}", host.trim_start_matches('/'))
}

#[cfg(test)]
mod tests;
