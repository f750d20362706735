//! The newest batches of every log in memory, under one byte budget.
//!
//! Consumers that keep up are served from here without touching a file. Batches are frozen
//! `Bytes`; small ones share a chunk of their partition, so that nothing pins a producer's frame.
//! What counts against the budget is the capacity of the chunks. When it is exceeded, partitions
//! lose their oldest entries in turn.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

use crate::api::AppendBytes;

/// Appends of at least this many bytes get a buffer of their own.
const OWN_BUFFER_BYTES: usize = 16 << 10;
/// The chunk that smaller appends of a partition share.
const CHUNK_BYTES: usize = 32 << 10;
/// The first chunk of a partition; each next one is twice as large, up to [`CHUNK_BYTES`].
const FIRST_CHUNK_BYTES: usize = 4 << 10;
/// What an entry itself costs.
const ENTRY_BYTES: usize = size_of::<Batch>();
const _: () = assert!(OWN_BUFFER_BYTES <= CHUNK_BYTES);
/// How much a partition loses when its turn comes.
const EVICT_BYTES: usize = 256 << 10;

/// Use and limit of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TailCacheStats {
    /// Bytes of the chunks held.
    pub used_bytes: usize,
    /// The most that may be held, beyond which old entries go.
    pub limit_bytes: usize,
    /// The most ever held.
    pub high_water_bytes: usize,
    /// Entries evicted since the start.
    pub evictions: u64,
}

#[derive(Debug)]
pub(crate) struct TailCache {
    limit: usize,
    used: AtomicUsize,
    high_water: AtomicUsize,
    evictions: AtomicU64,
    /// Partitions with something cached, in the order of their turn.
    ring: Mutex<VecDeque<Weak<Tail>>>,
}

impl TailCache {
    pub(crate) fn new(limit_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            limit: limit_bytes,
            used: AtomicUsize::new(0),
            high_water: AtomicUsize::new(0),
            evictions: AtomicU64::new(0),
            ring: Mutex::default(),
        })
    }

    pub(crate) fn stats(&self) -> TailCacheStats {
        TailCacheStats {
            used_bytes: self.used.load(Ordering::Relaxed),
            limit_bytes: self.limit,
            high_water_bytes: self.high_water.load(Ordering::Relaxed),
            evictions: self.evictions.load(Ordering::Relaxed),
        }
    }

    fn charge(&self, bytes: usize) {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.high_water.fetch_max(used, Ordering::Relaxed);
    }

    fn credit(&self, bytes: usize) {
        let before = self.used.fetch_sub(bytes, Ordering::Relaxed);
        assert!(
            before >= bytes,
            "the tail cache credited more than it charged"
        );
    }

    /// Takes from one partition after the other until the budget holds. Called without any
    /// partition's lock.
    fn shrink(&self) {
        while self.used.load(Ordering::Relaxed) > self.limit {
            let Some(next) = self.ring.lock().pop_front() else {
                return;
            };
            let Some(tail) = next.upgrade() else { continue };
            let mut entries = tail.entries.lock();
            let dropped = entries.evict(self, EVICT_BYTES);
            self.evictions.fetch_add(dropped, Ordering::Relaxed);
            if entries.batches.is_empty() {
                entries.listed = false;
            } else {
                self.ring.lock().push_back(next);
            }
        }
    }
}

/// The cached end of one log.
#[derive(Debug)]
pub(crate) struct Tail {
    cache: Arc<TailCache>,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    batches: VecDeque<Batch>,
    /// Room for the next small batches.
    chunk: BytesMut,
    /// Size of the chunk when it was made.
    chunk_bytes: usize,
    /// Charge of the current chunk, to be carried by its last entry.
    chunk_charge: usize,
    listed: bool,
}

#[derive(Debug)]
struct Batch {
    base_offset: i64,
    last_offset: i64,
    bytes: Bytes,
    /// What dropping this entry gives back: the whole buffer, on the last entry that lies in it.
    charge: usize,
}

impl Entries {
    fn evict(&mut self, cache: &TailCache, at_least: usize) -> u64 {
        self.evict_while(cache, |_, credited| credited < at_least.max(1))
    }

    /// Drops the oldest entries as long as `wanted` says so, which hears of the next one and of the
    /// bytes given back so far.
    fn evict_while(&mut self, cache: &TailCache, wanted: impl Fn(&Batch, usize) -> bool) -> u64 {
        let (mut credited, mut dropped) = (0, 0);
        while let Some(batch) = self.batches.pop_front_if(|batch| wanted(batch, credited)) {
            credited += batch.charge;
            dropped += 1;
        }
        if self.batches.is_empty() {
            self.chunk = BytesMut::new();
            credited += std::mem::take(&mut self.chunk_charge);
        }
        cache.credit(credited);
        dropped
    }
}

/// A copy of appended batches, ready to be patched, written and then published.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) bytes: BytesMut,
    own_charge: usize,
}

impl Tail {
    pub(crate) fn new(cache: Arc<TailCache>) -> Arc<Self> {
        Arc::new(Self {
            cache,
            entries: Mutex::default(),
        })
    }

    /// An append in memory that the cache will own: what was given, or a copy. The caller holds the
    /// append lock of the log until it publishes or discards.
    pub(crate) fn stage(&self, source: AppendBytes<'_>) -> Staged {
        if source.len() >= OWN_BUFFER_BYTES || self.cache.limit == 0 {
            let bytes = own_buffer(source);
            return Staged {
                own_charge: bytes.capacity(),
                bytes,
            };
        }
        let source = &source[..];
        let mut entries = self.entries.lock();
        if entries.chunk.capacity() - entries.chunk.len() < source.len() {
            // The charge of the old chunk goes with its last entry.
            let charge = std::mem::take(&mut entries.chunk_charge);
            match entries.batches.back_mut() {
                Some(last) => last.charge += charge,
                None => self.cache.credit(charge),
            }
            // A quiet partition starts small and grows to the full chunk.
            entries.chunk_bytes = (entries.chunk_bytes * 2).clamp(FIRST_CHUNK_BYTES, CHUNK_BYTES);
            let size = entries.chunk_bytes.max(source.len());
            entries.chunk = BytesMut::with_capacity(size);
            entries.chunk_charge = entries.chunk.capacity();
            self.cache.charge(entries.chunk_charge);
        }
        entries.chunk.extend_from_slice(source);
        Staged {
            bytes: entries.chunk.split(),
            own_charge: 0,
        }
    }

    /// Makes written batches visible to readers. `ends` are the (base, last) offsets and sizes.
    pub(crate) fn publish(
        self: &Arc<Self>,
        staged: Staged,
        ends: impl Iterator<Item = (i64, i64, usize)>,
    ) {
        if self.cache.limit == 0 {
            return;
        }
        let mut bytes = staged.bytes.freeze();
        let mut entries = self.entries.lock();
        let before = entries.batches.len();
        for (base_offset, last_offset, size) in ends {
            // A replica's batches may leave gaps, where the leader's log was compacted.
            let rises = entries
                .batches
                .back()
                .is_none_or(|last| last.last_offset < base_offset);
            assert!(rises, "the tail cache takes batches in offset order");
            entries.batches.push_back(Batch {
                base_offset,
                last_offset,
                bytes: bytes.split_to(size),
                charge: ENTRY_BYTES,
            });
        }
        assert!(bytes.is_empty(), "every staged byte belongs to a batch");
        if let Some(last) = entries.batches.back_mut() {
            last.charge += staged.own_charge;
            self.cache.charge(staged.own_charge);
        }
        self.cache
            .charge(entries.batches.len().saturating_sub(before) * ENTRY_BYTES);
        let list = !entries.listed;
        entries.listed = true;
        drop(entries);
        if list {
            self.cache.ring.lock().push_back(Arc::downgrade(self));
        }
        if self.cache.used.load(Ordering::Relaxed) > self.cache.limit {
            self.cache.shrink();
        }
    }

    /// Whole batches from the one that contains `offset` on; `None` when it is not cached.
    ///
    /// At most `max_bytes`, but with `min_one` always the first batch; none that reaches
    /// `end_exclusive`.
    pub(crate) fn read(
        &self,
        offset: i64,
        max_bytes: usize,
        end_exclusive: i64,
        min_one: bool,
    ) -> Option<Vec<Bytes>> {
        let entries = self.entries.lock();
        if entries.batches.front()?.base_offset > offset {
            return None;
        }
        let start = entries
            .batches
            .partition_point(|batch| batch.last_offset < offset);
        let mut out = Vec::new();
        let mut room = max_bytes;
        for batch in entries.batches.range(start..) {
            let fits = batch.bytes.len() <= room || (min_one && out.is_empty());
            if batch.last_offset >= end_exclusive || !fits {
                break;
            }
            room = room.saturating_sub(batch.bytes.len());
            out.push(batch.bytes.clone());
        }
        Some(out)
    }

    /// Forgets what ends below `offset`: compaction has replaced it.
    pub(crate) fn forget_below(&self, offset: i64) {
        let mut entries = self.entries.lock();
        entries.evict_while(&self.cache, |batch, _| batch.last_offset < offset);
    }

    /// Forgets everything (the log was truncated, deleted or went offline).
    pub(crate) fn clear(&self) {
        let mut entries = self.entries.lock();
        entries.evict(&self.cache, usize::MAX);
    }
}

/// The memory itself if it was given and holds little else, or a copy.
fn own_buffer(source: AppendBytes<'_>) -> BytesMut {
    let bytes = match source {
        AppendBytes::Lent(bytes) => return BytesMut::from(bytes),
        AppendBytes::Given(bytes) => bytes,
    };
    match bytes.try_into_mut() {
        Ok(own) if own.capacity() <= own.len() + own.len() / 4 => own,
        Ok(roomy) => BytesMut::from(&roomy[..]),
        Err(shared) => BytesMut::from(&shared[..]),
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(tail: &Arc<Tail>, base: i64, size: usize) {
        let staged = tail.stage((&vec![base as u8; size]).into());
        tail.publish(staged, [(base, base + 1, size)].into_iter());
    }

    #[test]
    fn given_memory_is_kept_if_it_holds_little_else() {
        let tail = Tail::new(TailCache::new(1 << 20));
        let frame = |before: usize, batch: usize, after: usize| {
            let mut frame = BytesMut::zeroed(before + batch + after).freeze();
            let given = frame.split_off(before).split_to(batch);
            (given.as_ptr(), given)
        };
        let (at, given) = frame(100, OWN_BUFFER_BYTES, 100);
        let staged = tail.stage(given.into());
        assert_eq!(staged.bytes.as_ptr(), at, "not copied");
        assert_eq!(staged.own_charge, OWN_BUFFER_BYTES + 100);

        let (at, given) = frame(0, OWN_BUFFER_BYTES, OWN_BUFFER_BYTES);
        let staged = tail.stage(given.into());
        assert_ne!(staged.bytes.as_ptr(), at, "it would keep twice its size");
        assert_eq!(staged.own_charge, OWN_BUFFER_BYTES);

        let (at, given) = frame(100, OWN_BUFFER_BYTES, 100);
        let other_handle = given.clone();
        let staged = tail.stage(given.into());
        assert_ne!(staged.bytes.as_ptr(), at, "somebody reads it still");
        drop(other_handle);
    }

    #[test]
    fn reads_whole_batches_within_bounds() {
        let tail = Tail::new(TailCache::new(1 << 20));
        (0..5).for_each(|i| push(&tail, i * 2, 100));
        let sizes = |offset, max, end, one| {
            tail.read(offset, max, end, one)
                .map(|v| v.iter().map(|b| b[0]).collect::<Vec<_>>())
        };
        assert_eq!(
            sizes(3, 250, 100, false),
            Some(vec![2, 4]),
            "a batch in its middle"
        );
        assert_eq!(
            sizes(0, 10, 100, true),
            Some(vec![0]),
            "the first one even if larger"
        );
        assert_eq!(sizes(0, 10, 100, false), Some(vec![]));
        assert_eq!(
            sizes(0, 1000, 5, false),
            Some(vec![0, 2]),
            "not up to the end"
        );
        assert_eq!(sizes(10, 1000, 100, true), Some(vec![]), "at the end");
    }

    #[test]
    fn the_budget_is_shared_and_given_back() {
        let cache = TailCache::new(200 << 10);
        let tails: Vec<_> = (0..4).map(|_| Tail::new(Arc::clone(&cache))).collect();
        for i in 0..200 {
            for (n, tail) in tails.iter().enumerate() {
                push(tail, i * 2, if n == 0 { 20 << 10 } else { 700 });
                assert!(cache.stats().used_bytes <= (200 << 10) + 4 * CHUNK_BYTES);
            }
        }
        assert!(cache.stats().evictions > 0);
        let newest: Vec<_> = tails
            .iter()
            .filter(|tail| tail.read(398, 1 << 20, 1000, true).is_some())
            .collect();
        assert!(!newest.is_empty());
        drop(tails);
        assert_eq!(cache.stats().used_bytes, 0);
    }

    #[test]
    fn no_budget_means_no_cache() {
        let tail = Tail::new(TailCache::new(0));
        push(&tail, 0, 10);
        assert!(tail.read(0, 10, 10, true).is_none());
    }
}
