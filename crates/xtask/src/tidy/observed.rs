//! Dashboards and alert rules: they name only metrics that exist, hide nothing behind
//! `or vector()`, and every alert has a page in the runbook and a test both ways.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Families that are declared, and those that rules make of MBeans.
const CATALOGUES: [&str; 2] = ["docs/METRICS.md", "docs/dialects.md"];
const RUNBOOK: &str = "alerts/RUNBOOK.md";
/// Where the tests of the rules are.
const TESTS: &str = "alerts/tests";
/// What our metric names begin with.
const PREFIXES: [&str; 3] = ["limpid_", "kafka_", "process_"];

/// Everything found in `dashboards/` and `alerts/`.
pub fn check(root: &Path, tracked: &[PathBuf]) -> Result<Vec<String>> {
    let read = |path: &Path| {
        std::fs::read_to_string(root.join(path)).with_context(|| path.display().to_string())
    };
    let [declared, ruled] = CATALOGUES.map(|path| read(Path::new(path)));
    let (declared, ruled) = (declared?, ruled?);
    let mut known = catalogue(&declared);
    known.extend(catalogue(&ruled));
    let runbook = read(Path::new(RUNBOOK))?;
    let headings = headings(&runbook);
    let of_rules = tracked.iter().filter(|path| path.starts_with(TESTS));
    let tests = of_rules
        .map(|path| read(path))
        .collect::<Result<String>>()?;
    let mut findings = Vec::new();
    for path in tracked {
        let name = path.display();
        let is_rules = path.starts_with("alerts") && path.to_string_lossy().ends_with(".rules.yml");
        let is_dashboard =
            path.starts_with("dashboards") && path.extension().is_some_and(|e| e == "json");
        if !is_rules && !is_dashboard {
            continue;
        }
        let text = read(path)?;
        if text.replace(' ', "").contains("orvector(") {
            findings.push(format!(
                "{name}: `or vector()` hides a metric that is gone; compare with `bool` instead"
            ));
        }
        for metric in names(&text) {
            if !exists(metric, &known) {
                findings.push(format!("{name}: {metric} is in neither of {CATALOGUES:?}"));
            }
        }
        if is_rules {
            findings.extend(untested(&text, &tests, path));
            findings.extend(unexplained(&text, &headings, path));
        }
    }
    Ok(findings)
}

/// Families of the catalogue with their types.
fn catalogue(text: &str) -> BTreeMap<&str, &str> {
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        Some((cells.next()?.strip_suffix('`')?, cells.next()?))
    });
    rows.collect()
}

/// Words that look like names of our metrics.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
    let looks = |word: &&str| PREFIXES.iter().any(|prefix| word.starts_with(prefix));
    words.filter(looks).collect()
}

fn exists(metric: &str, known: &BTreeMap<&str, &str>) -> bool {
    let of_histogram = ["_bucket", "_sum", "_count"]
        .iter()
        .filter_map(|suffix| metric.strip_suffix(suffix))
        .any(|family| known.get(family) == Some(&"histogram"));
    known.contains_key(metric) || of_histogram
}

/// The runbook's headings.
fn headings(text: &str) -> BTreeSet<&str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect()
}

/// Names of alerts, each with the text of its rule.
fn alerts(rules: &str) -> impl Iterator<Item = (&str, &str)> {
    let after = rules.split("- alert: ").skip(1);
    after.filter_map(|text| text.split_once('\n'))
}

/// Alerts without a test that fires and one that does not.
fn untested(rules: &str, tests: &str, path: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    for (alert, _) in alerts(rules) {
        let marker = format!("alertname: {alert}\n");
        let cases: Vec<&str> = tests.split(&marker).skip(1).collect();
        let silent = |case: &&str| case.trim_start().starts_with("exp_alerts: []");
        // The one that always fires can't be silent.
        let always = rules.contains(&format!("- alert: {alert}\n        expr: vector(1)\n"));
        if !always && !cases.iter().any(silent) || cases.iter().all(silent) {
            findings.push(format!(
                "{}: {alert} needs a test in {TESTS} that fires and one that stays silent",
                path.display()
            ));
        }
    }
    findings
}

/// Alerts without a page, pages without an alert, and alerts that don't say where their page is, how
/// grave it is, or how much.
fn unexplained(rules: &str, headings: &BTreeSet<&str>, path: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    let mut left = headings.clone();
    for (alert, text) in alerts(rules) {
        if !left.remove(alert) {
            findings.push(format!(
                "{RUNBOOK}: no heading for {alert}, or two alerts of that name"
            ));
        }
        let page = format!("/runbook/{alert}\n");
        for part in ["severity: ", "summary: ", "description: ", "$value", &page] {
            if !text.contains(part) {
                let part = part.trim();
                findings.push(format!("{}: {alert} has no {part}", path.display()));
            }
        }
    }
    findings.extend(
        left.iter()
            .map(|heading| format!("{RUNBOOK}: no alert is named {heading}")),
    );
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_looked_up() {
        let known = catalogue(
            "| name | type |\n| `limpid_a_total` | counter | |\n| `limpid_s` | histogram | |\n",
        );
        let found =
            names("sum(rate(limpid_s_bucket{api=\"kafka\"}[5m])) / limpid_b + limpid_a_total");
        let missing: Vec<_> = found
            .into_iter()
            .filter(|name| !exists(name, &known))
            .collect();
        assert_eq!(missing, ["limpid_b"]);
    }

    #[test]
    fn an_alert_needs_a_test_of_both_outcomes() {
        let rules = "- alert: One\n- alert: Two\n- alert: Ever\n        expr: vector(1)\n";
        let tests = "alertname: One\n  exp_alerts: []\nalertname: One\n  exp_alerts:\n  - x\n\
                     alertname: Ever\n  exp_alerts:\n  - x\n";
        let found = untested(rules, tests, Path::new("r.yml"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("Two"), "{found:?}");
    }

    #[test]
    fn an_alert_needs_a_page_and_a_page_an_alert() {
        let headings = headings("# Book\n## One\n## Gone\n");
        let whole = "- alert: One\n severity: page\n summary: s\n description: {{ $value }}\n \
                     runbook_url: http://localhost:8080/runbook/One\n";
        let found = unexplained(whole, &headings, Path::new("r.yml"));
        assert_eq!(found, ["alerts/RUNBOOK.md: no alert is named Gone"]);
        let bare = format!("{whole}- alert: Two\n summary: s\n");
        let found = unexplained(&bare, &headings, Path::new("r.yml"));
        // No heading, severity, description, value, address; and the heading without an alert.
        assert_eq!(found.len(), 6, "{found:?}");
    }
}
