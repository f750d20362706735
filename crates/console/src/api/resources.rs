//! What has no page of its own.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use limpid_cluster::LogDir;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::overview::{self, BrokerRow};

/// The clusters that are shown here.
#[derive(Serialize, JsonSchema)]
pub(super) struct Clusters {
    clusters: Vec<ClusterRow>,
}

/// A cluster in a list.
#[derive(Serialize, JsonSchema)]
struct ClusterRow {
    /// The name in paths.
    name: String,
    /// Kafka's id.
    cluster_id: String,
    taken_at_ms: i64,
}

/// The brokers of a cluster.
#[derive(Serialize, JsonSchema)]
pub(super) struct Brokers {
    taken_at_ms: i64,
    controller_id: Option<i32>,
    brokers: Vec<BrokerRow>,
    /// Of the brokers that this one knows the directories of.
    log_dirs: Vec<LogDir>,
}

/// `/clusters`.
pub(super) async fn clusters(State(app): State<Arc<App>>) -> Response {
    let snapshot = app.source.snapshot();
    let row = ClusterRow {
        name: app.source.name().to_owned(),
        cluster_id: snapshot.cluster_id.clone(),
        taken_at_ms: snapshot.taken_at_ms,
    };
    let clusters = vec![row];
    Json(Clusters { clusters }).into_response()
}

/// `/clusters/{cluster}/brokers`.
pub(super) async fn brokers(State(app): State<Arc<App>>) -> Response {
    let snapshot = app.source.snapshot();
    let brokers = Brokers {
        taken_at_ms: snapshot.taken_at_ms,
        controller_id: snapshot.controller_id,
        brokers: overview::brokers(&snapshot),
        log_dirs: snapshot.log_dirs.clone(),
    };
    Json(brokers).into_response()
}
