//! The faces, each with what it is made of.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use limpid_broker::source::{BrokerBeans, DerivedBeans, EmbeddedCluster};
use limpid_cluster::{ClusterSource, NodeAdmin};
use limpid_config::{BrokerConfig, MetricsLimits};
use limpid_exporter::jmx::Rules;
use limpid_exporter::{Budget, Exporter, Filter, Format, Limits, Names, Selection};
use limpid_telemetry::Registry;

use crate::acting::Acting;
use crate::bundle::{self, Bundle};
use crate::error::StartError;
use crate::http::Visiting;

/// What faces show and operate.
pub(crate) struct Shown<'a> {
    pub(crate) cluster: &'a Arc<EmbeddedCluster>,
    pub(crate) node: &'a Arc<dyn NodeAdmin>,
    pub(crate) acting: &'a Arc<Acting>,
    pub(crate) bundle: &'a Arc<Bundle>,
}

/// The routes of every face, for those who visit.
pub(crate) fn router(
    registry: &Registry,
    shown: &Shown<'_>,
    broker: &BrokerConfig,
    visiting: &Visiting,
) -> Result<Router, StartError> {
    let Shown {
        cluster,
        node,
        acting,
        bundle,
    } = *shown;
    let source: Arc<dyn ClusterSource> = cluster.clone();
    let exporter = Exporter::new(registry.clone())?;
    exporter.add_cluster_with(Arc::clone(&source), &broker.http.metrics_dialects)?;
    exporter.limit(limits(&broker.http.metrics_limits)?);
    if let Some(path) = &broker.http.jmx_exporter_config {
        exporter.add_rules(rules(path)?);
    }
    let beans = BrokerBeans::new(Arc::clone(cluster));
    registry.mbeans().add_source(Arc::new(beans));
    registry.mbeans().add_source(Arc::new(DerivedBeans));
    let console = limpid_console::router(limpid_console::Faces {
        source: Arc::clone(&source),
        registry: registry.clone(),
        browsers: Some(acting.clone()),
        values: Some(values(&exporter)),
        node: Some(Arc::clone(node)),
        admins: Some(acting.clone()),
        login: visiting.takes_passwords(),
        provider: visiting.issuer().map(str::to_owned),
        base: broker.http.base().to_owned(),
    });
    let console = console.map_err(StartError::system("start the thread of the console"))?;
    let jolokia = limpid_jolokia::router(limpid_jolokia::Behind {
        beans: Arc::clone(registry.mbeans()),
        node: Arc::clone(node),
        cluster: broker.node.cluster_name.clone(),
    });
    let faces = Router::new()
        .merge(limpid_exporter::router(exporter))
        .merge(limpid_api::router(source))
        .merge(jolokia)
        .merge(console);
    Ok(faces
        .clone()
        .merge(bundle::router(Arc::clone(bundle), faces)))
}

/// What is read only when faces are made: whether it can be.
pub(crate) fn check(broker: &BrokerConfig) -> Result<(), StartError> {
    limits(&broker.http.metrics_limits)?;
    if let Some(path) = &broker.http.jmx_exporter_config {
        rules(path)?;
    }
    Ok(())
}

/// What `/metrics` may show.
fn limits(config: &MetricsLimits) -> Result<Limits, StartError> {
    let names = |kind, [include, exclude]: &[String; 2]| {
        Names::new(include, exclude).map_err(|source| StartError::Pattern { kind, source })
    };
    let protected = config.protected.iter().map(String::as_str);
    Ok(Limits {
        budget: Budget::new(config.max_series, protected),
        filter: Filter {
            topics: names("topic", &config.topics)?,
            groups: names("group", &config.groups)?,
        },
    })
}

/// Families as `/metrics` shows them.
fn values(exporter: &Arc<Exporter>) -> limpid_console::Values {
    let exporter = Arc::clone(exporter);
    Arc::new(move |families| {
        let pairs = families.iter().map(|family| ("collect[]", *family));
        let selection = Selection::of(pairs).unwrap_or_default();
        exporter.render_selected(Format::Text, &selection)
    })
}

/// The user's own rules for MBeans.
fn rules(path: &Path) -> Result<Rules, StartError> {
    let unread = |reason: String| StartError::JmxRules {
        path: path.to_owned(),
        reason,
    };
    let text = std::fs::read_to_string(path).map_err(|error| unread(error.to_string()))?;
    Rules::read(&text).map_err(|error| unread(error.to_string()))
}
