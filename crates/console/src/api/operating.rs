//! What can be done to the broker that answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use limpid_access::Visitor;
use limpid_cluster::{AdminError, NodeAdmin};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{problem, refused};
use crate::app::App;
use crate::visit::by;

/// The levels of loggers.
#[derive(Serialize, JsonSchema)]
pub(super) struct LoggerList {
    /// Levels there are.
    levels: Vec<&'static str>,
    /// Loggers by name, each with the level that holds for it.
    loggers: BTreeMap<String, &'static str>,
}

/// A level to be set.
#[derive(Deserialize, JsonSchema)]
pub(super) struct LevelWanted {
    /// One of the levels that the list of loggers names.
    level: String,
}

/// What became of a logger.
#[derive(Serialize, JsonSchema)]
pub(super) struct LevelChange {
    logger: String,
    before: &'static str,
    after: Option<&'static str>,
}

/// `GET …/loggers`.
pub(super) async fn loggers(State(app): State<Arc<App>>) -> Response {
    with_node(&app, |node| {
        let (levels, loggers) = (node.levels(), node.loggers());
        Ok(LoggerList { levels, loggers })
    })
}

/// `PUT …/loggers/{logger}`.
pub(super) async fn set_level(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path((_, logger)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let wanted: LevelWanted = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => {
            let sentence = format!("the body must be like {{\"level\": \"DEBUG\"}}: {error}");
            return problem(StatusCode::BAD_REQUEST, &sentence);
        }
    };
    change(&app, &visitor, logger, Some(&wanted.level))
}

/// `DELETE …/loggers/{logger}`.
pub(super) async fn reset_level(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path((_, logger)): Path<(String, String)>,
) -> Response {
    change(&app, &visitor, logger, None)
}

fn change(app: &App, visitor: &Visitor, logger: String, level: Option<&str>) -> Response {
    with_node(app, |node| {
        let before = node.set_level(&logger, level, &by(visitor))?;
        let after = node.loggers().get(&logger).copied();
        Ok(LevelChange {
            logger,
            before,
            after,
        })
    })
}

/// `POST …/retention-runs`.
pub(super) async fn run_retention(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    retention(app, visitor, None).await
}

/// `POST …/topics/{topic}/retention-runs`.
pub(super) async fn run_retention_of_topic(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path((_, topic)): Path<(String, String)>,
) -> Response {
    retention(app, visitor, Some(topic)).await
}

async fn retention(app: Arc<App>, visitor: Visitor, topic: Option<String>) -> Response {
    let run = move || {
        with_node(&app, |node| {
            node.run_retention(topic.as_deref(), &by(&visitor))
        })
    };
    // It renames files.
    let ran = tokio::task::spawn_blocking(run).await;
    ran.unwrap_or_else(|error| crate::answer::failed(&error))
}

fn with_node<T: Serialize>(
    app: &App,
    ask: impl FnOnce(&dyn NodeAdmin) -> Result<T, AdminError>,
) -> Response {
    let Some(node) = &app.node else {
        return problem(StatusCode::NOT_FOUND, "There is no broker in this process.");
    };
    match ask(&**node) {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => refused(&error),
    }
}
