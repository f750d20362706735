//! The `/metrics` page: one file per collector, naming dialects.
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
//! Names that others chose are dialects, one file each (`limpid.metrics.dialects` switches them):
//! kafka_exporter's, and those that rules of jmx_exporter give to Kafka's MBeans (Strimzi's, Confluent's).
//! A dialect reads the same snapshots and MBeans as everybody; nothing is counted for it.
//!
//! What must never be here: broker types, and metric names of other crates.

mod accept;
mod beans;
pub mod collectors;
#[cfg(test)]
mod fixture;
mod http;
pub mod jmx;
mod metrics;
mod page;
mod text;

use std::sync::Arc;

use limpid_cluster::ClusterSource;
use limpid_telemetry::{Catalogue, Collector, RegisterError, Registry};

use collectors::{groups, kafka_exporter, log_dirs};

pub use accept::Format;
pub use http::router;

const KAFKA_EXPORTER: &str = "kafka_exporter";
const STRIMZI: &str = "strimzi";
const CONFLUENT: &str = "confluent";
const STRIMZI_REPORTER: &str = "strimzi_reporter";

/// Naming dialects that the page can speak besides our own.
pub const DIALECTS: &[&str] = &[KAFKA_EXPORTER, STRIMZI, CONFLUENT, STRIMZI_REPORTER];

/// Those of them that are rules for MBeans.
#[cfg(test)]
const RULED: [&str; 3] = [STRIMZI, CONFLUENT, STRIMZI_REPORTER];

/// A dialect that the page can't speak.
#[derive(Debug, thiserror::Error)]
#[error("unknown metrics dialect `{0}`, known are: {known}", known = DIALECTS.join(", "))]
pub struct UnknownDialect(pub String);

/// Renders the metrics of one cluster.
#[derive(Debug)]
pub struct Exporter {
    registry: Registry,
    metrics: metrics::ExporterMetrics,
    state: page::State,
    shared: http::Shared,
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
            state,
            shared,
        }))
    }

    /// Adds the collectors that read a cluster's snapshot, in every dialect.
    pub fn add_cluster(&self, source: Arc<dyn ClusterSource>) {
        self.add_cluster_with(source, DIALECTS, None)
            .expect("all of them are known");
    }

    /// Adds the collectors that read a cluster's snapshot: our own families, and those of the named
    /// dialects (`limpid.metrics.dialects`), and what rules of the user make of MBeans.
    ///
    /// # Errors
    /// A dialect is not one of [`DIALECTS`]; nothing is added.
    pub fn add_cluster_with<S: AsRef<str>>(
        &self,
        source: Arc<dyn ClusterSource>,
        dialects: &[S],
        rules: Option<jmx::Rules>,
    ) -> Result<(), UnknownDialect> {
        let known = |d: &&S| DIALECTS.contains(&d.as_ref());
        if let Some(unknown) = dialects.iter().find(|d| !known(d)) {
            return Err(UnknownDialect(unknown.as_ref().to_owned()));
        }
        let speaks = |dialect| dialects.iter().any(|d| d.as_ref() == dialect);
        if speaks(KAFKA_EXPORTER) {
            self.add(kafka_exporter::KafkaExporter::new(source.clone()));
        }
        let beans = beans::KafkaBeans::new(source.clone());
        self.registry.mbeans().add_source(Arc::new(beans));
        let mut rules: Vec<_> = rules.into_iter().collect();
        if speaks(STRIMZI) {
            rules.push(jmx::strimzi());
        }
        if speaks(CONFLUENT) {
            rules.push(jmx::confluent());
        }
        if speaks(STRIMZI_REPORTER) {
            rules.push(jmx::strimzi_reporter());
        }
        if !rules.is_empty() {
            let beans = self.registry.mbeans().clone();
            let sets = rules.into_iter().map(jmx::RuleSet::new).collect();
            self.add(jmx::JmxNames::new("jmx", beans, sets));
        }
        self.add(groups::Groups::new(source.clone()));
        self.add(log_dirs::LogDirs::new(source));
        Ok(())
    }

    fn add(&self, collector: impl Collector + 'static) {
        self.registry.add_collector(Arc::new(collector));
    }

    /// The whole page now. Takes as long as there are series: not for an async thread.
    pub fn render(&self, format: Format) -> String {
        let started = std::time::Instant::now();
        let page = page::render(&self.registry, &self.metrics, &self.state, format);
        self.metrics.render.observe_duration(started.elapsed());
        page
    }
}

/// The catalogue with what telemetry and this crate declare; the server adds the others.
pub fn catalogue() -> Catalogue {
    Catalogue::with_own()
        .with(metrics::ExporterMetrics::DECLARATIONS)
        .with_families(metrics::families::ALL)
        .with_families(groups::families::ALL)
        .with_families(kafka_exporter::families::ALL)
        .with_families(log_dirs::families::ALL)
}
