//! A dashboard in Grafana's words.

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use super::source::{Dashboard, Kind, Panel, Target};

/// What `{@` stands for.
const CHOSEN: &str = "{cluster=~\"$cluster\",instance=~\"$instance\"";
/// Columns of Grafana's grid.
const COLUMNS: u32 = 24;
/// Newest schema that is asked for: Grafana 11 and later know it.
const SCHEMA: u32 = 41;

/// Its JSON.
pub fn dashboard(of: &Dashboard) -> Result<Value> {
    let mut variables = vec![json!({
        "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
        "current": {}, "hide": 0, "includeAll": false, "multi": false, "options": [],
        "refresh": 1, "regex": "", "skipUrlSync": false,
    })];
    for name in ["cluster", "instance"]
        .into_iter()
        .chain(of.variables.iter().map(String::as_str))
    {
        variables.push(variable(name)?);
    }
    Ok(json!({
        "uid": of.uid,
        "title": format!("Limpid / {}", of.title),
        "description": of.description,
        "tags": ["limpid", "kafka"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": true,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        // The other dashboards, with what was chosen here.
        "links": [{
            "type": "dashboards", "title": "Limpid", "tags": ["limpid"], "asDropdown": true,
            "includeVars": true, "keepTime": true, "targetBlank": false,
        }],
        "annotations": {"list": annotations()},
        "templating": {"list": variables},
        "panels": panels(of)?,
    }))
}

fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

fn variable(name: &str) -> Result<Value> {
    let (label, series) = match name {
        "cluster" => ("Cluster", "limpid_build_info, cluster"),
        "instance" => (
            "Broker",
            "limpid_build_info{cluster=~\"$cluster\"}, instance",
        ),
        "topic" => ("Topic", "kafka_topic_partitions{@}, topic"),
        "group" => ("Group", "limpid_group_members{@}, group"),
        "client" => ("Client", "limpid_client_requests_total{@}, client_id"),
        "listener" => ("Listener", "limpid_connections{@}, listener"),
        "api" => ("API", "limpid_requests_total{@}, api"),
        other => bail!("there is no variable {other}"),
    };
    let query = format!("label_values({})", chosen(series));
    let mut variable = json!({
        "name": name, "label": label, "type": "query", "datasource": source(),
        "query": {"qryType": 1, "query": query, "refId": name}, "definition": query,
        "refresh": 2, "sort": 1, "options": [], "hide": 0, "skipUrlSync": false, "regex": "",
    });
    // Stages are those of one API; everything else can be all.
    let (all, current) = match name {
        "api" => (false, json!({"text": "Produce", "value": "Produce"})),
        _ => (true, json!({"text": ["All"], "value": ["$__all"]})),
    };
    variable["multi"] = json!(all);
    variable["includeAll"] = json!(all);
    variable["current"] = current;
    if all {
        variable["allValue"] = json!(".*");
    }
    Ok(variable)
}

/// What happened, as lines over the panels.
fn annotations() -> Vec<Value> {
    let line = |name: &str, color: &str, expr: &str, text: &str| {
        json!({
            "name": name, "enable": true, "hide": false, "iconColor": color,
            "datasource": source(), "expr": chosen(expr), "step": "60s",
            "titleFormat": name, "textFormat": text, "tagKeys": "instance,group",
        })
    };
    vec![
        line(
            "Restarts",
            "red",
            "changes(process_start_time_seconds{@}[1m]) > 0",
            "{{instance}} began anew",
        ),
        line(
            "Config changes",
            "blue",
            "sum by (instance) (increase(limpid_metadata_changes_total{@}[1m])) > 0",
            "topics, settings or users changed",
        ),
        line(
            "Rebalances",
            "orange",
            "sum by (group) (increase(limpid_group_rebalances_total{@}[1m])) > 0",
            "{{group}} rebalanced",
        ),
    ]
}

/// Rows with their panels, each below the last.
fn panels(of: &Dashboard) -> Result<Vec<Value>> {
    let (mut panels, mut y) = (Vec::new(), 0);
    for row in &of.rows {
        panels.push(json!({
            "id": panels.len() + 1, "type": "row", "title": row.title, "collapsed": false,
            "panels": [], "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
        }));
        y += 1;
        let (mut x, mut high) = (0, 0);
        for panel in &row.panels {
            let (usual, height) = match panel.kind {
                Kind::Stat => (COLUMNS / 6, 4),
                Kind::Timeseries => (COLUMNS / 3, 8),
            };
            let width = panel.width.unwrap_or(usual);
            if x + width > COLUMNS {
                (x, y, high) = (0, y + high, 0);
            }
            let place = json!({"x": x, "y": y, "w": width, "h": height});
            panels.push(shown(panel, panels.len() + 1, &place)?);
            (x, high) = (x + width, high.max(height));
        }
        y += high;
    }
    Ok(panels)
}

fn shown(panel: &Panel, id: usize, place: &Value) -> Result<Value> {
    let mut targets = panel.targets.clone();
    if let Some(expr) = &panel.expr {
        targets.push(Target {
            legend: panel.legend.clone(),
            expr: expr.clone(),
        });
    }
    ensure!(
        !targets.is_empty() && targets.len() <= 26,
        "{}: no expression",
        panel.title
    );
    let letters = ('A'..='Z').map(String::from);
    let target = |(letter, target): (String, &Target)| {
        json!({
            "refId": letter, "datasource": source(), "expr": chosen(&target.expr),
            "legendFormat": target.legend, "editorMode": "code", "range": true,
        })
    };
    let targets: Vec<Value> = letters.zip(&targets).map(target).collect();
    let mut defaults = json!({"unit": panel.unit});
    if !panel.negative {
        defaults["min"] = json!(0);
    }
    if let Some(max) = panel.max {
        defaults["max"] = json!(max);
    }
    let (kind, options) = match panel.kind {
        Kind::Stat => ("stat", stat()),
        Kind::Timeseries => {
            let (fill, stacking) = if panel.stack {
                (40, "normal")
            } else {
                (8, "none")
            };
            defaults["custom"] = json!({
                "drawStyle": "line", "lineWidth": 1, "fillOpacity": fill, "showPoints": "never",
                "spanNulls": false, "stacking": {"mode": stacking, "group": "A"},
            });
            ("timeseries", timeseries())
        }
    };
    Ok(json!({
        "id": id, "type": kind, "title": panel.title, "description": panel.help,
        "datasource": source(), "targets": targets, "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options,
    }))
}

fn stat() -> Value {
    json!({
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
        "colorMode": "none", "graphMode": "area", "justifyMode": "auto", "textMode": "auto",
    })
}

fn timeseries() -> Value {
    json!({
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
        "tooltip": {"mode": "multi", "sort": "desc"},
    })
}

/// The expression for the brokers that were chosen.
fn chosen(expr: &str) -> String {
    expr.replace("{@", CHOSEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboards::source;

    const LIST: &str = "- {uid: u, title: T, description: d, variables: [api], rows: [{title: r, panels: [
        {title: one, kind: stat, unit: s, help: h, expr: 'a{@}'},
        {title: two, unit: s, help: h, width: 22, negative: true, expr: 'b{@,x=\"y\"}', legend: l},
        {title: three, unit: s, help: h, targets: [{legend: m, expr: c}, {legend: n, expr: d}]}]}]}";

    #[test]
    fn panels_lie_beside_and_below_each_other() {
        let made = dashboard(&source::read(LIST).unwrap()[0]).unwrap();
        let panels = made["panels"].as_array().unwrap();
        let place = |i: usize| {
            let at = &panels[i]["gridPos"];
            ["x", "y", "w"].map(|key| at[key].as_u64().unwrap())
        };
        assert_eq!(
            [place(0), place(1), place(2), place(3)],
            [[0, 0, 24], [0, 1, 4], [0, 5, 22], [0, 13, 8]]
        );
        let expected = "b{cluster=~\"$cluster\",instance=~\"$instance\",x=\"y\"}";
        assert_eq!(panels[2]["targets"][0]["expr"], expected);
        assert!(panels[2]["fieldConfig"]["defaults"]["min"].is_null());
        assert_eq!(panels[3]["targets"][1]["refId"], "B");
        assert_eq!(made["templating"]["list"].as_array().unwrap().len(), 4);
        assert!(made["templating"]["list"][3]["allValue"].is_null());
    }

    #[test]
    fn what_nobody_knows_is_refused() {
        for (from, to) in [
            ("[api]", "[apis]"),
            (", expr: 'a{@}'", ""),
            ("help: h, expr", "help: h, epxr"),
        ] {
            let list = LIST.replacen(from, to, 1);
            let made = source::read(&list).and_then(|all| dashboard(&all[0]));
            assert!(made.is_err(), "{to}");
        }
    }
}
