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

    /// Adds what a page says that was made before.
    pub fn add_page(&mut self, page: &str) {
        for (key, suites) in page.lines().filter_map(row) {
            let suites = suites.split(", ").map(str::to_owned);
            self.suites.entry(key).or_default().extend(suites);
        }
    }

    /// The table of docs/compatibility.md.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = String::from(
            "# Compatibility\n\n\
             Which suite of `tests/interop` made Limpid answer which version of which API, by the broker's\n\
             own counters (`limpid_requests_by_version_total`). `differential` compares each answer field by\n\
             field with Apache Kafka 4.3's. Made by the tests: `LIMPID_BLESS=1 cargo test -p limpid-interop\n\
             --test interop`; with names of tests behind that, what they exercise is added.\n\n\
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
        let rows: BTreeSet<_> = page.lines().filter_map(row).map(|(key, _)| key).collect();
        let missing: Vec<_> = self
            .suites
            .keys()
            .filter(|key| !rows.contains(key))
            .collect();
        ensure!(
            missing.is_empty(),
            "docs/compatibility.md lacks {missing:?}: make it anew with LIMPID_BLESS=1"
        );
        Ok(())
    }
}

/// `| Fetch | 12 | kcat, python |`
fn row(line: &str) -> Option<((String, u16), &str)> {
    let row = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let (api, row) = row.split_once(" | ")?;
    let (version, suites) = row.split_once(" | ")?;
    Some(((api.to_owned(), version.parse().ok()?), suites))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_added_to_and_found_wanting() {
        let one = |api: &str, version| BTreeMap::from([((api.to_owned(), version), 1)]);
        let mut first = Coverage::default();
        first.add("kcat", one("Fetch", 12));
        let page = first.page();
        let mut second = Coverage::default();
        second.add("python", one("Fetch", 12));
        second.check(&page).expect("the row is there");
        second.add("python", one("Fetch", 13));
        second.check(&page).expect_err("version 13 is new");
        second.add_page(&page);
        let page = second.page();
        assert!(page.contains("\n| Fetch | 12 | kcat, python |\n| Fetch | 13 | python |\n"));
        second.check(&page).expect("complete");
    }
}
