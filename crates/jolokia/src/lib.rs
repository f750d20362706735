//! Jolokia's protocol (agent 2.x, protocol 8.2) over the MBean registry, for those who watch Kafka
//! through JMX: Telegraf, jmx4perl, Zabbix, Metricbeat.
//!
//! It answers `version`, `read`, `search` and `list`, one by one or in bulk; `write` and `exec` for
//! a few beans of ours (`operable`) and those who may administer, and with 403 for all others. The
//! HTTP status is 200 whenever there is an answer, whose own status tells how it went. Parameters
//! that change nothing here (`maxObjects`, `mimeType`, …) are accepted.
//!
//! What must never be here: types of the broker, and requests to others (`target`).

mod answer;
mod failure;
mod operable;
mod operator;
mod request;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use limpid_access::Visitor;
use limpid_cluster::NodeAdmin;
use limpid_telemetry::MBeans;
use serde_json::{Value, json};

use crate::answer::Answerer;
use crate::failure::Failure;
use crate::operator::Operator;
use crate::request::{Options, Request};

/// Largest request.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Most requests in one.
const BULK_MAX: usize = 1_000;

type Parameters = Vec<(String, String)>;

/// What is behind the door.
pub struct Behind {
    /// What is measured.
    pub beans: Arc<MBeans>,
    /// What can be operated.
    pub node: Arc<dyn NodeAdmin>,
    /// The cluster's name, by which roles are granted.
    pub cluster: String,
}

/// `/jolokia/` and everything under it, for requests that carry a [`Visitor`].
pub fn router(behind: Behind) -> Router {
    let root = get(ask_root).post(post);
    Router::new()
        .route("/jolokia", root.clone())
        .route("/jolokia/", root)
        .route("/jolokia/{*path}", get(ask).post(post))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Arc::new(behind))
}

/// Who asks, and how.
struct Asking {
    behind: Arc<Behind>,
    visitor: Visitor,
    forgeable: bool,
}

impl FromRequestParts<Arc<Behind>> for Asking {
    type Rejection = StatusCode;

    async fn from_request_parts(
        parts: &mut Parts,
        behind: &Arc<Behind>,
    ) -> Result<Self, StatusCode> {
        let visitor = parts.extensions.get::<Visitor>().cloned();
        // A route without a visitor is a mistake of whoever built it.
        let visitor = visitor.ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
        Ok(Self {
            behind: Arc::clone(behind),
            forgeable: operator::is_forgeable(&parts.method, &parts.headers, &visitor),
            visitor,
        })
    }
}

async fn ask_root(asking: Asking, parameters: Query<Parameters>) -> Response {
    ask(asking, Path(String::new()), parameters).await
}

async fn ask(
    asking: Asking,
    Path(path): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Response {
    // `?p=` is for names whose escapes a proxy would spoil.
    let given = parameters.iter().find(|(key, _)| key == "p");
    let path = given.map_or(path, |(_, path)| path.clone());
    let request = Request::of_path(&path, options(&parameters));
    asking.answered(vec![request], false).await
}

/// Clients post to any path below the root; what they want is in the body.
async fn post(asking: Asking, Query(parameters): Query<Parameters>, body: Bytes) -> Response {
    let options = options(&parameters);
    let asked: Value = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return unreadable(&format!("the body is no JSON: {error}")),
    };
    let read = |json: &Value| Request::of_json(json, options.clone());
    match &asked {
        Value::Array(several) if several.len() > BULK_MAX => {
            unreadable(&format!("more than {BULK_MAX} requests in one"))
        }
        Value::Array(several) => {
            asking
                .answered(several.iter().map(read).collect(), true)
                .await
        }
        one => asking.answered(vec![read(one)], false).await,
    }
}

fn options(parameters: &Parameters) -> Options {
    let mut options = Options::default();
    for (key, value) in parameters {
        options.set(key, value);
    }
    options
}

fn unreadable(message: &str) -> Response {
    let fields = Failure::bad_request(message).fields();
    respond(StatusCode::BAD_REQUEST, &Value::Object(fields))
}

impl Asking {
    /// Answers all of them from one look at the beans, in their order, on a thread that may take its
    /// time.
    async fn answered(self, requests: Vec<Result<Request, String>>, bulk: bool) -> Response {
        let job = tokio::task::spawn_blocking(move || self.answer(requests, bulk));
        match job.await {
            Ok(answer) => respond(StatusCode::OK, &answer),
            Err(error) => {
                tracing::error!(%error, "a request for beans could not be answered");
                let answer =
                    json!({"status": 500, "error": "an internal error, see the broker's log"});
                respond(StatusCode::INTERNAL_SERVER_ERROR, &answer)
            }
        }
    }

    fn answer(&self, requests: Vec<Result<Request, String>>, bulk: bool) -> Value {
        let view = self.behind.beans.view();
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_s = since_1970.unwrap_or_default().as_secs();
        let answerer = Answerer::new(&view, now_s).operated(Operator {
            node: &*self.behind.node,
            cluster: &self.behind.cluster,
            visitor: &self.visitor,
            forgeable: self.forgeable,
        });
        let mut answers: Vec<Value> = requests.into_iter().map(|r| answerer.answer(r)).collect();
        match bulk {
            true => Value::Array(answers),
            false => answers.pop().unwrap_or(Value::Null),
        }
    }
}

fn respond(status: StatusCode, body: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests;
