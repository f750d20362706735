//! Rows that several pages show: one struct for the page and its JSON.

use limpid_cluster::verdict::{self, BufferUse, Severity};
use limpid_cluster::{Group, GroupKind, GroupState, GroupStatus, Topic, words};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::{App, Look};
use crate::links::Links;
use crate::requests::ApiNumbers;
use crate::spark::{self, Part};
use crate::trends::Rates;

/// A group in a list.
#[derive(Serialize, JsonSchema)]
pub(crate) struct GroupRow {
    pub(crate) id: String,
    pub(crate) kind: GroupKind,
    pub(crate) state: GroupState,
    pub(crate) status: GroupStatus,
    pub(crate) severity: Severity,
    pub(crate) word: &'static str,
    pub(crate) members: usize,
    pub(crate) topics: Vec<String>,
    /// Absent when no partition has a commit.
    pub(crate) lag_records: Option<u64>,
    pub(crate) lag_seconds: Option<f64>,
    pub(crate) event_lag_seconds: Option<f64>,
    pub(crate) uncommitted_partitions: usize,
    pub(crate) last_commit_ms: Option<i64>,
    /// When it has read all; absent when that is not to be seen.
    pub(crate) eta_seconds: Option<f64>,
    /// Why it lags, in a word; looked for in the list of groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finding: Option<&'static str>,
    #[serde(skip)]
    pub(crate) href: String,
    #[serde(skip)]
    pub(crate) spark: String,
}

impl GroupRow {
    pub(crate) fn new(group: &Group, links: &Links) -> Self {
        let known = group.partitions().any(|(_, p)| p.lag.is_some());
        Self {
            id: group.id.clone(),
            kind: group.kind,
            state: group.state,
            status: group.status,
            severity: verdict::group_severity(group),
            word: verdict::group_word(group),
            members: group.members.len(),
            topics: group.topics.iter().map(|t| t.name.clone()).collect(),
            lag_records: known.then(|| group.lag_records()),
            lag_seconds: group.lag_seconds(),
            event_lag_seconds: group.event_lag_seconds(),
            uncommitted_partitions: group.uncommitted_partitions(),
            last_commit_ms: group.last_commit_ms(),
            eta_seconds: group.lately.eta_seconds,
            finding: None,
            href: links.group(&group.id),
            spark: String::new(),
        }
    }

    /// Draws the last 15 minutes; done for the rows that are shown.
    pub(crate) fn draw(&mut self, app: &App) {
        let trend = app.trends.group(&self.id).lag_records;
        self.spark = spark::line(&trend, "records behind", whole);
    }
}

/// A topic in a list.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TopicRow {
    pub(crate) name: String,
    pub(crate) internal: bool,
    pub(crate) partitions: usize,
    pub(crate) offline_partitions: usize,
    pub(crate) offset_span: u64,
    pub(crate) size_bytes: u64,
    /// Per second, over the last seconds.
    pub(crate) rates: Rates,
    /// Groups that read it.
    pub(crate) groups: usize,
    #[serde(skip)]
    pub(crate) href: String,
    #[serde(skip)]
    pub(crate) spark: String,
}

impl TopicRow {
    pub(crate) fn new(topic: &Topic, groups: usize, look: &Look, links: &Links) -> Self {
        let offline = topic.partitions.iter().filter(|p| p.leader.is_none());
        Self {
            name: topic.name.clone(),
            internal: topic.internal,
            partitions: topic.partitions.len(),
            offline_partitions: offline.count(),
            offset_span: topic.offset_span(),
            size_bytes: topic.size_bytes(),
            rates: look.now.topic(topic),
            groups,
            href: links.topic(&topic.name),
            spark: String::new(),
        }
    }

    /// Draws the last 15 minutes; done for the rows that are shown.
    pub(crate) fn draw(&mut self, app: &App) {
        let trend = app.trends.topic(&self.name).records_in;
        self.spark = spark::line(&trend, "records in", words::per_second);
    }
}

/// A buffer and its picture.
#[derive(Serialize, JsonSchema)]
pub(crate) struct BufferRow {
    #[serde(flatten)]
    pub(crate) buffer: BufferUse,
    #[serde(skip)]
    pub(crate) bar: String,
    #[serde(skip)]
    pub(crate) waits: bool,
}

impl BufferRow {
    pub(crate) fn new(buffer: &BufferUse) -> Self {
        let share = |bytes: u64| bytes as f64 / (buffer.limit_bytes as f64).max(1.0);
        let title = format!(
            "{} of {} in use, {} at most so far",
            words::bytes(buffer.used_bytes),
            words::bytes(buffer.limit_bytes),
            words::bytes(buffer.high_water_bytes)
        );
        let used = Part {
            class: "used",
            share: share(buffer.used_bytes),
        };
        Self {
            bar: spark::bar(&[used], Some(share(buffer.high_water_bytes)), &title),
            waits: buffer.waiting.is_some_and(|w| w > 0.0),
            buffer: buffer.clone(),
        }
    }
}

/// An API and its picture.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ApiRow {
    #[serde(flatten)]
    pub(crate) numbers: ApiNumbers,
    #[serde(skip)]
    pub(crate) bar: String,
}

impl ApiRow {
    pub(crate) fn new(numbers: ApiNumbers) -> Self {
        let phases = numbers.mean_seconds;
        let total = phases.total();
        let share = |seconds: f64| if total > 0.0 { seconds / total } else { 0.0 };
        let parts = phases.named().map(|(class, seconds)| Part {
            class,
            share: share(seconds),
        });
        let title: Vec<String> = phases
            .named()
            .iter()
            .map(|(name, seconds)| format!("{name} {:.0} %", share(*seconds) * 100.0))
            .collect();
        Self {
            bar: spark::bar(&parts, None, &title.join(", ")),
            numbers,
        }
    }
}

/// A rounded count, for charts.
pub(crate) fn whole(value: f64) -> String {
    words::count(value.round().max(0.0) as u64)
}
