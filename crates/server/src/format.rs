//! `limpid storage format`: makes log directories, as Kafka's tool of the same name does.

use std::path::PathBuf;

use limpid_config::Config;
use limpid_platform::random::OsRandom;
use limpid_storage::metadata::{FormatEnv, FormatOptions, random_cluster_id};

use crate::data_dir::all_dirs;
use crate::error::StartError;
use crate::scram_users;

/// What to format.
#[derive(Debug, Clone, Default)]
pub struct FormatRequest {
    /// The cluster's id; a new one if there is none.
    pub cluster_id: Option<String>,
    /// Leave directories alone that are formatted for this cluster and node already.
    pub ignore_formatted: bool,
    /// The first users of SCRAM, as in `SCRAM-SHA-256=[name=alice,password=secret]`.
    pub scram_users: Vec<String>,
}

/// What was formatted.
#[derive(Debug, Clone)]
pub struct Formatted {
    /// The cluster's id.
    pub cluster_id: String,
    /// This node.
    pub node_id: i32,
    /// The directories.
    pub dirs: Vec<PathBuf>,
}

/// Formats the directories of a configuration.
///
/// # Errors
/// A directory is formatted already, or can't be written.
pub fn format(config: &Config, request: &FormatRequest) -> Result<Formatted, StartError> {
    let broker = config.broker();
    let cluster_id = match &request.cluster_id {
        Some(id) => id.clone(),
        None => random_cluster_id(&OsRandom).map_err(StartError::system("make a cluster id"))?,
    };
    let mut options = FormatOptions::new(cluster_id.clone(), broker.node.id);
    options.controller = crate::data_dir::voter(&broker.node);
    options.ignore_formatted = request.ignore_formatted;
    for user in &request.scram_users {
        options.records.push(scram_users::record(user)?);
    }
    let dirs = all_dirs(broker);
    limpid_storage::metadata::format(&dirs, &options, &FormatEnv::default())?;
    Ok(Formatted {
        cluster_id,
        node_id: broker.node.id,
        dirs,
    })
}
