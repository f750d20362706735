//! `limpid storage format`.

use std::process::ExitCode;

use limpid_server::FormatRequest;

use crate::args::FormatArgs;

/// Formats the log directories of a configuration.
pub fn format(args: &FormatArgs) -> anyhow::Result<ExitCode> {
    let loaded = super::load(&args.config)?;
    let request = FormatRequest {
        cluster_id: args.cluster_id.clone(),
        ignore_formatted: args.ignore_formatted,
        scram_users: args.add_scram.clone(),
    };
    let formatted = limpid_server::format(&loaded.config, &request)?;
    for dir in &formatted.dirs {
        println!(
            "formatted {} for node {} of cluster {}",
            dir.display(),
            formatted.node_id,
            formatted.cluster_id
        );
    }
    Ok(ExitCode::SUCCESS)
}
