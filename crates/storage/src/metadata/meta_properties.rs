//! `meta.properties`: which cluster and node a log directory belongs to.
//!
//! ```text
//! #
//! #Sat Nov 21 10:02:30 UTC 2026
//! node.id=1
//! directory.id=hXu4hYuFRZiAOZn9sUJ3PQ
//! version=1
//! cluster.id=_uV-nmfqTymM3PTtdNtAZg
//! ```
//!
//! A Java properties file; the first two lines are comments. Every log directory has its own, with
//! its own `directory.id` (KIP-858).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use limpid_platform::files::{Files, atomic_write};
use limpid_platform::random::Random;
use limpid_protocol::Uuid;

use super::error::MetadataError;

/// The file's name.
pub const META_PROPERTIES: &str = "meta.properties";

/// A file longer than this is not a `meta.properties`.
const MAX_BYTES: u64 = 64 << 10;

/// Which cluster and node a log directory belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaProperties {
    /// The cluster's id, as Kafka prints ids (other text from old clusters is kept).
    pub cluster_id: String,
    /// `node.id` of the node that the directory belongs to.
    pub node_id: i32,
    /// The directory's own id; `None` only in directories that Kafka before 3.7 made.
    pub directory_id: Option<Uuid>,
    /// Keys that are none of ours, kept for whoever wrote them.
    pub others: BTreeMap<String, String>,
}

impl MetaProperties {
    /// The path of the file in a log directory.
    #[must_use]
    pub fn path_in(dir: &Path) -> PathBuf {
        dir.join(META_PROPERTIES)
    }

    /// Reads the file of a log directory.
    ///
    /// # Errors
    /// [`MetadataError::NotFormatted`] when it isn't there, [`MetadataError::Corrupt`] when it
    /// says something else than it should, [`MetadataError::Io`].
    pub fn read(files: &dyn Files, dir: &Path) -> Result<Self, MetadataError> {
        let path = Self::path_in(dir);
        let there = files
            .exists(&path)
            .map_err(MetadataError::io("look for", &path))?;
        if !there {
            return Err(MetadataError::NotFormatted {
                dir: dir.to_owned(),
            });
        }
        let bytes = files
            .read_small(&path, MAX_BYTES)
            .map_err(MetadataError::io("read", &path))?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|e| MetadataError::corrupt(&path, format!("not text: {e}")))?;
        Self::parse(text).map_err(|reason| MetadataError::corrupt(&path, reason))
    }

    /// Writes the file of a log directory, replacing the one there whole.
    ///
    /// # Errors
    /// [`MetadataError::Io`]; the old file is then still there.
    pub fn write(&self, files: &dyn Files, dir: &Path) -> Result<(), MetadataError> {
        let path = Self::path_in(dir);
        atomic_write(files, &path, self.render().as_bytes())
            .map_err(MetadataError::io("write", &path))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut map = properties(text)?;
        let mut required = |key: &str| map.remove(key).ok_or(format!("no {key} in it"));
        let version = required("version")?;
        if version != "1" {
            return Err(format!("version is {version:?}; only version 1 is known"));
        }
        let cluster_id = required("cluster.id")?;
        if cluster_id.is_empty() {
            return Err("cluster.id is empty".to_owned());
        }
        let node_id = required("node.id")?;
        let node_id = match node_id.parse::<i32>() {
            Ok(id) if id >= 0 => id,
            _ => return Err(format!("node.id is {node_id:?}, not a number from 0 on")),
        };
        let directory_id = match map.remove("directory.id") {
            None => None,
            Some(text) => match text.parse::<Uuid>() {
                Ok(id) if id != Uuid::ZERO => Some(id),
                _ => return Err(format!("directory.id is {text:?}, not an id")),
            },
        };
        Ok(Self {
            cluster_id,
            node_id,
            directory_id,
            others: map,
        })
    }

    fn render(&self) -> String {
        let mut out = String::from("#\n");
        let mut put = |key: &str, value: &str| {
            out.push_str(&escaped(key, true));
            out.push('=');
            out.push_str(&escaped(value, false));
            out.push('\n');
        };
        put("cluster.id", &self.cluster_id);
        if let Some(id) = self.directory_id {
            put("directory.id", &id.to_string());
        }
        put("node.id", &self.node_id.to_string());
        put("version", "1");
        for (key, value) in &self.others {
            put(key, value);
        }
        out
    }
}

/// A new cluster id: the text of a random UUID, as `kafka-storage random-uuid` prints one.
///
/// # Errors
/// When the operating system has no randomness.
pub fn random_cluster_id(random: &dyn Random) -> std::io::Result<String> {
    Ok(Uuid::random_from(random.bytes16()?).to_string())
}

/// The entries of a Java properties file. Continued lines are not supported: Kafka writes none.
fn properties(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut map = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let Some(at) = separator(line) else {
            return Err(format!("line {} is not key=value", index + 1));
        };
        let key = unescaped(line[..at].trim_end());
        let value = unescaped(line[at + 1..].trim_start());
        if let (Some(key), Some(value)) = (key, value) {
            map.insert(key, value.trim_end().to_owned());
        } else {
            return Err(format!("line {} has a broken escape", index + 1));
        }
    }
    Ok(map)
}

/// The byte position of the first `=` or `:` that no backslash hides.
fn separator(line: &str) -> Option<usize> {
    let mut hidden = false;
    line.char_indices().find_map(|(at, c)| {
        let found = !hidden && (c == '=' || c == ':');
        hidden = !hidden && c == '\\';
        found.then_some(at)
    })
}

fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            't' => out.push('\t'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            'u' => {
                let hex: String = chars.by_ref().take(4).collect();
                let code = (hex.len() == 4).then(|| u32::from_str_radix(&hex, 16).ok())??;
                out.push(char::from_u32(code)?);
            }
            other => out.push(other),
        }
    }
    Some(out)
}

fn escaped(text: &str, key: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, c) in text.chars().enumerate() {
        match c {
            '\\' | '=' | ':' | '#' | '!' => out.extend(['\\', c]),
            ' ' if key || index == 0 => out.push_str("\\ "),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
