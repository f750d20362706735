//! Pools: every buffer with a limit, and its utilization as metrics.
//!
//! A [`Pool`] only counts; the memory is the caller's. Charges are guards, so that what was charged
//! is given back whatever happens. Nothing here waits: who must wait for room registers a wake-up
//! with [`Pool::on_release`] (a `Notify` of the runtime) and reports the time with
//! [`Pool::waited`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use crate::collect::{CollectError, Collector, Samples};
use crate::declare::Declaration;
use crate::label::Text;

/// Most pools in a registry.
pub const POOLS_MAX: usize = 64;

type PoolName = Text<POOLS_MAX>;

crate::families! {
    /// Families of all pools.
    pub mod families {
        /// Bytes charged to the pool now.
        USED: gauge { pool: PoolName } = "limpid_buffer_used_bytes";
        /// Most bytes the pool gives out.
        LIMIT: gauge { pool: PoolName } = "limpid_buffer_limit_bytes";
        /// Most bytes that were charged at once since the start.
        HIGH_WATER: gauge { pool: PoolName } = "limpid_buffer_high_water_bytes";
        /// Time that work stood still because the pool was full.
        WAIT: float_counter { pool: PoolName } = "limpid_buffer_wait_seconds_total";
    }
}

type Wake = Box<dyn Fn() + Send + Sync>;

/// A limit in bytes and how much of it is in use.
pub struct Pool {
    name: &'static str,
    limit: AtomicU64,
    used: AtomicU64,
    high_water: AtomicU64,
    waited_ns: AtomicU64,
    wake: OnceLock<Wake>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, used, limit) = (self.name, self.used(), self.limit());
        write!(f, "Pool({name}: {used} of {limit} bytes)")
    }
}

impl Pool {
    fn new(name: &'static str, limit: u64) -> Self {
        Pool {
            name,
            limit: AtomicU64::new(limit),
            used: AtomicU64::new(0),
            high_water: AtomicU64::new(0),
            waited_ns: AtomicU64::new(0),
            wake: OnceLock::new(),
        }
    }

    /// Its name, as in the label `pool`.
    pub fn name(&self) -> &'static str {
        self.name
    }
    /// Limit in bytes.
    pub fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }
    /// Changes the limit; what is charged stays.
    pub fn set_limit(&self, bytes: u64) {
        self.limit.store(bytes, Ordering::Relaxed);
        self.notify();
    }
    /// Bytes charged now.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
    /// Most bytes charged at once since the start.
    pub fn high_water(&self) -> u64 {
        self.high_water.load(Ordering::Relaxed)
    }
    /// Time reported by [`waited`](Pool::waited).
    pub fn wait_total(&self) -> Duration {
        Duration::from_nanos(self.waited_ns.load(Ordering::Relaxed))
    }

    /// Charges the bytes if they fit under the limit.
    pub fn try_charge(self: &Arc<Self>, bytes: u64) -> Option<Charge> {
        self.take(bytes).then(|| Charge {
            pool: self.clone(),
            bytes,
        })
    }

    /// Charges the bytes whether they fit or not, for memory that exists already.
    pub fn charge(self: &Arc<Self>, bytes: u64) -> Charge {
        self.occupy(bytes);
        Charge {
            pool: self.clone(),
            bytes,
        }
    }

    /// As [`charge`](Pool::charge), for who has the pool at hand for as long as the charge lives.
    pub fn lend(&self, bytes: u64) -> Lent<'_> {
        self.occupy(bytes);
        Lent { pool: self, bytes }
    }

    fn occupy(&self, bytes: u64) {
        let used = self.used.fetch_add(bytes, Ordering::AcqRel) + bytes;
        // Most of the time it was higher once, and to know that is cheaper than to say it again.
        if used > self.high_water.load(Ordering::Relaxed) {
            self.high_water.fetch_max(used, Ordering::Relaxed);
        }
    }

    /// Takes over the numbers of a cache that does its own accounting; such a pool has no charges.
    pub fn mirror(&self, used: u64, high_water: u64) {
        self.used.store(used, Ordering::Relaxed);
        self.high_water.fetch_max(high_water, Ordering::Relaxed);
    }

    /// Reports that work stood still for this long because the pool was full.
    pub fn waited(&self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.waited_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Calls this after every release. One per pool: a second call is ignored.
    pub fn on_release(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.wake.set(Box::new(wake)).ok();
    }

    fn take(&self, bytes: u64) -> bool {
        let limit = self.limit();
        let fits = |used: u64| used.checked_add(bytes).filter(|&sum| sum <= limit);
        let taken = self
            .used
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, fits);
        if let Ok(before) = taken {
            self.high_water.fetch_max(before + bytes, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    fn give(&self, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let before = self.used.fetch_sub(bytes, Ordering::AcqRel);
        debug_assert!(
            before >= bytes,
            "{}: gave back more than was charged",
            self.name
        );
        self.notify();
    }

    fn notify(&self) {
        if let Some(wake) = self.wake.get() {
            wake();
        }
    }
}

/// Bytes charged to a pool; given back on drop.
#[derive(Debug)]
#[must_use = "dropping the charge gives the bytes back"]
pub struct Charge {
    pool: Arc<Pool>,
    bytes: u64,
}

impl Charge {
    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Charges more; `false` (and nothing charged) when it does not fit.
    pub fn try_grow(&mut self, by: u64) -> bool {
        let grown = self.pool.take(by);
        if grown {
            self.bytes += by;
        }
        grown
    }

    /// Gives some back early; at most what is held.
    pub fn shrink(&mut self, by: u64) {
        let by = by.min(self.bytes);
        self.bytes -= by;
        self.pool.give(by);
    }

    /// Splits a part off into its own guard; at most what is held.
    pub fn split(&mut self, bytes: u64) -> Charge {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Charge {
            pool: self.pool.clone(),
            bytes,
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.pool.give(self.bytes);
    }
}

/// Bytes charged to a pool that outlives them; given back on drop.
#[derive(Debug)]
#[must_use = "dropping the charge gives the bytes back"]
pub struct Lent<'a> {
    pool: &'a Pool,
    bytes: u64,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.pool.give(self.bytes);
    }
}

/// The pools of a registry; a pool's series die with it.
#[derive(Default)]
pub(crate) struct Pools {
    all: Mutex<Vec<Weak<Pool>>>,
}

impl Pools {
    /// Makes a pool.
    ///
    /// # Panics
    /// A live pool has the same name, or there are [`POOLS_MAX`]: both are wiring mistakes.
    pub(crate) fn add(&self, name: &'static str, limit: u64) -> Arc<Pool> {
        let mut all = self.all.lock();
        all.retain(|p| p.strong_count() > 0);
        let taken = all.iter().filter_map(Weak::upgrade).any(|p| p.name == name);
        assert!(!taken, "two pools named {name}");
        assert!(all.len() < POOLS_MAX, "more than {POOLS_MAX} pools");
        let pool = Arc::new(Pool::new(name, limit));
        all.push(Arc::downgrade(&pool));
        pool
    }

    /// The pools that exist now.
    pub(crate) fn live(&self) -> Vec<Arc<Pool>> {
        self.all.lock().iter().filter_map(Weak::upgrade).collect()
    }
}

impl Collector for Pools {
    fn name(&self) -> &'static str {
        "pools"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        for p in &self.live() {
            out.family(&families::USED).add(&[p.name], p.used());
            out.family(&families::LIMIT).add(&[p.name], p.limit());
            out.family(&families::HIGH_WATER)
                .add(&[p.name], p.high_water());
            out.family(&families::WAIT).add(&[p.name], p.wait_total());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
