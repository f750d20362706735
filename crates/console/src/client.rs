//! `/c/{cluster}/clients/{id}`: what the broker sees of a client, beside what it tells of itself.

use askama::Template;
use limpid_cluster::verdict::{self, Finding};
use limpid_cluster::{Client, ProducerBuffer, Pushed};
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{Chrome, Resource, Section};
use crate::app::{App, Look};
use crate::show as filters;

/// Numbers of its own that are shown; the rest is on `/metrics`.
const PUSHED_MAX: usize = 500;

/// A client.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ClientPage {
    client_id: String,
    taken_at_ms: i64,
    /// One for each listener and principal.
    seen: Vec<Client>,
    /// What is to be said of it, the gravest first.
    findings: Vec<Finding>,
    /// One for each producer that tells of it.
    buffers: Vec<ProducerBuffer>,
    /// What it tells of itself.
    pushed: Vec<Pushed>,
    pushed_left_out: usize,
}

impl ClientPage {
    /// `None` when no such client is known.
    pub(crate) fn new(app: &App, look: &Look, id: &str) -> Option<Self> {
        let seen = look.snapshot.clients.iter();
        let seen: Vec<Client> = seen.filter(|c| c.client_id == id).cloned().collect();
        let mut pushed = app.source.pushed(id);
        if seen.is_empty() && pushed.is_empty() {
            return None;
        }
        let buffers = ProducerBuffer::of(id, &pushed);
        let pushed_left_out = pushed.len().saturating_sub(PUSHED_MAX);
        pushed.truncate(PUSHED_MAX);
        Some(Self {
            client_id: id.to_owned(),
            taken_at_ms: look.snapshot.taken_at_ms,
            seen,
            findings: verdict::of_client(&look.snapshot, id),
            buffers,
            pushed,
            pushed_left_out,
        })
    }
}

#[derive(Template)]
#[template(path = "client.html")]
struct Page<'a> {
    chrome: Chrome,
    page: &'a ClientPage,
}

impl Resource for ClientPage {
    fn html(&self, mut chrome: Chrome) -> askama::Result<String> {
        chrome.title = match self.client_id.is_empty() {
            true => "(empty)".to_owned(),
            false => self.client_id.clone(),
        };
        chrome.section = Section::Clients;
        let id = crate::links::encoded(&self.client_id);
        chrome.stream = Some(chrome.links.stream("client", &format!("id={id}")));
        Page { chrome, page: self }.render()
    }
}
