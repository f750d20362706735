//! The `/metrics` page: one file per collector, and the naming dialects.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # fn wire(registry: limpid_telemetry::Registry, source: Arc<dyn limpid_cluster::ClusterSource>)
//! #     -> Result<axum::Router, limpid_telemetry::RegisterError> {
//! let exporter = limpid_exporter::Exporter::new(registry)?;
//! exporter.add_cluster(source);                      // groups, log directories, all dialects
//! let router = limpid_exporter::router(exporter);    // GET /metrics
//! # Ok(router)
//! # }
//! ```
//!
//! What was counted comes from the registry; what is a state is read at each scrape by the
//! registry's collectors, from snapshots that the data path publishes anyway. A scrape takes no lock
//! that a producer could wait for, runs on a blocking thread, and is shared by all who ask within a
//! second.
//!
//! Names that others chose are dialects: one file each, or rules over MBeans. `limpid.metrics.dialects` switches them, and
//! `/metrics?dialect=NAME` shows one alone whether it is on or off. A dialect reads the same snapshots
//! and MBeans as everybody; one that is off costs nothing at a scrape.
//!
//! What must never be here: broker types, and metric names of other crates.

mod accept;
mod beans;
mod budget;
mod burrow;
pub mod collectors;
pub mod cost;
mod dialects;
mod filter;
#[cfg(test)]
mod fixture;
mod http;
pub mod jmx;
mod labels;
mod metrics;
mod numbers;
mod page;
mod select;
pub mod synthetic;
mod text;

use std::sync::{Arc, OnceLock};

use limpid_cluster::ClusterSource;
use limpid_telemetry::{Catalogue, Collector, RegisterError, Registry};
use parking_lot::Mutex;

use burrow::History;
use collectors::{groups, log_dirs, writers};

pub use accept::Format;
pub use budget::Budget;
pub use dialects::{ALL, DIALECTS, JMX_EXPORTER, UnknownDialect};
pub use filter::{BadPattern, Filter, Names};
pub use http::router;
pub use page::Limits;
pub use select::Selection;

/// Renders the metrics of one cluster.
pub struct Exporter {
    registry: Registry,
    metrics: metrics::ExporterMetrics,
    dialects: dialects::Dialects,
    histories: Mutex<Vec<Arc<History>>>,
    limits: Mutex<Arc<page::Limits>>,
    source: OnceLock<Arc<dyn ClusterSource>>,
    state: page::State,
    shared: http::Shared,
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut exporter = f.debug_struct("Exporter");
        exporter
            .field("dialects", &self.dialects)
            .finish_non_exhaustive()
    }
}

impl Exporter {
    /// An exporter of this registry. One per registry.
    ///
    /// # Errors
    /// The registry has an exporter already.
    pub fn new(registry: Registry) -> Result<Arc<Self>, RegisterError> {
        let metrics = metrics::ExporterMetrics::register(&registry)?;
        let (state, shared) = (page::State::default(), http::Shared::default());
        Ok(Arc::new(Exporter {
            registry,
            metrics,
            dialects: dialects::Dialects::default(),
            histories: Mutex::default(),
            limits: Mutex::default(),
            source: OnceLock::new(),
            state,
            shared,
        }))
    }

    /// Adds the collectors that read a cluster's snapshot, every dialect on.
    pub fn add_cluster(&self, source: Arc<dyn ClusterSource>) {
        self.add_cluster_with(source, DIALECTS)
            .expect("all of them are known");
    }

    /// Adds the collectors that read a cluster's snapshot: our own families, and those of every
    /// dialect. Shown unasked are the named ones (`limpid.metrics.dialects`, `all` for all).
    ///
    /// # Errors
    /// A dialect is not one of [`DIALECTS`]; nothing is added.
    pub fn add_cluster_with<S: AsRef<str>>(
        &self,
        source: Arc<dyn ClusterSource>,
        dialects: &[S],
    ) -> Result<(), UnknownDialect> {
        let mut on = Vec::new();
        for dialect in dialects {
            on.extend(dialects::named(dialect.as_ref())?);
        }
        // The first one is what pages are about.
        self.source.get_or_init(|| Arc::clone(&source));
        let beans = beans::KafkaBeans::new(source.clone());
        self.registry.mbeans().add_source(Arc::new(beans));
        let history = Arc::new(History::new(Arc::clone(&source)));
        self.dialects.add_cluster(&source, &history, &on);
        let watched = Arc::clone(&history);
        self.registry.on_tick(move || watched.observe());
        self.histories.lock().push(history);
        self.add(groups::Groups::new(source.clone()));
        self.add(log_dirs::LogDirs::new(Arc::clone(&source)));
        self.add(writers::Writers::new(source));
        Ok(())
    }

    /// Shows MBeans by rules of the user's own, too.
    pub fn add_rules(&self, rules: jmx::Rules) {
        self.dialects.add_users(rules);
    }

    /// Pages are to stay within these limits.
    pub fn limit(&self, limits: Limits) {
        *self.limits.lock() = Arc::new(limits);
    }

    fn add(&self, collector: impl Collector + 'static) {
        self.registry.add_collector(Arc::new(collector));
    }

    /// The page as the configuration has it, now.
    pub fn render(&self, format: Format) -> String {
        self.render_selected(format, &Selection::default())
    }

    /// A part of the page now. Takes as long as there are series: not for an async thread.
    pub fn render_selected(&self, format: Format, selection: &Selection) -> String {
        let started = std::time::Instant::now();
        let limits = Arc::clone(&self.limits.lock());
        let page = page::Page {
            registry: &self.registry,
            metrics: &self.metrics,
            state: &self.state,
            dialects: self
                .dialects
                .asked(self.registry.mbeans(), |d, on| selection.speaks(d, on)),
            selection,
            limits: &limits,
            snapshot: self.source.get().map(|source| source.snapshot()),
        };
        let page = page.render(format);
        self.metrics.render.observe_duration(started.elapsed());
        page
    }

    /// Burrow's view of the cluster, if there is one.
    fn history(&self) -> Option<Arc<History>> {
        self.histories.lock().first().cloned()
    }

    #[cfg(test)]
    fn collectors(&self) -> Vec<Arc<dyn Collector>> {
        let mut all = self.registry.collectors();
        all.extend(self.dialects.asked(self.registry.mbeans(), |_, on| on));
        all
    }
}

/// The catalogue with what telemetry and this crate declare; the server adds the others.
pub fn catalogue() -> Catalogue {
    let own = Catalogue::with_own()
        .with(metrics::ExporterMetrics::DECLARATIONS)
        .with_families(metrics::families::ALL)
        .with_families(groups::families::ALL)
        .with_families(log_dirs::families::ALL)
        .with_families(writers::families::ALL);
    dialects::add_to(own)
}
