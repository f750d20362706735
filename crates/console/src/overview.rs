//! `/c/{cluster}/`: the state of the cluster on one page.

mod status;

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use limpid_cluster::verdict::{self, Severity, Subject, Verdict};
use limpid_cluster::{Broker, ClusterSnapshot, LogDir, Readiness, Start, Traffic, words};
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{Chrome, Resource, Section};
use crate::app::{App, Look};
use crate::requests::ApiNumbers;
use crate::rows::{ApiRow, BufferRow, GroupRow, TopicRow};
use crate::show as filters;
use crate::spark::{self, Part};
use crate::trends::{ClusterTrend, Rates, STEP_SECONDS, Series};

/// Groups on the page; the list has all.
const GROUPS_MAX: usize = 8;
/// Topics on the page; the list has all.
const TOPICS_MAX: usize = 8;

/// Everything the page says, exactly.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Overview {
    cluster: String,
    cluster_id: String,
    taken_at_ms: i64,
    age_seconds: f64,
    readiness: Readiness,
    /// How the broker came up, if it tells.
    start: Option<Arc<Start>>,
    verdict: Verdict,
    /// Per second, over the last seconds.
    rates: Rates,
    requests_per_second: Option<f64>,
    /// Totals since the start.
    traffic: Traffic,
    connections: u64,
    partitions: usize,
    offline_partitions: usize,
    /// The gravest first.
    groups: Vec<GroupRow>,
    groups_total: usize,
    groups_lagging: usize,
    /// The busiest first.
    topics: Vec<TopicRow>,
    topics_total: usize,
    /// Over the last minute.
    requests: Vec<ApiRow>,
    buffers: Vec<BufferRow>,
    log_dirs: Vec<DirRow>,
    brokers: Vec<BrokerRow>,
    trend_step_seconds: u64,
    trends: ClusterTrend,
    #[serde(skip)]
    hrefs: Vec<Option<String>>,
    #[serde(skip)]
    browse_hint: bool,
}

/// A log directory and its picture.
#[derive(Serialize, JsonSchema)]
struct DirRow {
    #[serde(flatten)]
    dir: LogDir,
    #[serde(skip)]
    bar: String,
}

/// A broker and what it does.
#[derive(Serialize, JsonSchema)]
pub(crate) struct BrokerRow {
    #[serde(flatten)]
    broker: Broker,
    /// `broker`, with `controller` if it is that, or `fenced`.
    role: &'static str,
}

impl Overview {
    pub(crate) fn new(app: &App, look: &Look) -> Self {
        let snapshot = &look.snapshot;
        let trends = app.trends.cluster();
        let (groups, groups_lagging) = worst_groups(app, snapshot);
        let verdict = look.verdict.clone();
        let subjects = verdict.findings.iter().map(|f| &f.about);
        Self {
            cluster: app.source.name().to_owned(),
            cluster_id: snapshot.cluster_id.clone(),
            taken_at_ms: snapshot.taken_at_ms,
            age_seconds: (look.now_ms - snapshot.taken_at_ms).max(0) as f64 / 1000.0,
            readiness: look.readiness.clone(),
            start: snapshot.start.clone(),
            hrefs: subjects.map(|s: &Subject| app.links.subject(s)).collect(),
            verdict,
            rates: look.now.cluster(),
            requests_per_second: trends.requests.last(),
            traffic: snapshot.traffic,
            connections: snapshot.connections,
            partitions: snapshot.partition_count(),
            offline_partitions: snapshot.offline_partition_count(),
            groups,
            groups_total: snapshot.groups.len(),
            groups_lagging,
            topics: busiest_topics(app, look),
            topics_total: snapshot.topics.len(),
            requests: apis(app),
            buffers: look.buffers.iter().map(BufferRow::new).collect(),
            log_dirs: snapshot.log_dirs.iter().map(dir).collect(),
            brokers: brokers(snapshot),
            trend_step_seconds: STEP_SECONDS,
            trends,
            browse_hint: snapshot.topics.is_empty(),
        }
    }

    /// A chart under a number.
    fn chart(&self, series: &Series, title: &str) -> String {
        spark::line(series, title, words::per_second)
    }

    fn byte_chart(&self, series: &Series, title: &str) -> String {
        spark::line(series, title, words::bytes_per_second)
    }

    /// The highest value of a chart, as the label of its axis.
    fn peak(&self, series: &Series) -> String {
        spark::highest(series, words::per_second).unwrap_or_default()
    }

    fn byte_peak(&self, series: &Series) -> String {
        spark::highest(series, words::bytes_per_second).unwrap_or_default()
    }

    /// Where a finding leads.
    fn href(&self, n: &usize) -> Option<&str> {
        self.hrefs.get(*n).and_then(Option::as_deref)
    }
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Page<'a> {
    chrome: Chrome,
    page: &'a Overview,
}

impl Resource for Overview {
    fn html(&self, mut chrome: Chrome) -> askama::Result<String> {
        chrome.title = "Overview".to_owned();
        chrome.section = Section::Overview;
        chrome.stream = Some(chrome.links.stream("overview", ""));
        Page { chrome, page: self }.render()
    }

    fn text(&self) -> Option<String> {
        Some(status::status(self))
    }

    fn severity(&self) -> Severity {
        self.verdict.severity
    }
}

fn worst_groups(app: &App, snapshot: &ClusterSnapshot) -> (Vec<GroupRow>, usize) {
    let mut groups: Vec<_> = snapshot.groups.iter().collect();
    let lagging = groups
        .iter()
        .filter(|g| verdict::group_severity(g) > Severity::Ok)
        .count();
    groups.sort_by(|a, b| verdict::worse_first(a, b));
    let rows = groups.into_iter().take(GROUPS_MAX).map(|group| {
        let mut row = GroupRow::new(group, &app.links);
        row.draw(app);
        row
    });
    (rows.collect(), lagging)
}

fn busiest_topics(app: &App, look: &Look) -> Vec<TopicRow> {
    let readers = readers(&look.snapshot);
    let mut topics: Vec<_> = look
        .snapshot
        .topics
        .iter()
        .map(|t| (look.now.topic(t).bytes(), t.size_bytes(), Arc::clone(t)))
        .collect();
    topics.sort_by(|a, b| {
        let (by_rate, by_size) = (b.0.total_cmp(&a.0), b.1.cmp(&a.1));
        by_rate.then(by_size).then(a.2.name.cmp(&b.2.name))
    });
    let rows = topics.into_iter().take(TOPICS_MAX).map(|(_, _, topic)| {
        let groups = readers.get(topic.name.as_str()).copied().unwrap_or(0);
        let mut row = TopicRow::new(&topic, groups, look, &app.links);
        row.draw(app);
        row
    });
    rows.collect()
}

/// How many groups read each topic.
pub(crate) fn readers(snapshot: &ClusterSnapshot) -> HashMap<&str, usize> {
    let mut readers = HashMap::new();
    for topic in snapshot.groups.iter().flat_map(|g| &g.topics) {
        *readers.entry(topic.name.as_str()).or_default() += 1;
    }
    readers
}

fn apis(app: &App) -> Vec<ApiRow> {
    let Some((apis, seconds)) = app.trends.apis() else {
        return Vec::new();
    };
    let mut rows: Vec<ApiRow> = apis
        .iter()
        .filter_map(|(api, totals)| ApiNumbers::new(api, totals, seconds))
        .map(ApiRow::new)
        .collect();
    rows.sort_by(|a, b| b.numbers.per_second.total_cmp(&a.numbers.per_second));
    rows
}

fn dir(dir: &LogDir) -> DirRow {
    let used = dir.total_bytes.saturating_sub(dir.free_bytes);
    let share = used as f64 / (dir.total_bytes as f64).max(1.0);
    let title = format!(
        "{} of {} in use",
        words::bytes(used),
        words::bytes(dir.total_bytes)
    );
    DirRow {
        bar: spark::bar(
            &[Part {
                class: "used",
                share,
            }],
            None,
            &title,
        ),
        dir: dir.clone(),
    }
}

/// Every broker.
pub(crate) fn brokers(snapshot: &ClusterSnapshot) -> Vec<BrokerRow> {
    let row = |broker: &Broker| BrokerRow {
        role: match (snapshot.controller_id == Some(broker.id), broker.fenced) {
            (_, true) => "fenced",
            (true, false) => "broker, controller",
            (false, false) => "broker",
        },
        broker: broker.clone(),
    };
    snapshot.brokers.iter().map(row).collect()
}
