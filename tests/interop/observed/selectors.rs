//! The expressions of our dashboard and our alert rules, and the selectors in them.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use limpid_interop::tools::helpers;
use serde_json::Value;

const FOLDER: &str = "../../dashboards";
const OVERVIEW: &str = "limpid-overview.json";
const GRAFANA: &str = "../../alerts/grafana-provisioning.yml";
/// The alert rules.
pub const RULES: &str = "../../alerts/limpid.rules.yml";
const PREFIXES: [&str; 5] = ["limpid_", "kafka_", "process_", "limpid:", "slo:"];

/// One target of a panel, with Grafana's variables filled in.
#[derive(Debug)]
pub struct Panel {
    /// The panel's title.
    pub title: String,
    /// The PromQL.
    pub expression: String,
}

/// All targets of the overview's panels; `topic` and `group` as its variables.
///
/// # Errors
/// When the dashboard can't be read or has no panel.
pub fn panels(topic: &str, group: &str) -> Result<Vec<Panel>> {
    let panels = panels_of(&helpers().join(FOLDER).join(OVERVIEW), topic, group)?;
    anyhow::ensure!(panels.len() > 20, "only {} panels", panels.len());
    Ok(panels)
}

/// What panels, variables and annotations of all dashboards ask for, of everything.
///
/// # Errors
/// When a dashboard can't be read.
pub fn all_panels() -> Result<Vec<Panel>> {
    let mut all = Vec::new();
    for file in std::fs::read_dir(helpers().join(FOLDER))? {
        let path = file?.path();
        if path.extension().is_some_and(|ext| ext == "json") {
            all.extend(panels_of(&path, ".*", ".*")?);
            all.extend(around(&path)?);
        }
    }
    Ok(all)
}

fn panels_of(path: &Path, topic: &str, group: &str) -> Result<Vec<Panel>> {
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let mut panels = Vec::new();
    for panel in dashboard["panels"].as_array().context("no panels")? {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().context("no expression")?;
            panels.push(Panel {
                title: panel["title"].as_str().unwrap_or_default().to_owned(),
                expression: filled(expression, topic, group),
            });
        }
    }
    Ok(panels)
}

/// What variables and annotations ask for.
fn around(path: &Path) -> Result<Vec<Panel>> {
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let lists = ["annotations", "templating"].map(|key| dashboard[key]["list"].as_array());
    let asked = lists.into_iter().flatten().flatten().filter_map(|one| {
        let query = one["definition"].as_str();
        let series = query.and_then(|q| q.strip_prefix("label_values(")?.rsplit_once(','));
        let expression = one["expr"].as_str().or(series.map(|(series, _)| series))?;
        Some(Panel {
            title: one["name"].as_str().unwrap_or_default().to_owned(),
            expression: filled(expression, ".*", ".*"),
        })
    });
    Ok(asked.collect())
}

/// With something for Grafana's variables.
fn filled(expression: &str, topic: &str, group: &str) -> String {
    let mut text = expression.replace("$__rate_interval", "30s");
    let all = ["cluster", "instance", "client", "listener"].map(|name| (name, ".*"));
    for (name, value) in
        all.into_iter()
            .chain([("topic", topic), ("group", group), ("api", "Produce")])
    {
        text = text.replace(&format!("${name}"), value);
    }
    text
}

/// The expressions of the file for Grafana's own alerting.
///
/// # Errors
/// When it can't be read.
pub fn grafana_rules() -> Result<Vec<String>> {
    let text = std::fs::read_to_string(helpers().join(GRAFANA))?;
    let lines = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "));
    let rules: Vec<String> = lines.map(serde_json::from_str).collect::<Result<_, _>>()?;
    anyhow::ensure!(rules.len() > 40, "only {} rules", rules.len());
    Ok(rules)
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
