//! `/c/{cluster}/clients`: who connects, the busiest first.

use std::cmp::Ordering;

use askama::Template;
use limpid_cluster::Client;
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{Chrome, Resource, Section};
use crate::app::{App, Look};
use crate::listing::{Column, Listing, Query, Table};
use crate::show as filters;

const COLUMNS: &[Column] = &[
    Column::number("requests", "requests"),
    Column::text("name", "client id"),
    Column::number("connections", "connections"),
    Column::number("in", "bytes in"),
    Column::number("out", "bytes out"),
    Column::number("errors", "errors"),
    Column::number("throttled", "held back"),
    Column::number("time", "mean request, ms"),
];

/// A page of clients.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Clients {
    taken_at_ms: i64,
    #[serde(flatten)]
    table: Table,
    clients: Vec<ClientRow>,
}

#[derive(Serialize, JsonSchema)]
struct ClientRow {
    #[serde(flatten)]
    client: Client,
    #[serde(skip)]
    href: String,
}

impl Clients {
    pub(crate) fn new(app: &App, look: &Look, query: &Query) -> Self {
        let mut listing = Listing::new(query, COLUMNS);
        let all = &look.snapshot.clients;
        let mut wanted: Vec<&Client> = all.iter().collect();
        wanted.retain(|c| listing.wants(&c.client_id) || listing.wants(&c.principal));
        wanted.sort_by(|a, b| {
            let order = compare(a, b, listing.sort);
            match listing.descending {
                true => order.reverse(),
                false => order,
            }
        });
        let (shown, total) = listing.cut(wanted);
        let clients = shown.into_iter().map(|client| ClientRow {
            href: app.links.client(&client.client_id),
            client: client.clone(),
        });
        let clients = clients.collect();
        let table = Table::new((query, &listing), COLUMNS, (total, all.len()));
        Self {
            taken_at_ms: look.snapshot.taken_at_ms,
            table,
            clients,
        }
    }
}

fn compare(a: &Client, b: &Client, column: &str) -> Ordering {
    let numbers = |of: fn(&Client) -> f64| of(a).total_cmp(&of(b));
    match column {
        "requests" => numbers(|c| c.requests_per_second),
        "connections" => a.connections.cmp(&b.connections),
        "in" => numbers(|c| c.bytes_in_per_second),
        "out" => numbers(|c| c.bytes_out_per_second),
        "errors" => numbers(|c| c.errors_per_second),
        "throttled" => numbers(|c| c.throttled_share),
        "time" => numbers(|c| c.mean_seconds().unwrap_or(-1.0)),
        _ => a.client_id.cmp(&b.client_id),
    }
}

#[derive(Template)]
#[template(path = "clients.html")]
struct Page<'a> {
    chrome: Chrome,
    page: &'a Clients,
}

impl Resource for Clients {
    fn html(&self, mut chrome: Chrome) -> askama::Result<String> {
        chrome.title = "Clients".to_owned();
        chrome.section = Section::Clients;
        chrome.stream = Some(chrome.links.stream("clients", &self.table.query));
        Page { chrome, page: self }.render()
    }
}
