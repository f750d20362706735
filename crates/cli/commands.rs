//! One file per command.

mod ask;
pub mod check;
pub mod config;
pub mod cost;
pub mod demo;
pub mod http;
pub mod metrics;
pub mod serve;
mod signals;
pub mod status;
pub mod storage;
pub mod support_bundle;
pub mod why;

use std::sync::Arc;

use limpid_config::{Config, LoadOptions, Loaded};
use limpid_telemetry::logging::LogGuard;
use limpid_telemetry::own::Build;
use limpid_telemetry::{ProcessBeans, ProcessCollector, Registry};

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

/// The registry of this process, with what it tells about itself.
fn registry(log: &LogGuard) -> anyhow::Result<Registry> {
    let registry = Registry::new();
    registry.own().set_build(Build {
        version: env!("CARGO_PKG_VERSION"),
        revision: option_env!("LIMPID_REVISION").unwrap_or("unknown"),
        rustc: env!("CARGO_PKG_RUST_VERSION"),
    });
    registry.add_collector(log.collector());
    registry.add_collector(Arc::new(ProcessCollector::new()));
    let beans = ProcessBeans::new(env!("CARGO_PKG_VERSION"));
    registry.mbeans().add_source(Arc::new(beans));
    limpid_telemetry::facade::install(&registry)?;
    Ok(registry)
}
