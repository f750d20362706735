//! The expressions of our dashboard and our alert rules, and the selectors in them.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use limpid_interop::tools::helpers;
use serde_json::Value;

const DASHBOARD: &str = "../../dashboards/limpid-overview.json";
/// The alert rules.
pub const RULES: &str = "../../alerts/limpid.rules.yml";
const PREFIXES: [&str; 3] = ["limpid_", "kafka_", "process_"];

/// One target of a panel, with Grafana's variables filled in.
#[derive(Debug)]
pub struct Panel {
    /// The panel's title.
    pub title: String,
    /// The PromQL.
    pub expression: String,
}

/// All targets of all panels; `topic` and `group` as the dashboard's variables.
///
/// # Errors
/// When the dashboard can't be read or has no panel.
pub fn panels(topic: &str, group: &str) -> Result<Vec<Panel>> {
    let text = std::fs::read_to_string(helpers().join(DASHBOARD))?;
    let dashboard: Value = serde_json::from_str(&text)?;
    let mut panels = Vec::new();
    for panel in dashboard["panels"].as_array().context("no panels")? {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().context("no expression")?;
            panels.push(Panel {
                title: panel["title"].as_str().unwrap_or_default().to_owned(),
                expression: expression
                    .replace("$__rate_interval", "30s")
                    .replace("$instance", ".*")
                    .replace("$topic", topic)
                    .replace("$group", group)
                    .replace("$api", "Produce"),
            });
        }
    }
    anyhow::ensure!(panels.len() > 20, "only {} panels", panels.len());
    Ok(panels)
}

/// The text of the alert rules, without the comments.
///
/// # Errors
/// When it can't be read.
pub fn rules() -> Result<String> {
    let text = std::fs::read_to_string(helpers().join(RULES))?;
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    Ok(lines.map(|line| format!("{line}\n")).collect())
}

/// The metric selectors of an expression or of a whole rule file: names with their matchers.
pub fn selectors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        rest = &rest[start..];
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        rest = after;
        if !PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let matchers = match after
            .strip_prefix('{')
            .and_then(|open| open.split_once('}'))
        {
            Some((matchers, _)) => format!("{{{matchers}}}"),
            None => String::new(),
        };
        found.insert(format!("{name}{matchers}"));
    }
    found
}
