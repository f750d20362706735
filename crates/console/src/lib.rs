//! The web console: axum routes and askama pages over snapshots.
//!
//! A page never waits for a collection and works without JavaScript. Its numbers are those of
//! `/metrics`: both read the same snapshot and the same registry.
//!
//! What must never be here: types of broker, storage or client.

mod numbers;
mod overview;
mod show;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use limpid_cluster::ClusterSource;
use limpid_telemetry::Registry;

const STYLE: &str = include_str!("../assets/limpid.css");

/// What pages are made of.
#[derive(Clone)]
pub(crate) struct Faces {
    pub(crate) source: Arc<dyn ClusterSource>,
    pub(crate) registry: Registry,
}

/// The routes of this crate.
pub fn router(source: Arc<dyn ClusterSource>, registry: Registry) -> Router {
    Router::new()
        .route("/", get(overview::page))
        .route("/assets/limpid.css", get(style))
        .with_state(Faces { source, registry })
}

async fn style() -> ([(header::HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}
