//! `/c/{cluster}/groups/{group}`: how far behind it is, and why.

mod why;

use std::sync::Arc;

use askama::Template;
use limpid_cluster::events::Event;
use limpid_cluster::findings::{self, Found};
use limpid_cluster::verdict::{self, Severity};
use limpid_cluster::{
    Group, GroupActivity, GroupKind, GroupPartition, GroupState, GroupStatus, Member, Overtaken,
    words,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{Chrome, Resource, Section};
use crate::app::{App, Look};
use crate::graph::Graph;
use crate::listing::{Column, Listing, Pager, Query};
use crate::rows::whole;
use crate::show as filters;
use crate::trends::{LagTrend, STEP_SECONDS};

/// A group.
#[derive(Serialize, JsonSchema)]
pub(crate) struct GroupPage {
    pub(crate) id: String,
    pub(crate) taken_at_ms: i64,
    pub(crate) kind: GroupKind,
    pub(crate) state: GroupState,
    pub(crate) state_seconds: f64,
    pub(crate) status: GroupStatus,
    pub(crate) severity: Severity,
    pub(crate) word: &'static str,
    /// The whole in a sentence.
    pub(crate) summary: String,
    /// Why it is as it is, the gravest first.
    pub(crate) causes: Vec<Cause>,
    pub(crate) protocol_type: String,
    pub(crate) protocol: Option<String>,
    pub(crate) coordinator: i32,
    pub(crate) generation: i32,
    pub(crate) offsets_expire_at_ms: Option<i64>,
    /// Absent when no partition has a commit.
    pub(crate) lag_records: Option<u64>,
    pub(crate) lag_seconds: Option<f64>,
    pub(crate) event_lag_seconds: Option<f64>,
    /// When it has read all; absent when that is not to be seen.
    pub(crate) eta_seconds: Option<f64>,
    pub(crate) read_per_second: Option<f64>,
    pub(crate) written_per_second: Option<f64>,
    /// Topics whose retention comes nearer than the group gets away.
    pub(crate) retention_overtakes: Vec<Overtaken>,
    pub(crate) uncommitted_partitions: usize,
    pub(crate) last_commit_ms: Option<i64>,
    pub(crate) members: Vec<MemberRow>,
    pub(crate) activity: GroupActivity,
    pub(crate) partition_count: usize,
    pub(crate) page: usize,
    pub(crate) pages: usize,
    /// Those furthest behind first.
    pub(crate) partitions: Vec<PartitionRow>,
    /// What happened to it lately, newest first.
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) trend_step_seconds: u64,
    pub(crate) trends: LagTrend,
    #[serde(skip)]
    pager: Pager,
    #[serde(skip)]
    query: String,
}

/// A finding, with where to look.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GroupCause")]
pub(crate) struct Cause {
    #[serde(flatten)]
    pub(crate) found: Found,
    /// The page that shows it.
    pub(crate) href: Option<String>,
}

/// A member and what it has to do.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MemberRow {
    #[serde(flatten)]
    pub(crate) member: Member,
    pub(crate) partitions: usize,
    /// Absent when none of its partitions has a commit.
    pub(crate) lag_records: Option<u64>,
    #[serde(skip)]
    pub(crate) assigned: String,
}

/// A partition and how far the group got in it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GroupPartitionRow")]
pub(crate) struct PartitionRow {
    pub(crate) topic: String,
    #[serde(flatten)]
    pub(crate) partition: GroupPartition,
    /// Client id of its owner.
    pub(crate) client_id: Option<String>,
    #[serde(skip)]
    topic_href: String,
    #[serde(skip)]
    pub(crate) committed_seconds: Option<f64>,
}

impl PartitionRow {
    fn records(&self) -> Option<u64> {
        self.partition.lag.map(|lag| lag.records)
    }

    fn seconds(&self) -> Option<f64> {
        self.partition.lag.and_then(|lag| lag.seconds)
    }

    fn event_seconds(&self) -> Option<f64> {
        self.partition.lag.and_then(|lag| lag.event_seconds)
    }

    fn committed(&self) -> Option<i64> {
        self.partition.committed.as_ref().map(|c| c.offset)
    }
}

impl GroupPage {
    /// `None` when there is no such group.
    pub(crate) fn new(app: &App, look: &Look, id: &str, query: &Query) -> Option<Self> {
        let group = look.snapshot.group(id)?;
        let now_ms = look.snapshot.taken_at_ms;
        let trends = app.trends.group(id);
        let known = group.partitions().any(|(_, p)| p.lag.is_some());
        let mut listing = Listing::new(query, &[Column::number("worst", "status")]);
        let (partitions, total) = listing.cut(partitions(app, group, now_ms));
        let pager = Pager::new(query, &listing, total);
        Some(Self {
            id: group.id.clone(),
            taken_at_ms: now_ms,
            kind: group.kind,
            state: group.state,
            state_seconds: (now_ms - group.state_since_ms).max(0) as f64 / 1000.0,
            status: group.status,
            severity: verdict::group_severity(group),
            word: verdict::group_word(group),
            summary: verdict::group_summary(group, now_ms),
            causes: causes(app, group, now_ms),
            protocol_type: group.protocol_type.clone(),
            protocol: group.protocol.clone(),
            coordinator: group.coordinator,
            generation: group.generation,
            offsets_expire_at_ms: group.offsets_expire_at_ms,
            lag_records: known.then(|| group.lag_records()),
            lag_seconds: group.lag_seconds(),
            event_lag_seconds: group.event_lag_seconds(),
            eta_seconds: group.lately.eta_seconds,
            read_per_second: group.lately.read_per_second,
            written_per_second: group.lately.written_per_second,
            retention_overtakes: group.lately.overtaken.clone(),
            uncommitted_partitions: group.uncommitted_partitions(),
            last_commit_ms: group.last_commit_ms(),
            members: group.members.iter().map(|m| member(group, m)).collect(),
            activity: group.activity.clone(),
            partition_count: total,
            events: app.source.group_events(id),
            page: pager.page,
            pages: pager.pages,
            partitions,
            trend_step_seconds: STEP_SECONDS,
            trends,
            pager,
            query: query.without(&["format", "id"]),
        })
    }

    fn graphs(&self) -> [Graph; 2] {
        let records = self.lag_records.map(|n| n as f64);
        let (of_records, of_seconds) = (&self.trends.lag_records, &self.trends.lag_seconds);
        [
            Graph::new("Records behind", of_records, records, whole),
            Graph::new("Oldest waits", of_seconds, self.lag_seconds, words::seconds),
        ]
    }

    /// How long ago a time was.
    pub(crate) fn ago(&self, at_ms: &i64) -> f64 {
        (self.taken_at_ms - at_ms).max(0) as f64 / 1000.0
    }

    /// How long until a time.
    pub(crate) fn until(&self, at_ms: &i64) -> f64 {
        (at_ms - self.taken_at_ms).max(0) as f64 / 1000.0
    }

    /// The topic that is overtaken first.
    pub(crate) fn first_overtaken(&self) -> Option<&Overtaken> {
        let all = self.retention_overtakes.iter();
        all.min_by(|a, b| a.seconds.total_cmp(&b.seconds))
    }

    pub(crate) fn last_commit_seconds(&self) -> Option<f64> {
        self.last_commit_ms.map(|at| self.ago(&at))
    }
}

fn causes(app: &App, group: &Group, now_ms: i64) -> Vec<Cause> {
    let found = findings::explain(group, now_ms).into_iter();
    let linked = found.map(|found| Cause {
        href: found.place.as_ref().map(|place| app.links.place(place)),
        found,
    });
    linked.collect()
}

fn member(group: &Group, member: &Member) -> MemberRow {
    let own = group.partitions();
    let own = own.filter(|(_, p)| p.owner.as_deref() == Some(member.id.as_str()));
    let assigned = member.assignment.iter().filter(|(_, p)| !p.is_empty());
    let assigned = assigned.map(|(topic, partitions)| format!("{topic} {}", ranges(partitions)));
    MemberRow {
        partitions: member.assignment.iter().map(|(_, p)| p.len()).sum(),
        lag_records: own
            .filter_map(|(_, p)| p.lag)
            .map(|lag| lag.records)
            .reduce(|sum, records| sum + records),
        assigned: assigned.collect::<Vec<_>>().join(", "),
        member: member.clone(),
    }
}

/// `0–3, 5`: ascending numbers in short.
fn ranges(numbers: &[i32]) -> String {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    let mut runs: Vec<(i32, i32)> = Vec::new();
    for n in numbers {
        match runs.last_mut() {
            Some((_, last)) if i64::from(*last) + 1 == i64::from(n) => *last = n,
            _ => runs.push((n, n)),
        }
    }
    let written = runs.iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}–{last}"),
    });
    written.collect::<Vec<_>>().join(", ")
}

/// Those furthest behind first; what was never committed comes before what is up to date.
fn partitions(app: &App, group: &Group, now_ms: i64) -> Vec<PartitionRow> {
    let client = |owner: &str| {
        let found = group.members.iter().find(|m| m.id == owner);
        found.map_or_else(|| owner.to_owned(), |m| m.client_id.clone())
    };
    let row = |(topic, partition): (&str, &GroupPartition)| PartitionRow {
        topic: topic.to_owned(),
        client_id: partition.owner.as_deref().map(client),
        topic_href: app.links.topic(topic),
        committed_seconds: partition
            .committed
            .as_ref()
            .map(|c| (now_ms - c.at_ms).max(0) as f64 / 1000.0),
        partition: partition.clone(),
    };
    let mut rows: Vec<PartitionRow> = group.partitions().map(row).collect();
    rows.sort_by(|a, b| {
        let key = |row: &PartitionRow| (row.records(), row.committed().is_none());
        let ((a_lag, a_none), (b_lag, b_none)) = (key(a), key(b));
        let lag = b_lag.unwrap_or(0).cmp(&a_lag.unwrap_or(0));
        lag.then(b_none.cmp(&a_none))
            .then_with(|| a.topic.cmp(&b.topic))
            .then(a.partition.partition.cmp(&b.partition.partition))
    });
    rows
}

#[derive(Template)]
#[template(path = "group.html")]
struct Page<'a> {
    chrome: Chrome,
    page: &'a GroupPage,
}

impl Resource for GroupPage {
    fn html(&self, mut chrome: Chrome) -> askama::Result<String> {
        chrome.title.clone_from(&self.id);
        chrome.section = Section::Groups;
        let id = crate::links::encoded(&self.id);
        let query = format!("id={id}&{}", self.query);
        chrome.stream = Some(chrome.links.stream("group", query.trim_end_matches('&')));
        Page { chrome, page: self }.render()
    }

    fn text(&self) -> Option<String> {
        Some(why::why(self))
    }

    fn severity(&self) -> Severity {
        self.severity
    }
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn partitions_in_short() {
        assert_eq!(ranges(&[]), "");
        assert_eq!(ranges(&[5, 0, 1, 2, 3]), "0–3, 5");
        assert_eq!(ranges(&[7, 8]), "7, 8");
        assert_eq!(ranges(&[i32::MAX]), "2147483647");
    }
}
