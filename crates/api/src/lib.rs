//! JSON and plain-text routes for machines: health and readiness.
//!
//! What must never be here: pages, and types of the broker.

mod health;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use limpid_cluster::ClusterSource;

/// The routes of this crate.
pub fn router(source: Arc<dyn ClusterSource>) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .with_state(source)
}
