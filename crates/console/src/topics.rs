//! `/c/{cluster}/topics`: every topic, filtered, sorted and cut into pages on the server.

use std::cmp::Ordering;

use askama::Template;
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{Chrome, Resource, Section};
use crate::app::{App, Look};
use crate::listing::{Column, Listing, Query, Table};
use crate::overview::readers;
use crate::rows::TopicRow;
use crate::show as filters;

const COLUMNS: &[Column] = &[
    Column::text("name", "topic"),
    Column::number("partitions", "partitions"),
    Column::number("records", "records in"),
    Column::number("in", "bytes in"),
    Column::number("out", "bytes out"),
    Column::number("size", "on disk"),
    Column::number("offsets", "offsets held"),
    Column::number("groups", "groups"),
];

/// A page of topics.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Topics {
    taken_at_ms: i64,
    #[serde(flatten)]
    table: Table,
    topics: Vec<TopicRow>,
}

impl Topics {
    pub(crate) fn new(app: &App, look: &Look, query: &Query) -> Self {
        let mut listing = Listing::new(query, COLUMNS);
        let readers = readers(&look.snapshot);
        let wanted = look.snapshot.topics.iter();
        let wanted = wanted.filter(|t| listing.wants(&t.name));
        let mut rows: Vec<TopicRow> = wanted
            .map(|topic| {
                let groups = readers.get(topic.name.as_str()).copied().unwrap_or(0);
                TopicRow::new(topic, groups, look, &app.links)
            })
            .collect();
        rows.sort_by(|a, b| {
            let order = compare(a, b, listing.sort);
            let order = if listing.descending {
                order.reverse()
            } else {
                order
            };
            order.then_with(|| a.name.cmp(&b.name))
        });
        let (mut topics, total) = listing.cut(rows);
        for row in &mut topics {
            row.draw(app);
        }
        let table = Table::new(
            (query, &listing),
            COLUMNS,
            (total, look.snapshot.topics.len()),
        );
        Self {
            taken_at_ms: look.snapshot.taken_at_ms,
            table,
            topics,
        }
    }
}

fn compare(a: &TopicRow, b: &TopicRow, column: &str) -> Ordering {
    let rate = |of: Option<f64>| of.unwrap_or(0.0);
    match column {
        "partitions" => a.partitions.cmp(&b.partitions),
        "records" => rate(a.rates.records_in).total_cmp(&rate(b.rates.records_in)),
        "in" => rate(a.rates.bytes_in).total_cmp(&rate(b.rates.bytes_in)),
        "out" => rate(a.rates.bytes_out).total_cmp(&rate(b.rates.bytes_out)),
        "size" => a.size_bytes.cmp(&b.size_bytes),
        "offsets" => a.offset_span.cmp(&b.offset_span),
        "groups" => a.groups.cmp(&b.groups),
        _ => a.name.cmp(&b.name),
    }
}

#[derive(Template)]
#[template(path = "topics.html")]
struct Page<'a> {
    chrome: Chrome,
    page: &'a Topics,
}

impl Resource for Topics {
    fn html(&self, mut chrome: Chrome) -> askama::Result<String> {
        chrome.title = "Topics".to_owned();
        chrome.section = Section::Topics;
        chrome.stream = Some(chrome.links.stream("topics", &self.table.query));
        Page { chrome, page: self }.render()
    }
}
