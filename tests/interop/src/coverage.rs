//! Which versions of which APIs the tests made Limpid answer, by its own counters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Result, ensure};
use parking_lot::Mutex;

use crate::http;

/// Requests by API and version.
pub type Answered = BTreeMap<(String, u16), u64>;

const FAMILY: &str = "limpid_requests_by_version_total{";

/// Of brokers that tests stopped since somebody took it: brokers are stopped in many places, and
/// only this one wants to know.
static STOPPED: Mutex<Answered> = Mutex::new(Answered::new());

/// What a running broker has answered since it started.
///
/// # Errors
/// When it gives no metrics.
pub fn of(http_address: &str) -> Result<Answered> {
    let text = http::get(http_address, "/metrics")?;
    let lines = text.lines().filter_map(|line| line.strip_prefix(FAMILY));
    Ok(lines.filter_map(parse).collect())
}

/// `api="Fetch",version="12"} 7`
fn parse(line: &str) -> Option<((String, u16), u64)> {
    let (labels, value) = line.split_once("} ")?;
    let (api, version) = labels.split_once(',')?;
    let api = api.strip_prefix("api=\"")?.strip_suffix('"')?;
    let version = version.strip_prefix("version=\"")?.strip_suffix('"')?;
    let count = value.parse::<f64>().ok()? as u64;
    Some(((api.to_owned(), version.parse().ok()?), count))
}

/// Notes what a broker has answered that is about to be stopped. One that doesn't tell any more
/// tells nothing.
pub fn note(http_address: &str) {
    for (key, count) in of(http_address).unwrap_or_default() {
        *STOPPED.lock().entry(key).or_default() += count;
    }
}

/// Which suite has exercised what.
#[derive(Debug, Default)]
pub struct Coverage {
    /// Of the shared broker, when the last test ended.
    before: Answered,
    suites: BTreeMap<(String, u16), BTreeSet<String>>,
}

impl Coverage {
    /// Adds what was answered during one test of a suite; `now` is what the shared broker, if it
    /// runs, has answered since its start.
    pub fn add(&mut self, suite: &str, now: Answered) {
        let mut during = std::mem::take(&mut *STOPPED.lock());
        for (key, count) in &now {
            *during.entry(key.clone()).or_default() += count;
        }
        for (key, count) in during {
            if count > self.before.get(&key).copied().unwrap_or(0) {
                self.suites.entry(key).or_default().insert(suite.to_owned());
            }
        }
        self.before = now;
    }

    /// The table of docs/compatibility.md.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = String::from(
            "# Compatibility\n\n\
             Which suite of `tests/interop` made Limpid answer which version of which API, by the broker's\n\
             own counters (`limpid_requests_by_version_total`). `differential` compares each answer field by\n\
             field with Apache Kafka 4.3's. Made by the tests: `LIMPID_BLESS=1 cargo test -p limpid-interop\n\
             --test interop`.\n\n\
             | API | version | exercised by |\n|---|---|---|\n",
        );
        for ((api, version), suites) in &self.suites {
            let suites: Vec<&str> = suites.iter().map(String::as_str).collect();
            let suites = suites.join(", ");
            // Writing to a string can't fail.
            writeln!(page, "| {api} | {version} | {suites} |").ok();
        }
        page
    }

    /// Whether the page has everything that was exercised now.
    ///
    /// # Errors
    /// With what it lacks.
    pub fn check(&self, page: &str) -> Result<()> {
        let row = |key: &&(String, u16)| !page.contains(&format!("| {} | {} | ", key.0, key.1));
        let missing: Vec<_> = self.suites.keys().filter(row).collect();
        ensure!(
            missing.is_empty(),
            "docs/compatibility.md lacks {missing:?}: make it anew with LIMPID_BLESS=1"
        );
        Ok(())
    }
}
