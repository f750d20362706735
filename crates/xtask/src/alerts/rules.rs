//! A rule file, read.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    groups: Vec<Group>,
}

/// Rules that are evaluated together.
#[derive(Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// In their order.
    pub rules: Vec<Rule>,
}

/// What is recorded, or what is watched for.
#[derive(Deserialize)]
pub struct Rule {
    pub alert: Option<String>,
    pub record: Option<String>,
    pub expr: String,
    pub r#for: Option<String>,
    pub keep_firing_for: Option<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// The groups of a rule file.
pub fn read(text: &str) -> Result<Vec<Group>> {
    Ok(serde_saphyr::from_str::<File>(text)?.groups)
}
