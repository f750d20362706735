//! `/c/{cluster}/topics/{topic}`: its charts, who reads it, its partitions.

mod authors;

use std::sync::Arc;

use askama::Template;
use limpid_cluster::events::Event;
use limpid_cluster::verdict::{self, Severity};
use limpid_cluster::{Group, Partition, Topic, Traffic, words};
use schemars::JsonSchema;
use serde::Serialize;

use self::authors::Authors;
use crate::answer::{Chrome, Resource, Section};
use crate::app::{App, Look};
use crate::graph::Graph;
use crate::listing::{Column, Listing, Pager, Query};
use crate::show as filters;
use crate::trends::{Rates, STEP_SECONDS, TrafficTrend};

/// A topic.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TopicPage {
    name: String,
    id: String,
    internal: bool,
    taken_at_ms: i64,
    size_bytes: u64,
    offset_span: u64,
    partition_count: usize,
    offline_partitions: usize,
    /// Per second, over the last seconds.
    rates: Rates,
    /// Totals since the start.
    traffic: Traffic,
    /// Groups that read it, the gravest first.
    groups: Vec<Reader>,
    /// Who writes to it.
    authors: Authors,
    page: usize,
    pages: usize,
    partitions: Vec<PartitionRow>,
    /// What happened to it lately, newest first.
    events: Vec<Arc<Event>>,
    trend_step_seconds: u64,
    trends: TrafficTrend,
    #[serde(skip)]
    pager: Pager,
    #[serde(skip)]
    messages: Option<String>,
    #[serde(skip)]
    query: String,
}

/// What a group did with this topic.
#[derive(Serialize, JsonSchema)]
struct Reader {
    id: String,
    severity: Severity,
    word: &'static str,
    members: usize,
    lag_records: Option<u64>,
    lag_seconds: Option<f64>,
    #[serde(skip)]
    href: String,
}

#[derive(Serialize, JsonSchema)]
struct PartitionRow {
    #[serde(flatten)]
    partition: Partition,
    /// Records appended per second, over the last seconds.
    records_in: Option<f64>,
}

impl TopicPage {
    /// `None` when there is no such topic. Keys of records are for visitors that may read them.
    pub(crate) fn new(
        app: &App,
        look: &Look,
        (name, may_read): (&str, bool),
        query: &Query,
    ) -> Option<Self> {
        let topic = look.snapshot.topic(name)?;
        let mut listing = Listing::new(query, &[Column::number("partition", "partition")]);
        let (partitions, total) = listing.cut(topic.partitions.iter().collect());
        let partitions = partitions.into_iter().map(|p| PartitionRow {
            records_in: look.now.partition(name, p),
            partition: p.clone(),
        });
        let pager = Pager::new(query, &listing, total);
        let offline = topic.partitions.iter().filter(|p| p.leader.is_none());
        Some(Self {
            name: topic.name.clone(),
            id: topic.id.clone(),
            internal: topic.internal,
            taken_at_ms: look.snapshot.taken_at_ms,
            size_bytes: topic.size_bytes(),
            offset_span: topic.offset_span(),
            partition_count: total,
            offline_partitions: offline.count(),
            rates: look.now.topic(topic),
            traffic: topic.traffic,
            groups: readers(app, look, topic),
            authors: Authors::of(topic, may_read),
            page: pager.page,
            pages: pager.pages,
            partitions: partitions.collect(),
            events: app.source.topic_events(name),
            trend_step_seconds: STEP_SECONDS,
            trends: app.trends.topic(name),
            pager,
            messages: app.browsers.as_ref().map(|_| app.links.messages(name)),
            query: query.without(&["format", "name"]),
        })
    }

    fn graphs(&self) -> [Graph; 3] {
        let (rates, trends) = (&self.rates, &self.trends);
        let bytes = words::bytes_per_second;
        [
            Graph::new(
                "Records in",
                &trends.records_in,
                rates.records_in,
                words::per_second,
            ),
            Graph::new("Bytes in", &trends.bytes_in, rates.bytes_in, bytes),
            Graph::new("Bytes out", &trends.bytes_out, rates.bytes_out, bytes),
        ]
    }
}

fn readers(app: &App, look: &Look, topic: &Topic) -> Vec<Reader> {
    let mut readers: Vec<&Group> = look.snapshot.groups.iter().map(AsRef::as_ref).collect();
    readers.retain(|g| g.topics.iter().any(|t| t.name == topic.name));
    readers.sort_by(|a, b| verdict::worse_first(a, b));
    let reader = |group: &Group| {
        let own = group.partitions().filter(|(name, _)| *name == topic.name);
        let lags: Vec<_> = own.filter_map(|(_, p)| p.lag).collect();
        Reader {
            id: group.id.clone(),
            severity: verdict::group_severity(group),
            word: verdict::group_word(group),
            members: group.members.len(),
            lag_records: (!lags.is_empty()).then(|| lags.iter().map(|lag| lag.records).sum()),
            lag_seconds: lags.iter().filter_map(|lag| lag.seconds).reduce(f64::max),
            href: app.links.group(&group.id),
        }
    };
    readers.into_iter().map(reader).collect()
}

#[derive(Template)]
#[template(path = "topic.html")]
struct Page<'a> {
    chrome: Chrome,
    page: &'a TopicPage,
}

impl Resource for TopicPage {
    fn html(&self, mut chrome: Chrome) -> askama::Result<String> {
        chrome.title.clone_from(&self.name);
        chrome.section = Section::Topics;
        let name = crate::links::encoded(&self.name);
        let query = format!("name={name}&{}", self.query);
        chrome.stream = Some(chrome.links.stream("topic", query.trim_end_matches('&')));
        Page { chrome, page: self }.render()
    }
}
