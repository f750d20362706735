//! The faces, each with what it is made of.

use std::sync::Arc;

use axum::Router;
use limpid_broker::source::EmbeddedCluster;
use limpid_cluster::ClusterSource;
use limpid_config::BrokerConfig;
use limpid_exporter::Exporter;
use limpid_link::Link;
use limpid_telemetry::Registry;

use crate::error::StartError;

/// The routes of every face; with `login` the console has a form for that.
pub(crate) fn router(
    registry: &Registry,
    cluster: &Arc<EmbeddedCluster>,
    link: &Arc<Link>,
    broker: &BrokerConfig,
    login: bool,
) -> Result<Router, StartError> {
    let source: Arc<dyn ClusterSource> = cluster.clone();
    let exporter = Exporter::new(registry.clone())?;
    exporter.add_cluster_with(Arc::clone(&source), &broker.http.metrics_dialects)?;
    let console = limpid_console::router(limpid_console::Faces {
        source: Arc::clone(&source),
        registry: registry.clone(),
        browser: Some(link.clone()),
        login,
    });
    let console = console.map_err(StartError::system("start the thread of the console"))?;
    Ok(Router::new()
        .merge(limpid_exporter::router(exporter))
        .merge(limpid_api::router(source))
        .merge(limpid_jolokia::router(Arc::clone(registry.mbeans())))
        .merge(console))
}
