//! `limpid serve`: wire, wait, drain.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use limpid_platform::clock::SystemClock;
use limpid_platform::memory;
use limpid_server::{Addresses, LOG_TARGETS, Server, Stopped};
use limpid_telemetry::logging::{self, LogFormat, LogOptions};

use super::signals::{Signal, Signals};
use crate::args::ConfigArgs;

/// After this time what only a start needs has run.
const STARTED: Duration = Duration::from_secs(5);

/// Runs the broker until a signal ends it.
pub fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let loaded = super::load(args)?;
    let warnings = loaded.warning_lines();
    let config = loaded.config;
    let wanted = &config.broker().logging;
    let format = if wanted.json {
        LogFormat::Json
    } else {
        LogFormat::Text
    };
    let options = LogOptions {
        format,
        filter: wanted.level.clone(),
        targets: LOG_TARGETS,
        ..LogOptions::default()
    };
    let log = logging::init(&options)?;
    limpid_server::watch_panics();
    for line in warnings {
        tracing::warn!("{line}");
    }
    let registry = super::registry(&log)?;
    let signals = Signals::listen()?;
    let clock = Arc::new(SystemClock::new());
    let server = Server::start(config, &registry, log.loggers(), clock)?;
    print_ready(server.addresses(), began);
    let mut next = signals.receive_within(STARTED);
    if next.is_none() {
        // Without this the broker only takes more memory.
        memory::forget_code().ok();
    }
    let signal = loop {
        match next.take().unwrap_or_else(|| signals.receive()) {
            Signal::Reload => server.reload(),
            Signal::Stop(name) => break name,
        }
    };
    tracing::info!(signal, "stopping");
    let stopped = server.stop();
    drop(log);
    Ok(match stopped {
        Stopped::Clean | Stopped::CutOff => ExitCode::SUCCESS,
        Stopped::Unclean => ExitCode::FAILURE,
    })
}

fn print_ready(addresses: &Addresses, began: Instant) {
    let seconds = began.elapsed().as_secs_f64();
    let version = env!("CARGO_PKG_VERSION");
    println!(
        "limpid {version} is ready after {seconds:.2} s, cluster {}",
        addresses.cluster_id
    );
    let mut kafka: Vec<String> = addresses
        .kafka
        .iter()
        .map(|(name, a)| format!("{name}://{}", shown(a)))
        .collect();
    kafka.dedup();
    for address in kafka {
        println!("  Kafka  {address}");
    }
    let https = addresses
        .https
        .iter()
        .map(|a| format!("https://{}", shown(a)));
    let http = addresses
        .http
        .iter()
        .map(|a| format!("http://{}", shown(a)));
    let mut http: Vec<String> = http.chain(https).collect();
    http.dedup();
    for address in http {
        println!("  HTTP   {address}");
    }
    for dir in &addresses.log_dirs {
        println!("  data   {}", dir.display());
    }
}

/// Both loopback addresses are `localhost`; a wildcard is shown as it is.
fn shown(address: &SocketAddr) -> String {
    if address.ip().is_loopback() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}
