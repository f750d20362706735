//! `/c/{cluster}/clients/{id}`: what the broker sees of a client, beside what it tells of itself.

use std::collections::BTreeMap;

use askama::Template;
use limpid_cluster::{Client, Pushed};
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{Chrome, Resource, Section};
use crate::app::{App, Look};
use crate::show as filters;

/// Numbers of its own that are shown; the rest is on `/metrics`.
const PUSHED_MAX: usize = 500;
/// What KIP-714 calls them.
const BUFFER_TOTAL: &str = "org.apache.kafka.producer.buffer.total.bytes";
const BUFFER_AVAILABLE: &str = "org.apache.kafka.producer.buffer.available.bytes";
const BUFFER_WAIT: &str = "org.apache.kafka.producer.bufferpool.wait.ratio";
/// From here on a producer's buffer is said to be short.
const USED_HIGH: f64 = 0.9;
const WAIT_HIGH: f64 = 0.1;

/// A client.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ClientPage {
    client_id: String,
    taken_at_ms: i64,
    /// One for each listener and principal.
    seen: Vec<Client>,
    /// One for each producer that tells of it.
    buffers: Vec<Buffer>,
    /// What it tells of itself.
    pushed: Vec<Pushed>,
    pushed_left_out: usize,
}

/// The buffer of a producer, as it tells.
#[derive(Serialize, Default, Debug, PartialEq, JsonSchema)]
struct Buffer {
    instance: String,
    host: String,
    total_bytes: Option<f64>,
    available_bytes: Option<f64>,
    /// Part of it that is taken, 0 to 1.
    used: Option<f64>,
    /// Part of the time that its callers wait for room.
    wait: Option<f64>,
}

impl Buffer {
    /// Whether there is too little of it.
    fn is_short(&self) -> bool {
        self.used.is_some_and(|used| used > USED_HIGH)
            || self.wait.is_some_and(|wait| wait > WAIT_HIGH)
    }
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
        let buffers = buffers(&pushed);
        let pushed_left_out = pushed.len().saturating_sub(PUSHED_MAX);
        pushed.truncate(PUSHED_MAX);
        Some(Self {
            client_id: id.to_owned(),
            taken_at_ms: look.snapshot.taken_at_ms,
            seen,
            buffers,
            pushed,
            pushed_left_out,
        })
    }
}

/// By instance: a client id may stand for several.
fn buffers(pushed: &[Pushed]) -> Vec<Buffer> {
    let mut found: BTreeMap<&str, Buffer> = BTreeMap::new();
    for number in pushed {
        let field: fn(&mut Buffer) -> &mut Option<f64> = match number.metric.as_str() {
            BUFFER_TOTAL => |buffer| &mut buffer.total_bytes,
            BUFFER_AVAILABLE => |buffer| &mut buffer.available_bytes,
            BUFFER_WAIT => |buffer| &mut buffer.wait,
            _ => continue,
        };
        let buffer = found.entry(&number.instance).or_default();
        buffer.instance.clone_from(&number.instance);
        buffer.host.clone_from(&number.host);
        *field(buffer) = Some(number.value);
    }
    let mut buffers: Vec<Buffer> = found.into_values().collect();
    for buffer in &mut buffers {
        buffer.used = match (buffer.total_bytes, buffer.available_bytes) {
            (Some(total), Some(free)) if total > 0.0 => Some((1.0 - free / total).clamp(0.0, 1.0)),
            _ => None,
        };
    }
    buffers
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

#[cfg(test)]
mod tests {
    use limpid_cluster::Pushed;

    use super::{BUFFER_AVAILABLE, BUFFER_TOTAL, BUFFER_WAIT, buffers};

    fn number(instance: &str, metric: &str, value: f64) -> Pushed {
        Pushed {
            instance: instance.to_owned(),
            software: "apache-kafka-java 4.3.0".to_owned(),
            host: "10.0.0.7".to_owned(),
            metric: metric.to_owned(),
            about: String::new(),
            value,
        }
    }

    #[test]
    fn a_buffer_is_as_full_as_its_producer_tells() {
        let pushed = [
            number("a", BUFFER_TOTAL, 1_000.0),
            number("a", BUFFER_AVAILABLE, 50.0),
            number("b", BUFFER_TOTAL, 0.0),
            number("b", BUFFER_AVAILABLE, 0.0),
            number("c", BUFFER_WAIT, 0.25),
            number("c", "org.apache.kafka.producer.record.size.avg", 7.0),
            number("d", "org.apache.kafka.consumer.poll.idle.ratio.avg", 0.5),
        ];
        let found = buffers(&pushed);
        let told: Vec<_> = found
            .iter()
            .map(|b| {
                (
                    b.instance.as_str(),
                    b.used.map(|u| (u * 100.0).round()),
                    b.is_short(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("a", Some(95.0), true),
                ("b", None, false),
                ("c", None, true)
            ]
        );
    }
}
