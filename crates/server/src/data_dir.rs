//! Which directories may be used, and which may be made.
//!
//! A directory is formatted silently only when nobody configured one (the default is
//! `./limpid-data`): a configured directory without `meta.properties` may be a volume that is not
//! mounted, and must not become an empty cluster.

use std::path::{Path, PathBuf};

use limpid_config::{BrokerConfig, NodeConfig};
use limpid_platform::files::RealFiles;
use limpid_platform::random::OsRandom;
use limpid_storage::metadata::{
    ControllerEndpoint, FormatEnv, FormatOptions, META_PROPERTIES, MetaProperties, MetadataError,
    random_cluster_id,
};

use crate::error::StartError;

/// The directories of a node, all formatted for it.
pub(crate) struct DataDirs {
    /// `cluster.id`.
    pub(crate) cluster_id: String,
    /// Where the metadata log is: `metadata.log.dir`, or the first of `log.dirs`.
    pub(crate) metadata: PathBuf,
    /// True when they were formatted just now.
    pub(crate) new: bool,
}

/// Checks the directories, and formats them if that is allowed.
pub(crate) fn prepare(config: &BrokerConfig) -> Result<DataDirs, StartError> {
    let storage = &config.storage;
    let dirs = all_dirs(config);
    let unformatted: Vec<&PathBuf> = dirs.iter().filter(|dir| !is_formatted(dir)).collect();
    let may_format = storage.log_dirs_is_default || storage.auto_format;
    let mut new = false;
    if let Some(first) = unformatted.first() {
        if !may_format || unformatted.len() < dirs.len() {
            return Err(StartError::NotFormatted((*first).clone()));
        }
        let cluster_id =
            random_cluster_id(&OsRandom).map_err(StartError::system("make a cluster id"))?;
        let mut options = FormatOptions::new(cluster_id, config.node.id);
        options.controller = voter(&config.node);
        limpid_storage::metadata::format(&dirs, &options, &FormatEnv::default())?;
        new = true;
    }
    let cluster_id = one_cluster(&dirs)?;
    let metadata = storage
        .metadata_log_dir
        .clone()
        .unwrap_or_else(|| dirs[0].clone());
    Ok(DataDirs {
        cluster_id,
        metadata,
        new,
    })
}

/// The node as a voter that the metadata log names, unless the configuration names the voters.
pub(crate) fn voter(node: &NodeConfig) -> Option<ControllerEndpoint> {
    let in_log = !node.has_configured_voters;
    in_log.then(|| limpid_broker::endpoints::controller(node))
}

/// `log.dirs` and `metadata.log.dir`, the one with the metadata first.
pub(crate) fn all_dirs(config: &BrokerConfig) -> Vec<PathBuf> {
    let storage = &config.storage;
    let mut dirs: Vec<PathBuf> = storage.metadata_log_dir.iter().cloned().collect();
    for dir in &storage.log_dirs {
        if !dirs.contains(dir) {
            dirs.push(dir.clone());
        }
    }
    dirs
}

fn is_formatted(dir: &Path) -> bool {
    dir.join(META_PROPERTIES).exists()
}

fn one_cluster(dirs: &[PathBuf]) -> Result<String, StartError> {
    let mut expected: Option<String> = None;
    for dir in dirs {
        let found = MetaProperties::read(&RealFiles, dir).map_err(|error| match error {
            MetadataError::NotFormatted { .. } => StartError::NotFormatted(dir.clone()),
            error => error.into(),
        })?;
        match &expected {
            Some(id) if *id != found.cluster_id => {
                return Err(StartError::MixedClusters {
                    path: dir.clone(),
                    found: found.cluster_id,
                    first: dirs[0].clone(),
                    expected: id.clone(),
                });
            }
            _ => expected = Some(found.cluster_id),
        }
    }
    Ok(expected.unwrap_or_default())
}
