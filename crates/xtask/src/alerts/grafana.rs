//! The alerts as Grafana provisions them from a file.
//!
//! Grafana fires where a number is not 0, Prometheus wherever there is a sample: a second step asks
//! whether there is any. What Prometheus records is put into the expressions that use it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Result, ensure};

use super::RULES;
use super::rules::{Group, Rule};

/// How often a range over what is recorded is looked at.
const STEP: &str = "5m";
/// Longest identifier that Grafana takes.
const UID_MAX: usize = 40;

/// The file.
pub fn provisioning(groups: &[Group]) -> Result<String> {
    let rules = groups.iter().flat_map(|group| &group.rules);
    let recorded = rules.filter_map(|rule| Some((rule.record.as_deref()?, rule.expr.as_str())));
    let recorded: BTreeMap<&str, &str> = recorded.collect();
    let mut out = format!(
        "# For Grafana's own alerting: put it into provisioning/alerting/. Made from {RULES} by\n\
         # `cargo xtask alerts`; do not edit. The data source is the one whose uid is `prometheus`.\n\
         # Rules that record are not here: their expressions stand where they are used.\n\
         apiVersion: 1\ngroups:\n"
    );
    for group in groups {
        let alerts = group.rules.iter().filter(|rule| rule.alert.is_some());
        let mut alerts = alerts.peekable();
        if alerts.peek().is_none() {
            continue;
        }
        let name = &group.name;
        write!(
            out,
            "  - orgId: 1\n    name: {name}\n    folder: Limpid\n    interval: 1m\n    rules:\n"
        )?;
        for rule in alerts {
            alert(&mut out, rule, &recorded)?;
        }
    }
    Ok(out)
}

fn alert(out: &mut String, rule: &Rule, recorded: &BTreeMap<&str, &str>) -> Result<()> {
    let name = rule.alert.as_deref().unwrap_or_default();
    let uid = uid(name);
    ensure!(uid.len() <= UID_MAX, "{uid} is too long for Grafana");
    let expr = quoted(&inlined(&rule.expr, recorded))?;
    write!(
        out,
        "      - uid: {uid}
        title: {name}
        condition: C
        data:
          - refId: A
            relativeTimeRange: {{from: 600, to: 0}}
            datasourceUid: prometheus
            model:
              refId: A
              instant: true
              expr: {expr}
          - refId: B
            datasourceUid: __expr__
            model:
              refId: B
              type: math
              expression: is_number($A) || is_nan($A) || is_inf($A)
          - refId: C
            datasourceUid: __expr__
            model:
              refId: C
              type: threshold
              expression: B
              conditions:
                - evaluator: {{type: gt, params: [0]}}
        noDataState: OK
        execErrState: Error
        for: {}
",
        rule.r#for.as_deref().unwrap_or("0s")
    )?;
    if let Some(keep) = &rule.keep_firing_for {
        writeln!(out, "        keepFiringFor: {keep}")?;
    }
    for (title, map) in [("labels", &rule.labels), ("annotations", &rule.annotations)] {
        writeln!(out, "        {title}:")?;
        for (key, text) in map {
            let text = text.replace("$value", "$values.A.Value");
            writeln!(out, "          {key}: {}", quoted(&text)?)?;
        }
    }
    Ok(())
}

/// A string of YAML: one of JSON is one.
fn quoted(text: &str) -> Result<String> {
    Ok(serde_json::to_string(text)?)
}

/// `LimpidConsumerLag` as `limpid-consumer-lag`.
fn uid(name: &str) -> String {
    let mut uid = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !uid.is_empty() {
            uid.push('-');
        }
        uid.push(c.to_ascii_lowercase());
    }
    uid
}

/// The expression with what is recorded in the place of its names.
fn inlined(expr: &str, recorded: &BTreeMap<&str, &str>) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let (mut out, mut rest) = (String::new(), expr);
    while let Some(start) = rest.find(is_word) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_word(c)).unwrap_or(from.len()));
        out.push_str(before);
        rest = after;
        let Some(made) = recorded.get(word) else {
            out.push_str(word);
            continue;
        };
        out.push_str(&format!("({made})"));
        if let Some((range, behind)) = after.strip_prefix('[').and_then(|r| r.split_once(']')) {
            out.push_str(&format!("[{range}:{STEP}]"));
            rest = behind;
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::rules;

    #[test]
    fn what_is_recorded_stands_where_it_is_used() {
        let recorded = BTreeMap::from([("a:b", "sum(x)"), ("a", "never")]);
        let made = inlined("a:b > 2 * max_over_time(a:b[1w]) and a:bc", &recorded);
        assert_eq!(
            made,
            "(sum(x)) > 2 * max_over_time((sum(x))[1w:5m]) and a:bc"
        );
    }

    #[test]
    fn an_alert_fires_by_being_there_and_says_its_value() {
        let file = "groups: [{name: g, rules: [{record: 'r:s', expr: up}, {alert: OneTwo, expr: 'r:s == 0',
            for: 5m, labels: {severity: page}, annotations: {summary: 'it is {{ $value }} \"x\"'}}]},
            {name: h, rules: [{record: t, expr: up}]}]";
        let made = provisioning(&rules::read(file).unwrap()).unwrap();
        for part in [
            "      - uid: one-two\n        title: OneTwo\n",
            "              expr: \"(up) == 0\"\n",
            "        for: 5m\n",
            "          summary: \"it is {{ $values.A.Value }} \\\"x\\\"\"\n",
        ] {
            assert!(made.contains(part), "{part} in\n{made}");
        }
        assert!(!made.contains("name: h"), "{made}");
        let long = "groups: [{name: g, rules: [{alert: AnAlertWhoseNameIsMuchTooLongForGrafana, expr: up}]}]";
        assert!(provisioning(&rules::read(long).unwrap()).is_err());
    }
}
