//! Burrow's HTTP API (version 3), as far as it reads: `/v3/kafka/…`.
//!
//! Paths, names of fields, words and status codes are Burrow's, so that scripts and burrow_exporter work.
//! The one cluster is named `limpid.cluster.name`. A group that is not known is a 404 whose body says
//! NOTFOUND without an error, as there. Deleting a group, the configuration and the log level are not
//! offered.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use limpid_cluster::ClusterSnapshot;
use limpid_cluster::burrow::{INTERVALS, OFFSET_REFRESH_MS, Status};
use serde::Serialize;

use super::{GroupReport, History, PartitionReport, report::OffsetReport};

/// The routes.
pub(crate) fn router(history: Arc<History>) -> Router {
    Router::new()
        .route("/v3/kafka", get(clusters))
        .route("/v3/kafka/{cluster}", get(cluster))
        .route("/v3/kafka/{cluster}/topic", get(topics))
        .route("/v3/kafka/{cluster}/topic/{topic}", get(topic))
        .route(
            "/v3/kafka/{cluster}/topic/{topic}/consumers",
            get(topic_consumers),
        )
        .route("/v3/kafka/{cluster}/consumer", get(consumers))
        .route("/v3/kafka/{cluster}/consumer/{group}", get(consumer))
        .route("/v3/kafka/{cluster}/consumer/{group}/status", get(status))
        .route("/v3/kafka/{cluster}/consumer/{group}/lag", get(lag))
        .with_state(history)
}

/// Every answer.
#[derive(Serialize)]
struct Answer<T> {
    error: bool,
    message: &'static str,
    #[serde(flatten)]
    content: T,
    request: RequestInfo,
}

#[derive(Serialize)]
struct RequestInfo {
    url: String,
    host: String,
}

/// An answer without content.
#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Clusters<'a> {
    clusters: [&'a str; 1],
}

#[derive(Serialize)]
struct Topics<'a> {
    topics: Vec<&'a str>,
}

#[derive(Serialize)]
struct Offsets {
    offsets: Vec<i64>,
}

#[derive(Serialize)]
struct Consumers {
    consumers: Vec<String>,
}

#[derive(Serialize)]
struct ConsumerTopics {
    topics: BTreeMap<String, Vec<ConsumerPartition>>,
}

#[derive(Serialize)]
struct ConsumerPartition {
    /// As long as a window, empty at the start.
    offsets: Vec<Option<OffsetReport>>,
    owner: String,
    client_id: String,
    #[serde(rename = "current-lag")]
    current_lag: u64,
}

#[derive(Serialize)]
struct GroupStatus {
    status: GroupReport,
}

#[derive(Serialize)]
struct Module {
    module: ClusterModule,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ClusterModule {
    class_name: &'static str,
    servers: Vec<String>,
    client_profile: ClientProfile,
    topic_refresh: i64,
    offset_refresh: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ClientProfile {
    name: &'static str,
    client_id: &'static str,
    kafka_version: &'static str,
    tls: Option<()>,
    sasl: Option<()>,
}

/// A request with the state that answers it.
struct Asked<'a> {
    history: &'a History,
    snapshot: Arc<ClusterSnapshot>,
    url: String,
}

impl<'a> Asked<'a> {
    fn of(history: &'a History, uri: &Uri) -> Self {
        // What was committed since the last tick counts too.
        history.observe();
        Asked {
            history,
            snapshot: history.source().snapshot(),
            url: uri.path().to_owned(),
        }
    }

    fn answer(self, code: StatusCode, message: &'static str, content: impl Serialize) -> Response {
        let me = |id: i32| self.snapshot.brokers.iter().find(|b| b.id == id);
        let me = self.snapshot.node_id.and_then(me);
        let answer = Answer {
            error: code == StatusCode::NOT_FOUND && !message.ends_with("returned"),
            message,
            content,
            request: RequestInfo {
                host: me.map_or_else(String::new, |b| b.host.clone()),
                url: self.url,
            },
        };
        (code, Json(answer)).into_response()
    }

    fn ok(self, message: &'static str, content: impl Serialize) -> Response {
        self.answer(StatusCode::OK, message, content)
    }

    fn not_found(self, message: &'static str) -> Response {
        self.answer(StatusCode::NOT_FOUND, message, Nothing {})
    }

    fn is_here(&self, cluster: &str) -> bool {
        self.history.source().name() == cluster
    }

    fn report(&self, cluster: &str, group: &str) -> Option<GroupReport> {
        let report = self.history.report(&self.snapshot, group);
        let mut report = report.filter(|_| self.is_here(cluster))?;
        report.cluster = cluster.to_owned();
        Some(report)
    }
}

type Known = State<Arc<History>>;

async fn clusters(State(history): Known, uri: Uri) -> Response {
    let clusters = [history.source().name()];
    Asked::of(&history, &uri).ok("cluster list returned", Clusters { clusters })
}

async fn cluster(State(history): Known, uri: Uri, name: Path<String>) -> Response {
    let asked = Asked::of(&history, &uri);
    if !asked.is_here(&name) {
        return asked.not_found("cluster module not found");
    }
    let brokers = asked.snapshot.brokers.iter();
    let module = ClusterModule {
        class_name: "kafka",
        servers: brokers.map(|b| format!("{}:{}", b.host, b.port)).collect(),
        client_profile: ClientProfile {
            name: "",
            client_id: "",
            kafka_version: "",
            tls: None,
            sasl: None,
        },
        topic_refresh: 1,
        offset_refresh: OFFSET_REFRESH_MS / 1_000,
    };
    asked.ok("cluster module detail returned", Module { module })
}

async fn topics(State(history): Known, uri: Uri, cluster: Path<String>) -> Response {
    let asked = Asked::of(&history, &uri);
    if !asked.is_here(&cluster) {
        return asked.not_found("cluster not found");
    }
    let snapshot = Arc::clone(&asked.snapshot);
    let topics = snapshot.topics.iter().map(|t| t.name.as_str()).collect();
    asked.ok("topic list returned", Topics { topics })
}

async fn topic(
    State(history): Known,
    uri: Uri,
    Path((cluster, name)): Path<(String, String)>,
) -> Response {
    let asked = Asked::of(&history, &uri);
    let topic = asked.snapshot.topic(&name);
    let Some(topic) = topic.filter(|_| asked.is_here(&cluster)) else {
        return asked.not_found("cluster or topic not found");
    };
    let led = topic.partitions.iter().filter(|p| p.leader.is_some());
    let offsets = led.map(|p| p.high_watermark).collect();
    asked.ok("topic offsets returned", Offsets { offsets })
}

async fn topic_consumers(
    State(history): Known,
    uri: Uri,
    Path((cluster, name)): Path<(String, String)>,
) -> Response {
    let asked = Asked::of(&history, &uri);
    if !asked.is_here(&cluster) {
        return asked.not_found("cluster not found");
    }
    let groups = history.groups(&asked.snapshot).into_iter();
    let readers = groups.filter(|g| g.topics.iter().any(|t| t.name == name));
    let consumers = readers.map(|g| g.id.clone()).collect();
    asked.ok("consumers of topic returned", Consumers { consumers })
}

async fn consumers(State(history): Known, uri: Uri, cluster: Path<String>) -> Response {
    let asked = Asked::of(&history, &uri);
    if !asked.is_here(&cluster) {
        return asked.not_found("cluster not found");
    }
    let groups = history.groups(&asked.snapshot).into_iter();
    let consumers = groups.map(|g| g.id.clone()).collect();
    asked.ok("consumer list returned", Consumers { consumers })
}

async fn consumer(
    State(history): Known,
    uri: Uri,
    Path((cluster, group)): Path<(String, String)>,
) -> Response {
    let asked = Asked::of(&history, &uri);
    let Some(report) = asked.report(&cluster, &group) else {
        return asked.not_found("cluster or consumer not found");
    };
    let mut topics: BTreeMap<String, Vec<ConsumerPartition>> = BTreeMap::new();
    for p in report.partitions {
        let partitions = topics.entry(p.topic.clone()).or_default();
        partitions.push(consumer_partition(p));
    }
    asked.ok("consumer detail returned", ConsumerTopics { topics })
}

fn consumer_partition(p: PartitionReport) -> ConsumerPartition {
    let commits = p.window.commits();
    let missing = match commits.len() {
        0 => 0, // Nothing was committed ever: no window either.
        known => INTERVALS - known,
    };
    let missing = std::iter::repeat_n(None, missing);
    let known = commits.map(|c| Some(OffsetReport::from(c)));
    ConsumerPartition {
        offsets: missing.chain(known).collect(),
        owner: p.owner,
        client_id: p.client_id,
        current_lag: p.current_lag,
    }
}

/// The partitions that are not OK.
async fn status(
    State(history): Known,
    uri: Uri,
    Path((cluster, group)): Path<(String, String)>,
) -> Response {
    let asked = Asked::of(&history, &uri);
    let mut report = asked.report(&cluster, &group);
    if let Some(report) = &mut report {
        report.partitions.retain(|p| p.status > Status::Ok);
    }
    status_returned(asked, &cluster, &group, report)
}

/// All partitions.
async fn lag(
    State(history): Known,
    uri: Uri,
    Path((cluster, group)): Path<(String, String)>,
) -> Response {
    let asked = Asked::of(&history, &uri);
    let report = asked.report(&cluster, &group);
    status_returned(asked, &cluster, &group, report)
}

fn status_returned(
    asked: Asked<'_>,
    cluster: &str,
    group: &str,
    report: Option<GroupReport>,
) -> Response {
    let code = match report {
        Some(_) => StatusCode::OK,
        None => StatusCode::NOT_FOUND,
    };
    let status = report.unwrap_or_else(|| GroupReport::not_found(cluster, group));
    asked.answer(code, "consumer status returned", GroupStatus { status })
}
