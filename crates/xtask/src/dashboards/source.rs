//! The list, read.

use anyhow::Result;
use serde::Deserialize;

/// One dashboard.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    /// Its identity in Grafana, and the name of its file.
    pub uid: String,
    pub title: String,
    pub description: String,
    /// Names of variables beside the data source, the cluster and the broker.
    pub variables: Vec<String>,
    pub rows: Vec<Row>,
}

/// Panels under a heading.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub title: String,
    pub panels: Vec<Panel>,
}

/// A panel.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    pub title: String,
    #[serde(default)]
    pub kind: Kind,
    /// One of Grafana's words.
    pub unit: String,
    pub help: String,
    /// Of 24; a third, or a sixth for a single number, when nothing is said.
    pub width: Option<u32>,
    pub max: Option<f64>,
    /// Whether values below 0 mean something.
    #[serde(default)]
    pub negative: bool,
    #[serde(default)]
    pub stack: bool,
    /// With `legend`, instead of `targets`.
    pub expr: Option<String>,
    #[serde(default)]
    pub legend: String,
    #[serde(default)]
    pub targets: Vec<Target>,
}

/// How a panel shows.
#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    #[default]
    Timeseries,
    Stat,
}

/// An expression of a panel.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub legend: String,
    pub expr: String,
}

/// The dashboards of the list.
pub fn read(text: &str) -> Result<Vec<Dashboard>> {
    Ok(serde_saphyr::from_str(text)?)
}
