//! Who writes to a topic, and under which keys: of each a bounded list of the heaviest (`top`).
//!
//! A produce request takes the topic's lock once, after its batches are in the log and for a few
//! dozen nanoseconds; nothing is allocated unless somebody new gets a place. Keys are looked at in a
//! sample (`sampler`), which costs every batch one atomic subtraction. Weights fade with a half-life
//! of a minute.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use limpid_cluster::{HotKey, HotKeys, TopicWriters, Writer};
use limpid_platform::mixing::Mixing;
use limpid_telemetry::SEEN;
use parking_lot::Mutex;

use self::sampler::Sampler;
use self::top::Top;
use crate::peer::Peer;

mod sampler;
mod top;

/// Most writers of a topic that are watched.
const WRITERS_MAX: usize = 16;
/// Most keys of a topic that are watched.
const KEYS_MAX: usize = 64;
/// Most keys that are shown.
const KEYS_SHOWN_MAX: usize = 10;
/// Bytes of a key that are kept.
const KEY_BYTES_MAX: usize = 128;
/// Bytes of a client id that are kept.
const CLIENT_ID_BYTES_MAX: usize = 256;
/// What a weight loses half of itself in.
const HALF_LIFE: Duration = Duration::from_secs(60);
/// What rates look back on.
const RATE_SECONDS: f64 = 10.0;

/// The writers of one topic.
#[derive(Debug, Default)]
pub struct Writers {
    sampler: Sampler,
    /// Of keys.
    hasher: Mixing,
    /// Nothing while nobody has written.
    watched: Mutex<Option<Box<Watched>>>,
}

/// What came of a request, in one topic.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wrote {
    /// Bytes of batches that were appended.
    pub bytes: u64,
    /// Their records.
    pub records: u64,
    /// How many they are.
    pub batches: u64,
    /// Batches that were refused.
    pub refused: u64,
}

#[derive(Debug)]
struct Watched {
    writers: Top<Author>,
    keys: Top<Box<[u8]>>,
    /// Looked at so far, faded like the weights of keys.
    sampled: f64,
    keyless: f64,
}

#[derive(Debug)]
struct Author {
    client_id: Box<str>,
    principal: Box<str>,
    host: Box<str>,
    software: Option<Box<str>>,
    so_far: Wrote,
    /// As of the last look.
    seen: Wrote,
    bytes_per_second: f64,
    records_per_second: f64,
}

impl Writers {
    /// Somebody wrote.
    pub fn wrote(
        &self,
        current: &mut CurrentWriter,
        (client_id, peer): (Option<&str>, &Peer),
        wrote: Wrote,
    ) {
        if !SEEN {
            return;
        }
        let client_id = client_id.unwrap_or_default();
        let hash = current.hash(client_id, peer);
        let mut watched = self.watched.lock();
        let watched = watched.get_or_insert_with(Box::default);
        let make = || Author::new(client_id, peer);
        // Who is only ever refused is somebody, too.
        let author = watched.writers.add(hash, wrote.bytes.max(1) as f64, make);
        author.so_far.bytes += wrote.bytes;
        author.so_far.records += wrote.records;
        author.so_far.batches += wrote.batches;
        author.so_far.refused += wrote.refused;
    }

    /// A batch of so many records comes: the index of one whose key is to be told
    /// ([`Writers::sampled`]).
    pub fn pick(&self, records: i32) -> Option<usize> {
        match SEEN {
            true => self.sampler.pick(records),
            false => None,
        }
    }

    /// The key of a record that was picked.
    pub fn sampled(&self, key: Option<&[u8]>) {
        let hash = key.map(|key| (self.hasher.hash_one(key), key));
        let mut watched = self.watched.lock();
        let watched = watched.get_or_insert_with(Box::default);
        watched.sampled += 1.0;
        match hash {
            Some((hash, key)) => {
                let kept = || key[..key.len().min(KEY_BYTES_MAX)].into();
                watched.keys.add(hash, 1.0, kept);
            }
            None => watched.keyless += 1.0,
        }
    }

    /// The largest writers and keys, `passed` after the last look; `None` when nobody wrote lately.
    pub fn look(&self, passed: Duration) -> Option<Arc<TopicWriters>> {
        self.sampler.tick();
        let mut place = self.watched.lock();
        let watched = place.as_mut()?;
        watched.fade(passed);
        if watched.writers.is_empty() {
            *place = None;
            return None;
        }
        Some(Arc::new(watched.view()))
    }
}

/// The writer at the other end of a connection: whose place in a topic's list is his. Principal and address
/// stay what they are as long as this lives, and the client id hardly ever changes.
#[derive(Debug)]
pub struct CurrentWriter {
    mixing: Mixing,
    client_id: String,
    hash: Option<u64>,
}

impl CurrentWriter {
    /// Nobody has written yet. All connections of a broker have the same `mixing`.
    pub fn new(mixing: Mixing) -> Self {
        Self {
            mixing,
            client_id: String::new(),
            hash: None,
        }
    }

    fn hash(&mut self, client_id: &str, peer: &Peer) -> u64 {
        if let Some(hash) = self.hash
            && self.client_id == client_id
        {
            return hash;
        }
        client_id.clone_into(&mut self.client_id);
        let names = (client_id, peer.principal.as_str(), &*peer.host);
        *self.hash.insert(self.mixing.hash_one(names))
    }
}

impl Default for Watched {
    fn default() -> Self {
        Self {
            writers: Top::new(WRITERS_MAX),
            keys: Top::new(KEYS_MAX),
            sampled: 0.0,
            keyless: 0.0,
        }
    }
}

impl Watched {
    fn fade(&mut self, passed: Duration) {
        let seconds = passed.as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        let factor = 0.5_f64.powf(seconds / HALF_LIFE.as_secs_f64());
        self.writers.fade(factor);
        self.keys.fade(factor);
        self.sampled *= factor;
        self.keyless *= factor;
        for place in self.writers.places_mut() {
            place.item.measure(seconds);
        }
    }

    fn view(&self) -> TopicWriters {
        let writers = self.writers.shares().into_iter();
        let writers = writers.map(|(share, place)| place.item.view(share));
        let keys = self.keys.shares().into_iter();
        let keys = keys.filter(|(share, _)| *share > 0.0);
        let sampled = self.sampled.max(f64::MIN_POSITIVE);
        let keyless = (self.keyless / sampled).min(1.0);
        let keys = keys.take(KEYS_SHOWN_MAX).map(|(share, place)| HotKey {
            hash: format!("{:016x}", place.hash()),
            key: place.item.to_vec(),
            // Of all records, those without a key as well.
            share: share * (1.0 - keyless),
        });
        TopicWriters {
            writers: writers.collect(),
            keys: HotKeys {
                sampled: self.sampled as u64,
                keyless,
                keys: keys.collect(),
            },
        }
    }
}

impl Author {
    fn new(client_id: &str, peer: &Peer) -> Self {
        let client_id = &client_id[..client_id.floor_char_boundary(CLIENT_ID_BYTES_MAX)];
        let software = peer.software.get();
        Self {
            client_id: client_id.into(),
            principal: peer.principal.as_str().into(),
            host: peer.host.clone(),
            software: software.map(|(name, version)| format!("{name} {version}").into()),
            so_far: Wrote::default(),
            seen: Wrote::default(),
            bytes_per_second: 0.0,
            records_per_second: 0.0,
        }
    }

    fn measure(&mut self, seconds: f64) {
        let part = 1.0 - (-seconds / RATE_SECONDS).exp();
        let of = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        let bytes = of(self.so_far.bytes, self.seen.bytes);
        let records = of(self.so_far.records, self.seen.records);
        self.bytes_per_second += (bytes - self.bytes_per_second) * part;
        self.records_per_second += (records - self.records_per_second) * part;
        self.seen = self.so_far;
    }

    fn view(&self, share: f64) -> Writer {
        Writer {
            client_id: self.client_id.to_string(),
            principal: self.principal.to_string(),
            host: self.host.to_string(),
            software: self.software.as_deref().map(str::to_owned),
            share,
            bytes_per_second: self.bytes_per_second,
            records_per_second: self.records_per_second,
            bytes: self.so_far.bytes,
            records: self.so_far.records,
            batches: self.so_far.batches,
            refused: self.so_far.refused,
        }
    }
}

#[cfg(test)]
mod tests;
