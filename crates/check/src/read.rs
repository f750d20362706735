//! The expressions of a file: a Grafana dashboard (JSON), a rule file or a `PrometheusRule` (YAML).

use serde::Deserialize;
use serde_json::Value;

/// Deepest nesting of a dashboard that is looked at: rows hold panels.
const DEPTH_MAX: usize = 16;

/// An expression, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// `panel "Bytes in"`, `variable topic`, `alert LagHigh`, `record job:x`.
    pub place: String,
    /// PromQL, with Grafana's variables.
    pub text: String,
}

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Queries {
    /// All expressions.
    pub all: Vec<Query>,
    /// Names that rules give to what they record.
    pub recorded: Vec<String>,
}

/// Why a file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no JSON.
    #[error("no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is no YAML, or not of this form.
    #[error("no rule file: {0}")]
    Yaml(String),
    /// There is no expression in it.
    #[error("there is no expression of Prometheus in it")]
    Nothing,
}

/// The expressions of a dashboard: of panels, variables and annotations.
///
/// # Errors
/// It is no JSON, or has none.
pub fn dashboard(json: &str) -> Result<Queries, ReadError> {
    let whole: Value = serde_json::from_str(json)?;
    // As the API returns it, and as a file.
    let dashboard = whole.get("dashboard").unwrap_or(&whole);
    let mut found = Queries::default();
    panels(dashboard, DEPTH_MAX, &mut found.all);
    for variable in list(&dashboard["templating"], "list") {
        let query = &variable["query"];
        let text = query.as_str().or_else(|| query["query"].as_str());
        let name = variable["name"].as_str().unwrap_or_default();
        let kind = variable["type"].as_str();
        if let Some(text) = text.filter(|_| kind == Some("query"))
            && is_prometheus(variable)
            && let Some(text) = of_variable(text)
        {
            found.all.push(Query {
                place: format!("variable {name}"),
                text,
            });
        }
    }
    for annotation in list(&dashboard["annotations"], "list") {
        if let Some(text) = annotation["expr"].as_str().filter(|text| !text.is_empty()) {
            let name = annotation["name"].as_str().unwrap_or_default();
            found.all.push(Query {
                place: format!("annotation {name:?}"),
                text: text.to_owned(),
            });
        }
    }
    match found.all.is_empty() {
        true => Err(ReadError::Nothing),
        false => Ok(found),
    }
}

fn panels(of: &Value, depth: usize, out: &mut Vec<Query>) {
    let inner = list(of, "panels").chain(list(of, "rows"));
    for panel in inner.filter(|_| depth > 0) {
        let title = panel["title"].as_str().unwrap_or_default();
        for target in list(panel, "targets").filter(|t| is_prometheus(t) && is_prometheus(panel)) {
            if let Some(text) = target["expr"].as_str().filter(|t| !t.trim().is_empty()) {
                out.push(Query {
                    place: format!("panel {title:?}"),
                    text: text.to_owned(),
                });
            }
        }
        panels(panel, depth - 1, out);
    }
}

fn list<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of[key].as_array().into_iter().flatten()
}

/// Where nothing else is said, it is.
fn is_prometheus(of: &Value) -> bool {
    let kind = of["datasource"]["type"].as_str();
    kind.is_none_or(|kind| kind == "prometheus" || kind.starts_with('$') || kind == "datasource")
}

/// The expression in `label_values(…)` and its like; other functions ask for no series.
fn of_variable(text: &str) -> Option<String> {
    let text = text.trim();
    let inner = |function: &str| {
        let arguments = text
            .strip_prefix(function)?
            .trim_start()
            .strip_prefix('(')?;
        arguments.trim_end().strip_suffix(')')
    };
    if let Some(arguments) = inner("label_values") {
        let (series, _) = arguments.rsplit_once(',')?;
        return Some(series.trim().to_owned());
    }
    inner("query_result").map(str::to_owned)
}

#[derive(Deserialize)]
struct RuleFile {
    groups: Option<Vec<Group>>,
    spec: Option<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    alert: Option<String>,
    record: Option<String>,
    expr: Expression,
}

/// `expr: 1` is a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Expression {
    Text(String),
    Number(f64),
}

/// The expressions of a rule file or a `PrometheusRule`.
///
/// # Errors
/// It is no rule file, or has none.
pub fn rules(yaml: &str) -> Result<Queries, ReadError> {
    let file: RuleFile =
        serde_saphyr::from_str(yaml).map_err(|error| ReadError::Yaml(error.to_string()))?;
    let groups = file.groups.or(file.spec.map(|spec| spec.groups));
    let mut found = Queries::default();
    for rule in groups.into_iter().flatten().flat_map(|group| group.rules) {
        let place = match (rule.alert, rule.record) {
            (Some(alert), _) => format!("alert {alert}"),
            (None, record) => {
                let record = record.unwrap_or_default();
                found.recorded.push(record.clone());
                format!("record {record}")
            }
        };
        let text = match rule.expr {
            Expression::Text(text) => text,
            Expression::Number(number) => number.to_string(),
        };
        found.all.push(Query { place, text });
    }
    match found.all.is_empty() {
        true => Err(ReadError::Nothing),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(found: &Queries) -> Vec<&str> {
        found.all.iter().map(|query| query.place.as_str()).collect()
    }

    #[test]
    fn dashboards_have_panels_variables_and_annotations() {
        let json = r#"{"dashboard": {"panels": [
            {"title": "A", "targets": [{"expr": "a"}, {"expr": " "}, {"rawSql": "x"}]},
            {"type": "row", "panels": [{"title": "B", "targets": [{"expr": "b"}]}]},
            {"title": "logs", "datasource": {"type": "loki"}, "targets": [{"expr": "{x=\"y\"}"}]}],
          "rows": [{"panels": [{"title": "old", "targets": [{"expr": "c"}]}]}],
          "templating": {"list": [
            {"name": "t", "type": "query", "query": "label_values(d{x=\"y, z\"}, topic)"},
            {"name": "u", "type": "query", "query": {"query": "query_result(e)"}},
            {"name": "v", "type": "query", "query": "label_values(topic)"},
            {"name": "w", "type": "custom", "query": "1,2"}]},
          "annotations": {"list": [{"name": "restarts", "expr": "f"}, {"name": "built in"}]}}}"#;
        let found = dashboard(json).unwrap();
        let expected = [
            "panel \"A\"",
            "panel \"B\"",
            "panel \"old\"",
            "variable t",
            "variable u",
        ];
        assert_eq!(places(&found)[..5], expected);
        let texts: Vec<&str> = found.all.iter().map(|query| query.text.as_str()).collect();
        assert_eq!(texts, ["a", "b", "c", "d{x=\"y, z\"}", "e", "f"]);
        assert!(matches!(dashboard("{}"), Err(ReadError::Nothing)));
        assert!(matches!(dashboard("["), Err(ReadError::Json(_))));
    }

    #[test]
    fn rule_files_have_alerts_and_records() {
        let groups =
            "groups: [{name: g, rules: [{record: 'job:a', expr: sum(a)}, {alert: X, expr: 1}]}]";
        let indented = format!("kind: PrometheusRule\nspec: {{{groups}}}");
        for yaml in [groups, &indented] {
            let found = rules(yaml).unwrap();
            assert_eq!(places(&found), ["record job:a", "alert X"]);
            assert_eq!(found.recorded, ["job:a"]);
        }
        assert!(matches!(rules("groups: []"), Err(ReadError::Nothing)));
        assert!(matches!(
            rules("groups: [{rules: [{alert: x}]}]"),
            Err(ReadError::Yaml(_))
        ));
    }
}
