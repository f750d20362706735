//! The specifications as Kafka writes them: JSON with comment lines.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Deserializer};

/// One specification file.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    pub api_key: Option<i16>,
    #[serde(rename = "type")]
    pub kind: Kind,
    pub name: String,
    #[serde(default, deserialize_with = "versions")]
    pub valid_versions: Option<Versions>,
    #[serde(default, deserialize_with = "versions")]
    pub flexible_versions: Option<Versions>,
    #[serde(default)]
    pub latest_version_unstable: bool,
    #[serde(default)]
    pub fields: Vec<Field>,
    #[serde(default)]
    pub common_structs: Vec<CommonStruct>,
    /// The jar that the file comes from: the folder two levels up.
    #[serde(skip)]
    pub origin: String,
}

/// What the specification describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Request,
    Response,
    Header,
    Data,
    Metadata,
    CoordinatorKey,
    CoordinatorValue,
}

/// A structure that several fields share.
#[derive(Debug, Clone, Deserialize)]
pub struct CommonStruct {
    pub name: String,
    #[serde(default, deserialize_with = "versions")]
    pub versions: Option<Versions>,
    pub fields: Vec<Field>,
}

/// A field of a message or of a structure.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, deserialize_with = "versions")]
    pub versions: Option<Versions>,
    #[serde(default, deserialize_with = "versions")]
    pub nullable_versions: Option<Versions>,
    #[serde(default, deserialize_with = "versions")]
    pub tagged_versions: Option<Versions>,
    pub tag: Option<u32>,
    #[serde(default)]
    pub ignorable: bool,
    #[serde(default, deserialize_with = "default_text")]
    pub default: Option<String>,
    #[serde(default)]
    pub fields: Vec<Field>,
}

/// An inclusive range of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    pub low: i16,
    pub high: i16,
}

impl Versions {
    fn parse(text: &str) -> Result<Option<Self>> {
        if text == "none" {
            return Ok(None);
        }
        let (low, high) = if let Some(low) = text.strip_suffix('+') {
            (low.parse()?, i16::MAX)
        } else if let Some((low, high)) = text.split_once('-') {
            (low.parse()?, high.parse()?)
        } else {
            (text.parse()?, text.parse()?)
        };
        if low > high {
            bail!("empty range of versions {text}");
        }
        Ok(Some(Self { low, high }))
    }

    /// The versions in both ranges.
    pub fn and(self, other: Self) -> Option<Self> {
        let both = Self {
            low: self.low.max(other.low),
            high: self.high.min(other.high),
        };
        (both.low <= both.high).then_some(both)
    }

    pub fn contains(self, version: i16) -> bool {
        (self.low..=self.high).contains(&version)
    }
}

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self {
                low,
                high: i16::MAX,
            } => write!(f, "{low}+"),
            Self { low, high } if low == high => write!(f, "{low}"),
            Self { low, high } => write!(f, "{low}-{high}"),
        }
    }
}

fn versions<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Versions>, D::Error> {
    let text = String::deserialize(input)?;
    Versions::parse(&text).map_err(serde::de::Error::custom)
}

/// Defaults are strings most often, but also bare JSON values.
///
/// The text `"null"` means null, a bare `null` means that no default is given: so Kafka reads it.
fn default_text<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(input)? {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

/// Reads every `*.json` below `folder`, in the order of the messages' names.
pub fn read_all(folder: &Path) -> Result<Vec<Spec>> {
    let mut paths = Vec::new();
    find(folder, &mut paths)?;
    let mut specs = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path)?;
        let plain: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        let mut spec: Spec = serde_json::from_str(&plain.join("\n"))
            .with_context(|| format!("cannot read {}", path.display()))?;
        let jar = path
            .ancestors()
            .nth(3)
            .and_then(Path::file_name)
            .unwrap_or_default();
        spec.origin = jar.to_string_lossy().into_owned();
        specs.push(spec);
    }
    specs.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(specs)
}

fn find(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read {}; --fetch fills it", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, paths)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            paths.push(path);
        }
    }
    Ok(())
}
