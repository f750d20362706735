//! The web console: axum routes and askama pages over snapshots, and the same as an API.
//!
//! A page never waits for a collection and is complete without JavaScript; with it, one stream keeps
//! its parts fresh. Its numbers are those of `/metrics`: both read the same snapshot and the same
//! registry. Each resource is one struct that serves the page, `?format=json` and, where a shell
//! wants it, `?format=text`.
//!
//! What must never be here: types of broker, storage or client.

mod answer;
mod api;
mod app;
mod assets;
mod client;
mod clients;
#[cfg(any(test, feature = "preview"))]
mod fixture;
mod graph;
mod group;
mod groups;
mod links;
mod listing;
mod live;
mod login;
mod messages;
mod overview;
mod pages;
mod payload;
#[cfg(feature = "preview")]
pub mod preview;
mod requests;
mod routes;
mod rows;
mod runbook;
mod show;
mod slots;
mod spark;
mod text;
mod topic;
mod topics;
mod trends;
mod values;
mod visit;

use std::sync::Arc;

use axum::Router;
use limpid_access::Visitor;
use limpid_cluster::{ClusterAdmins, ClusterSnapshot, ClusterSource, NodeAdmin, RecordBrowsers};
use limpid_telemetry::Registry;

/// What the console shows.
#[derive(Clone)]
pub struct Faces {
    /// The cluster.
    pub source: Arc<dyn ClusterSource>,
    /// Its metrics.
    pub registry: Registry,
    /// Reads records; without it no page shows any.
    pub browsers: Option<Arc<dyn RecordBrowsers>>,
    /// Shows what an alert asks for; without it the runbook has its words alone.
    pub values: Option<Values>,
    /// Operates the broker in this process; without it nothing of that can be done here.
    pub node: Option<Arc<dyn NodeAdmin>>,
    /// Changes topics and groups; without it nobody can here.
    pub admins: Option<Arc<dyn ClusterAdmins>>,
    /// Whether people can log in, by a form at `/login` that is posted there.
    pub login: bool,
    /// At whose page people can log in, by way of `/login/oidc`.
    pub provider: Option<String>,
    /// What precedes the path of every link, such as `/limpid`; mostly empty. Requests come without it.
    pub base: String,
}

pub use links::encoded;
pub use values::Values;

/// The pairs of a query or a form, decoded.
pub fn decoded_pairs(raw: &str) -> Vec<(String, String)> {
    listing::Query::parse(Some(raw)).into_pairs()
}

/// The routes of this crate, for requests that carry a [`limpid_access::Visitor`], with a thread that samples the last 15 minutes as long as they live.
///
/// # Errors
/// The system gives no thread.
pub fn router(faces: Faces) -> std::io::Result<Router> {
    Ok(routes::all(Arc::new(app::App::start(faces)?)))
}

/// The console at a moment that lasts, after the cluster looked like this: what its pages cost can be told
/// without a server and without waiting for 15 minutes.
pub struct Still(app::App);

impl Still {
    /// `past` are looks at the cluster, in their order.
    pub fn new(
        faces: Faces,
        now_ms: fn() -> i64,
        past: impl IntoIterator<Item = ClusterSnapshot>,
    ) -> Self {
        let app = app::App::resting(faces, now_ms);
        for snapshot in past {
            app.trends.take(trends::Reading {
                snapshot: Arc::new(snapshot),
                registry: Some(trends::read_registry(&app.registry)),
            });
        }
        Self(app)
    }

    /// A page, asked for as a stream asks for it (`of=topic&name=orders`); `None` if there is none of that
    /// name. On this thread, and without what HTTP adds.
    pub fn page(&self, query: &str, visitor: &Visitor) -> Option<String> {
        pages::part_source(&self.0, &listing::Query::parse(Some(query)), visitor)
    }
}
