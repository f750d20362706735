//! Formatting: what a log directory holds before its first start.
//!
//! Limpid formats as `kafka-storage format --standalone` does: the voters are in the log
//! (`kraft.version` 1), and the one voter is this node with this directory. Kafka opens such a
//! directory with `controller.quorum.bootstrap.servers` and with the older
//! `controller.quorum.voters` as well. Where the latter is set Limpid formats for it, as Kafka does
//! (`kraft.version` 0), and such a directory opens with it alone until the level is raised.
//!
//! The features are all of Kafka 4.3's, those that Limpid does not offer yet too: they say what the
//! metadata may contain, and a cluster that moves to Kafka later finds them as if it had been made
//! there. What clients are told is the broker's business.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use limpid_platform::clock::{Clock, SystemClock};
use limpid_platform::files::{Files, RealFiles};
use limpid_platform::random::{OsRandom, Random};
use limpid_protocol::Uuid;

use super::changes::set_feature;
use super::error::MetadataError;
use super::image::{KRAFT_VERSION, METADATA_VERSION};
use super::meta_properties::{META_PROPERTIES, MetaProperties};
use super::quorum::{ControllerEndpoint, Quorum, sole_voter};
use super::snapshot::{self, Content, SnapshotId};
use super::{METADATA_LOG_DIR, MetadataRecord};

/// The `metadata.version` of Kafka 4.3 (4.3-IV0).
pub const METADATA_VERSION_4_3: i16 = 30;

/// The levels of the other features that Kafka 4.3 gives a new cluster.
pub const KAFKA_4_3_FEATURES: [(&str, i16); 5] = [
    ("eligible.leader.replicas.version", 1),
    ("group.version", 1),
    ("share.version", 1),
    ("streams.version", 1),
    ("transaction.version", 2),
];

/// The file with the records that a new cluster starts with.
pub(super) const BOOTSTRAP_CHECKPOINT: &str = "bootstrap.checkpoint";

/// What a directory is formatted for.
#[derive(Debug, Clone, PartialEq)]
pub struct FormatOptions {
    /// The cluster's id; [`super::random_cluster_id`] makes a new one.
    pub cluster_id: String,
    /// `node.id`, from 0 on.
    pub node_id: i32,
    /// `metadata.version`: 7 (3.3-IV3) to 30 (4.3-IV0).
    pub metadata_version: i16,
    /// The levels of the other features; level 0 leaves one out.
    pub features: Vec<(String, i16)>,
    /// The node's entry among the voters. Limpid does not listen there; Kafka will. Without it no voters
    /// are written (`kraft.version` 0): the configuration names them.
    pub controller: Option<ControllerEndpoint>,
    /// Leave directories alone that are formatted already for this cluster and node.
    pub ignore_formatted: bool,
    /// What the metadata begin with beyond the features: the first users.
    pub records: Vec<MetadataRecord>,
}

impl FormatOptions {
    /// A new cluster of Kafka 4.3 with one node.
    pub fn new(cluster_id: impl Into<String>, node_id: i32) -> Self {
        let features = KAFKA_4_3_FEATURES
            .iter()
            .map(|(name, level)| ((*name).to_owned(), *level));
        Self {
            cluster_id: cluster_id.into(),
            node_id,
            metadata_version: METADATA_VERSION_4_3,
            features: features.collect(),
            controller: Some(ControllerEndpoint::default()),
            ignore_formatted: false,
            records: Vec::new(),
        }
    }
}

/// What formatting takes from the operating system.
#[derive(Debug, Clone)]
pub struct FormatEnv {
    /// Files.
    pub files: Arc<dyn Files>,
    /// Clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for the directory ids.
    pub random: Arc<dyn Random>,
}

impl Default for FormatEnv {
    fn default() -> Self {
        Self {
            files: Arc::new(RealFiles),
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(OsRandom),
        }
    }
}

/// Formats the log directories of a node, creating those that are missing; the first one gets the
/// metadata log. Returns what each one is now, in the order given.
///
/// A directory counts as formatted from the moment its `meta.properties` is there, which is written
/// last: a crash in between leaves a directory that can be formatted again.
///
/// # Errors
/// [`MetadataError::AlreadyFormatted`] before anything is written, if a directory is (for another
/// cluster or node, when `ignore_formatted` is set); [`MetadataError::Io`].
pub fn format(
    dirs: &[PathBuf],
    options: &FormatOptions,
    env: &FormatEnv,
) -> Result<Vec<MetaProperties>, MetadataError> {
    let mut existing = Vec::with_capacity(dirs.len());
    for dir in dirs {
        existing.push(formatted(dir, options, env)?);
    }
    let mut out = Vec::with_capacity(dirs.len());
    for (index, (dir, existing)) in dirs.iter().zip(existing).enumerate() {
        let meta = match existing {
            Some(meta) => meta,
            None => format_one(dir, index == 0, options, env)?,
        };
        out.push(meta);
    }
    Ok(out)
}

/// What a directory is formatted as, if that may stay.
fn formatted(
    dir: &Path,
    options: &FormatOptions,
    env: &FormatEnv,
) -> Result<Option<MetaProperties>, MetadataError> {
    let meta = match MetaProperties::read(&*env.files, dir) {
        Err(MetadataError::NotFormatted { .. }) => return Ok(None),
        other => other?,
    };
    let same = meta.cluster_id == options.cluster_id && meta.node_id == options.node_id;
    if options.ignore_formatted && same {
        return Ok(Some(meta));
    }
    Err(MetadataError::AlreadyFormatted {
        dir: dir.to_owned(),
        cluster_id: meta.cluster_id,
    })
}

fn format_one(
    dir: &Path,
    with_metadata_log: bool,
    options: &FormatOptions,
    env: &FormatEnv,
) -> Result<MetaProperties, MetadataError> {
    let files = &*env.files;
    files
        .create_dir_all(dir)
        .map_err(MetadataError::io("create", dir))?;
    let id = env
        .random
        .bytes16()
        .map_err(MetadataError::io("make an id for", dir))?;
    let directory_id = Uuid::random_from(id);
    write_bootstrap(&dir.join(BOOTSTRAP_CHECKPOINT), options, env)?;
    if with_metadata_log {
        let log_dir = dir.join(METADATA_LOG_DIR);
        files
            .create_dir_all(&log_dir)
            .map_err(MetadataError::io("create", &log_dir))?;
        if let Some(controller) = &options.controller {
            let quorum = sole_voter(options.node_id, directory_id, controller);
            write_voters(&log_dir, &quorum, options, env)?;
        }
    }
    let meta = MetaProperties {
        cluster_id: options.cluster_id.clone(),
        node_id: options.node_id,
        directory_id: Some(directory_id),
        others: Default::default(),
    };
    meta.write(files, dir)?;
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        files
            .sync_dir(parent)
            .map_err(MetadataError::io("sync", parent))?;
    }
    let path = dir.join(META_PROPERTIES);
    tracing::info!(path = %path.display(), cluster.id = %meta.cluster_id, "formatted");
    Ok(meta)
}

fn write_bootstrap(
    path: &Path,
    options: &FormatOptions,
    env: &FormatEnv,
) -> Result<u64, MetadataError> {
    let features = feature_records(options.metadata_version, &options.features).into_iter();
    snapshot::write(
        &*env.files,
        path,
        Content {
            epoch: 0,
            last_contained_ms: 0,
            now_ms: env.clock.wall_ms(),
            quorum: &Quorum::default(),
            metadata_version: options.metadata_version,
            records: features.chain(options.records.iter().cloned()),
        },
    )
}

/// The records that finalize these features, `metadata.version` first.
pub(super) fn feature_records(version: i16, features: &[(String, i16)]) -> Vec<MetadataRecord> {
    let others = features.iter().filter(|(name, level)| {
        *level > 0 && ![METADATA_VERSION, KRAFT_VERSION].contains(&&**name)
    });
    std::iter::once(set_feature(METADATA_VERSION, version))
        .chain(others.map(|(name, level)| set_feature(name, *level)))
        .collect()
}

/// The snapshot at offset 0 that says who votes.
fn write_voters(
    log_dir: &Path,
    quorum: &Quorum,
    options: &FormatOptions,
    env: &FormatEnv,
) -> Result<u64, MetadataError> {
    let now_ms = env.clock.wall_ms();
    snapshot::write(
        &*env.files,
        &log_dir.join(
            SnapshotId {
                offset: 0,
                epoch: 0,
            }
            .file_name(),
        ),
        Content {
            epoch: 0,
            last_contained_ms: now_ms,
            now_ms,
            quorum,
            metadata_version: options.metadata_version,
            records: std::iter::empty(),
        },
    )
}

#[cfg(test)]
mod tests;
