//! `/`: the state of the cluster on one page, or as JSON with `?format=json`.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use limpid_cluster::{ClusterSnapshot, LogDir, Readiness, ReadinessState, Topic};
use limpid_telemetry::pools::Pool;
use limpid_telemetry::{LabelEnum, Stage};
use serde::Serialize;

use crate::Faces;
use crate::numbers::{self, ApiNumbers};
use crate::show;

/// Topics on the page; the JSON has all.
const TOPICS_SHOWN_MAX: usize = 500;

/// Everything the page says, exactly: what JSON readers get.
#[derive(Serialize)]
struct Facts {
    cluster: String,
    readiness: Readiness,
    snapshot: Arc<ClusterSnapshot>,
    requests: BTreeMap<String, ApiNumbers>,
    buffers: Vec<Buffer>,
}

#[derive(Serialize)]
struct Buffer {
    pool: &'static str,
    used_bytes: u64,
    limit_bytes: u64,
    high_water_bytes: u64,
    wait_seconds: f64,
}

impl From<&Arc<Pool>> for Buffer {
    fn from(pool: &Arc<Pool>) -> Self {
        Self {
            pool: pool.name(),
            used_bytes: pool.used(),
            limit_bytes: pool.limit(),
            high_water_bytes: pool.high_water(),
            wait_seconds: pool.wait_total().as_secs_f64(),
        }
    }
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    view: View,
}

/// The same in words and rounded numbers.
struct View {
    cluster: String,
    cluster_id: String,
    state: &'static str,
    reasons: Vec<String>,
    taken_at: String,
    connections: String,
    traffic: TrafficView,
    topics: Vec<TopicView>,
    topics_left_out: usize,
    stages: Vec<&'static str>,
    requests: Vec<RequestView>,
    buffers: Vec<BufferView>,
    log_dirs: Vec<LogDirView>,
    brokers: Vec<BrokerView>,
}

struct TrafficView {
    messages_in: String,
    bytes_in: String,
    bytes_out: String,
    failed_produce: String,
    failed_fetch: String,
}

struct TopicView {
    name: String,
    partitions: usize,
    offline: usize,
    offsets: String,
    size: String,
    messages_in: String,
    bytes_in: String,
    bytes_out: String,
}

struct RequestView {
    api: String,
    answered: String,
    errors: String,
    stage_means: Vec<String>,
}

struct BufferView {
    pool: &'static str,
    used: String,
    limit: String,
    high_water: String,
    waited: String,
}

struct LogDirView {
    path: String,
    state: &'static str,
    free: String,
    total: String,
    unflushed: String,
}

struct BrokerView {
    id: i32,
    address: String,
    rack: String,
    role: &'static str,
}

pub(crate) async fn page(State(faces): State<Faces>, RawQuery(query): RawQuery) -> Response {
    let facts = Facts {
        cluster: faces.source.name().to_owned(),
        readiness: faces.source.readiness(),
        snapshot: faces.source.snapshot(),
        requests: numbers::requests(&faces.registry),
        buffers: faces.registry.pools().iter().map(Buffer::from).collect(),
    };
    let wants_json = query.is_some_and(|q| q.split('&').any(|p| p == "format=json"));
    let rendered = if wants_json {
        let text = serde_json::to_string_pretty(&facts).map_err(|e| e.to_string());
        text.map(|json| ([(header::CONTENT_TYPE, "application/json")], json).into_response())
    } else {
        let page = Page {
            view: View::new(&facts),
        };
        page.render().map_err(|e| e.to_string()).map(|html| {
            let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; \
                          form-action 'none'; frame-ancestors 'none'";
            ([(header::CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
        })
    };
    rendered.unwrap_or_else(|error| {
        tracing::error!(error, "the overview could not be rendered");
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the page could not be rendered\n",
        )
            .into_response()
    })
}

impl View {
    fn new(facts: &Facts) -> Self {
        let snapshot = &facts.snapshot;
        let traffic = &snapshot.traffic;
        let topics: Vec<TopicView> = snapshot
            .topics
            .iter()
            .take(TOPICS_SHOWN_MAX)
            .map(|t| topic(t))
            .collect();
        Self {
            cluster: facts.cluster.clone(),
            cluster_id: snapshot.cluster_id.clone(),
            state: match facts.readiness.state {
                ReadinessState::Starting => "starting",
                ReadinessState::Ready => "ready",
                ReadinessState::Draining => "draining",
                ReadinessState::Failed => "failed",
            },
            reasons: facts.readiness.reasons.clone(),
            taken_at: show::time_of_day(snapshot.taken_at_ms),
            connections: show::count(snapshot.connections),
            traffic: TrafficView {
                messages_in: show::count(traffic.messages_in),
                bytes_in: show::bytes(traffic.bytes_in),
                bytes_out: show::bytes(traffic.bytes_out),
                failed_produce: show::count(traffic.failed_produce_requests),
                failed_fetch: show::count(traffic.failed_fetch_requests),
            },
            topics_left_out: snapshot.topics.len() - topics.len(),
            topics,
            stages: Stage::ALL.iter().map(|s| s.as_str()).collect(),
            requests: facts
                .requests
                .iter()
                .map(|(api, n)| request(api, n))
                .collect(),
            buffers: facts.buffers.iter().map(buffer).collect(),
            log_dirs: snapshot.log_dirs.iter().map(log_dir).collect(),
            brokers: brokers(snapshot),
        }
    }
}

fn topic(topic: &Topic) -> TopicView {
    TopicView {
        name: topic.name.clone(),
        partitions: topic.partitions.len(),
        offline: topic
            .partitions
            .iter()
            .filter(|p| p.leader.is_none())
            .count(),
        offsets: show::count(topic.offset_span()),
        size: show::bytes(topic.size_bytes()),
        messages_in: show::count(topic.traffic.messages_in),
        bytes_in: show::bytes(topic.traffic.bytes_in),
        bytes_out: show::bytes(topic.traffic.bytes_out),
    }
}

fn request(api: &str, numbers: &ApiNumbers) -> RequestView {
    RequestView {
        api: api.to_owned(),
        answered: show::count(numbers.answered),
        errors: show::count(numbers.errors),
        stage_means: numbers
            .stage_mean_seconds
            .iter()
            .map(|seconds| format!("{:.3}", seconds * 1000.0))
            .collect(),
    }
}

fn buffer(buffer: &Buffer) -> BufferView {
    BufferView {
        pool: buffer.pool,
        used: show::bytes(buffer.used_bytes),
        limit: show::bytes(buffer.limit_bytes),
        high_water: show::bytes(buffer.high_water_bytes),
        waited: show::seconds(buffer.wait_seconds),
    }
}

fn log_dir(dir: &LogDir) -> LogDirView {
    LogDirView {
        path: dir.path.clone(),
        state: if dir.online { "online" } else { "offline" },
        free: show::bytes(dir.free_bytes),
        total: show::bytes(dir.total_bytes),
        unflushed: format!(
            "{} of the last {}",
            show::bytes(dir.unflushed_bytes),
            show::seconds(dir.unflushed_seconds)
        ),
    }
}

fn brokers(snapshot: &ClusterSnapshot) -> Vec<BrokerView> {
    let view = |broker: &limpid_cluster::Broker| BrokerView {
        id: broker.id,
        address: format!("{}:{}", broker.host, broker.port),
        rack: broker.rack.clone().unwrap_or_default(),
        role: match (snapshot.controller_id == Some(broker.id), broker.fenced) {
            (_, true) => "fenced",
            (true, false) => "broker, controller",
            (false, false) => "broker",
        },
    };
    snapshot.brokers.iter().map(view).collect()
}
