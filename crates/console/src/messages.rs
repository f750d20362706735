//! `/c/{cluster}/topics/{topic}/messages`: the newest records of a topic, or those from an offset.
//!
//! Whoever may see pages may not always see payloads: this route asks for a permission of its own, is
//! not part of any stream, and does not exist without a browser.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use limpid_access::{PayloadsRead, Visitor};
use limpid_cluster::{AdminError, Browse, BrowsedRecord, words};
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{self, Chrome, Resource, Section};
use crate::app::{App, Look};
use crate::listing::Query;
use crate::payload::{Payload, payload};
use crate::show as filters;
use crate::visit::by;

/// Records on a page.
const RECORDS_MAX: usize = 50;
/// Bytes of keys and values on a page.
const BYTES_MAX: usize = 1 << 20;

/// Records of a topic.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Messages {
    topic: String,
    partition: Option<i32>,
    from_offset: Option<i64>,
    records_max: usize,
    bytes_max: usize,
    records: Vec<RecordRow>,
    /// Why there are none.
    error: Option<String>,
    #[serde(skip)]
    partitions: Vec<i32>,
    #[serde(skip)]
    now_ms: i64,
    #[serde(skip)]
    older: Option<String>,
    #[serde(skip)]
    newer: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct RecordRow {
    partition: i32,
    offset: i64,
    timestamp_ms: i64,
    key: Option<Payload>,
    value: Option<Payload>,
    headers: Vec<(String, Option<Payload>)>,
    size_bytes: u64,
    cut: bool,
    #[serde(skip)]
    href: String,
}

impl RecordRow {
    fn new(record: BrowsedRecord) -> Self {
        let show = |bytes: Option<Vec<u8>>| bytes.map(|b| payload(&b));
        let headers = record.headers.into_iter();
        Self {
            partition: record.partition,
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            href: format!("?partition={}&from={}", record.partition, record.offset),
            key: show(record.key),
            value: show(record.value),
            headers: headers.map(|(name, value)| (name, show(value))).collect(),
            size_bytes: record.size_bytes,
            cut: record.cut,
        }
    }
}

impl Messages {
    fn new(
        look: &Look,
        topic: &limpid_cluster::Topic,
        what: Browse,
        found: Result<Vec<BrowsedRecord>, AdminError>,
    ) -> Self {
        let (mut records, error) = match found {
            Ok(records) => (records, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        records.truncate(RECORDS_MAX);
        let page = |from: i64| {
            let partition = what.partition.unwrap_or(0);
            format!("?partition={partition}&from={from}")
        };
        let (older, newer) = match what.partition {
            None => (None, None),
            Some(_) => {
                let lowest = records.iter().map(|r| r.offset).min();
                let highest = records.iter().map(|r| r.offset).max();
                let step = RECORDS_MAX as i64;
                (
                    lowest.filter(|n| *n > 0).map(|n| page((n - step).max(0))),
                    highest
                        .filter(|_| what.from_offset.is_some())
                        .map(|n| page(n + 1)),
                )
            }
        };
        Self {
            topic: topic.name.clone(),
            partition: what.partition,
            from_offset: what.from_offset,
            records_max: what.records_max,
            bytes_max: what.bytes_max,
            records: records.into_iter().map(RecordRow::new).collect(),
            error,
            partitions: topic.partitions.iter().map(|p| p.index).collect(),
            now_ms: look.now_ms,
            older,
            newer,
        }
    }

    /// What somebody has seen now; nothing if there was nothing.
    fn shown(&self) -> Option<PayloadsRead> {
        let first = self.records.first()?;
        let (first, count) = ((first.partition, first.offset), self.records.len());
        Some(PayloadsRead {
            topic: self.topic.clone(),
            what: format!("{count} records, the first is {}@{}", first.0, first.1),
        })
    }

    /// How long ago a time was; negative times are told as they are.
    fn ago(&self, at_ms: &i64) -> String {
        let seconds = (self.now_ms - at_ms) as f64 / 1000.0;
        if *at_ms < 0 {
            "no timestamp".to_owned()
        } else if seconds < 0.0 {
            format!("in {}", words::seconds(-seconds))
        } else {
            format!("{} ago", words::seconds(seconds))
        }
    }

    fn bytes_shown(&self) -> u64 {
        self.bytes_max as u64
    }

    fn first_offset(&self) -> String {
        self.from_offset.map_or_else(String::new, |n| n.to_string())
    }

    fn chosen(&self, partition: &i32) -> bool {
        self.partition == Some(*partition)
    }
}

#[derive(Template)]
#[template(path = "messages.html")]
struct Page<'a> {
    chrome: Chrome,
    page: &'a Messages,
}

impl Resource for Messages {
    fn html(&self, mut chrome: Chrome) -> askama::Result<String> {
        chrome.title = format!("Messages of {}", self.topic);
        chrome.section = Section::Topics;
        Page { chrome, page: self }.render()
    }
}

/// What the address asks for; an error is a sentence.
fn asked(query: &Query) -> Result<Browse, &'static str> {
    let partition = match query.filled("partition") {
        Some(text) => Some(text.parse().map_err(|_| "partition is a number")?),
        None => None,
    };
    let from_offset = match query.filled("from") {
        Some(text) => Some(
            text.parse()
                .map_err(|_| "from is an offset: a whole number")?,
        ),
        None => None,
    };
    if from_offset.is_some() && partition.is_none() {
        return Err("an offset needs a partition: offsets are counted in each one");
    }
    if from_offset.is_some_and(|n: i64| n < 0) {
        return Err("offsets begin at 0");
    }
    Ok(Browse {
        partition,
        from_offset,
        records_max: RECORDS_MAX,
        bytes_max: BYTES_MAX,
    })
}

/// The route.
pub(crate) async fn page(
    State(app): State<Arc<App>>,
    Extension(visitor): Extension<Visitor>,
    Path((_, name)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Query::parse(raw.as_deref());
    let look = app.look();
    let chrome = Chrome::new(&app, &look, &query, &visitor);
    let (Some(topic), Some(browsers)) = (look.snapshot.topic(&name), &app.browsers) else {
        let sentence = format!("There is no topic named {name}.");
        return answer::missing(chrome, &sentence, &query, &headers);
    };
    let (what, found) = match asked(&query) {
        Ok(what) => {
            let browser = browsers.browsing_for(&by(&visitor));
            (what, browser.browse(&name, what).await)
        }
        Err(sentence) => {
            let refused = AdminError::Refused(sentence.to_owned());
            (
                Browse {
                    records_max: RECORDS_MAX,
                    bytes_max: BYTES_MAX,
                    ..Browse::default()
                },
                Err(refused),
            )
        }
    };
    let status = match &found {
        Ok(_) => StatusCode::OK,
        Err(AdminError::NotFound(_)) => StatusCode::NOT_FOUND,
        Err(AdminError::Refused(_)) => StatusCode::BAD_REQUEST,
        Err(AdminError::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let messages = Messages::new(&look, topic, what, found);
    let shown = messages.shown();
    let mut answer = (status, answer::respond(&messages, chrome, &query, &headers)).into_response();
    if let Some(shown) = shown {
        answer.extensions_mut().insert(shown);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_address_asks_for() {
        let asked = |raw| asked(&Query::parse(Some(raw)));
        assert_eq!(asked("partition=&from=").expect("all").partition, None);
        let one = asked("partition=3&from=17").expect("one partition");
        assert_eq!((one.partition, one.from_offset), (Some(3), Some(17)));
        for wrong in [
            "partition=x",
            "from=5",
            "partition=0&from=-1",
            "partition=0&from=1e9",
        ] {
            assert!(asked(wrong).is_err(), "{wrong}");
        }
    }
}
