//! The registry: passed in, never global; one per cluster that the process serves.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;

use crate::collect::Collector;
use crate::declare::Declaration;
use crate::error::RegisterError;
use crate::exemplars::Exemplars;
use crate::handle::{Counter, Handle};
use crate::mbeans::MBeans;
use crate::own::OwnMetrics;
use crate::pools::{Pool, Pools};

/// All metrics of one cluster: counters and histograms, collectors of state, MBeans and pools.
/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Registry {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    prometheus: prometheus::Registry,
    mbeans: Arc<MBeans>,
    exemplars: Arc<Exemplars>,
    collectors: Mutex<Vec<Arc<dyn Collector>>>,
    pools: Arc<Pools>,
    own: OnceLock<OwnMetrics>,
    watches: Mutex<Vec<Watch>>,
}

/// Looks at something about once a second.
type Watch = Arc<dyn Fn() + Send + Sync>;

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}

impl Registry {
    /// A registry with the families that every Limpid has: build, pools, dropped series.
    ///
    /// # Panics
    /// Never: the first names in a fresh registry can't be taken.
    pub fn new() -> Self {
        let registry = Registry::default();
        let own = OwnMetrics::register(&registry).expect("first names in a fresh registry");
        assert!(
            registry.inner.own.set(own).is_ok(),
            "a fresh registry has no own metrics yet"
        );
        registry.add_collector(registry.inner.pools.clone());
        registry
    }

    /// The registry of the `prometheus` crate underneath.
    pub fn prometheus(&self) -> &prometheus::Registry {
        &self.inner.prometheus
    }

    /// The JMX view of the same handles.
    pub fn mbeans(&self) -> &Arc<MBeans> {
        &self.inner.mbeans
    }

    /// Exemplars of histograms.
    pub fn exemplars(&self) -> &Arc<Exemplars> {
        &self.inner.exemplars
    }

    /// To be called about once a second, with time since any start: percentiles of "now" need it.
    pub fn tick(&self, now: Duration) {
        self.inner.mbeans.tick(now);
        let watches = self.inner.watches.lock().clone();
        watches.iter().for_each(|watch| watch());
    }

    /// Adds what must be looked at about once a second, since its past matters; short, on the thread
    /// that calls [`tick`](Registry::tick).
    pub fn on_tick(&self, watch: impl Fn() + Send + Sync + 'static) {
        self.inner.watches.lock().push(Arc::new(watch));
    }

    /// The metrics that telemetry itself counts.
    ///
    /// # Panics
    /// Never after [`Registry::new`].
    pub fn own(&self) -> &OwnMetrics {
        self.inner.own.get().expect("set by Registry::new")
    }

    /// Adds a collector that is asked at every scrape.
    pub fn add_collector(&self, collector: Arc<dyn Collector>) {
        self.inner.collectors.lock().push(collector);
    }

    /// The collectors, in the order they were added.
    pub fn collectors(&self) -> Vec<Arc<dyn Collector>> {
        self.inner.collectors.lock().clone()
    }

    /// The pools that exist now, in the order they were made.
    pub fn pools(&self) -> Vec<Arc<Pool>> {
        self.inner.pools.live()
    }

    /// A pool with its numbers in `limpid_buffer_*{pool=name}`.
    pub fn pool(&self, name: &'static str, limit_bytes: u64) -> Arc<Pool> {
        self.inner.pools.add(name, limit_bytes)
    }

    /// Registers a metric without labels; called by [`metrics!`](crate::metrics).
    ///
    /// # Errors
    /// The name is taken or not valid.
    pub fn single<M: Handle>(&self, d: &'static Declaration) -> Result<M, RegisterError> {
        let metric = M::one(d, self.prometheus())?;
        self.mbeans().attach(d, &[], &metric.any());
        Ok(metric)
    }

    /// Where a family counts the label sets that it has no room for.
    pub(crate) fn drop_counter(&self, name: &'static str) -> Option<Counter> {
        // Telemetry's own families are registered before `own` exists: they don't overflow.
        self.inner
            .own
            .get()
            .map(|own| own.series_dropped.bind(name))
    }
}
