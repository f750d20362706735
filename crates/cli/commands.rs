//! One file per command.

mod ask;
pub mod config;
pub mod metrics;
pub mod serve;
mod signals;
pub mod status;
pub mod storage;
pub mod why;

use limpid_config::{Config, LoadOptions, Loaded};

use crate::args::ConfigArgs;

/// Reads the configuration that the command line, the environment and a file make.
fn load(args: &ConfigArgs) -> anyhow::Result<Loaded> {
    let text = |(key, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((key.into_string().ok()?, value.into_string().ok()?))
    };
    Ok(Config::load(LoadOptions {
        file: args.config.clone(),
        overrides: args.overrides.clone(),
        env: std::env::vars_os().filter_map(text).collect(),
        hostname: None,
    })?)
}
