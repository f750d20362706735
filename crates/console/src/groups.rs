//! `/c/{cluster}/groups`: every group, the gravest first.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use askama::Template;
use limpid_cluster::{findings, verdict};
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{Chrome, Resource, Section};
use crate::app::{App, Look};
use crate::listing::{Column, Listing, Query, Table};
use crate::rows::GroupRow;
use crate::show as filters;

const COLUMNS: &[Column] = &[
    Column {
        text: true,
        ..Column::number("worst", "status")
    },
    Column::text("name", "group"),
    Column::number("members", "members"),
    Column::number("records", "records behind"),
    Column::number("seconds", "oldest waits"),
    Column::number("event", "by its timestamp"),
    Column::number("commit", "last commit"),
];

/// A page of groups.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Groups {
    taken_at_ms: i64,
    #[serde(flatten)]
    table: Table,
    /// How many of all groups do what.
    by_status: BTreeMap<&'static str, usize>,
    groups: Vec<GroupRow>,
}

impl Groups {
    pub(crate) fn new(app: &App, look: &Look, query: &Query) -> Self {
        let mut listing = Listing::new(query, COLUMNS);
        let snapshot = &look.snapshot;
        let mut by_status = BTreeMap::new();
        for group in &snapshot.groups {
            *by_status.entry(verdict::group_word(group)).or_default() += 1;
        }
        let mut wanted: Vec<_> = snapshot.groups.iter().collect();
        wanted.retain(|g| listing.wants(&g.id));
        // The gravest first; other orders keep that among equals.
        wanted.sort_by(|a, b| verdict::worse_first(a, b));
        let rows = wanted.into_iter().map(|g| GroupRow::new(g, &app.links));
        let mut rows: Vec<GroupRow> = rows.collect();
        match listing.sort {
            "worst" if listing.descending => {}
            "worst" => rows.reverse(),
            column => rows.sort_by(|a, b| {
                let order = compare(a, b, column);
                if listing.descending {
                    order.reverse()
                } else {
                    order
                }
            }),
        }
        let (mut groups, total) = listing.cut(rows);
        for row in &mut groups {
            row.draw(app);
            let group = snapshot.group(&row.id);
            let causes = group.map(|g| findings::causes(g, snapshot.taken_at_ms));
            let first = causes.and_then(|causes| causes.into_iter().next());
            row.finding = first.map(findings::Cause::as_str);
        }
        let table = Table::new((query, &listing), COLUMNS, (total, snapshot.groups.len()));
        Self {
            taken_at_ms: snapshot.taken_at_ms,
            table,
            by_status,
            groups,
        }
    }

    /// `2 lagging, 1 stopped, 3 ok`.
    fn counts(&self) -> String {
        let counts = self.by_status.iter();
        let counts: Vec<String> = counts.map(|(word, n)| format!("{n} {word}")).collect();
        counts.join(", ")
    }

    /// How long ago a time was.
    fn ago(&self, at_ms: &Option<i64>) -> Option<f64> {
        at_ms.map(|at| (self.taken_at_ms - at).max(0) as f64 / 1000.0)
    }
}

fn compare(a: &GroupRow, b: &GroupRow, column: &str) -> Ordering {
    let seconds = |of: Option<f64>| of.unwrap_or(-1.0);
    match column {
        "members" => a.members.cmp(&b.members),
        "records" => a.lag_records.cmp(&b.lag_records),
        "seconds" => seconds(a.lag_seconds).total_cmp(&seconds(b.lag_seconds)),
        "event" => seconds(a.event_lag_seconds).total_cmp(&seconds(b.event_lag_seconds)),
        "commit" => a.last_commit_ms.cmp(&b.last_commit_ms),
        _ => a.id.cmp(&b.id),
    }
}

#[derive(Template)]
#[template(path = "groups.html")]
struct Page<'a> {
    chrome: Chrome,
    page: &'a Groups,
}

impl Resource for Groups {
    fn html(&self, mut chrome: Chrome) -> askama::Result<String> {
        chrome.title = "Groups".to_owned();
        chrome.section = Section::Groups;
        chrome.stream = Some(chrome.links.stream("groups", &self.table.query));
        Page { chrome, page: self }.render()
    }
}
