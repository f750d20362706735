//! The demo's own server, in a directory of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use limpid_config::{Config, LoadOptions};
use limpid_platform::clock::SystemClock;
use limpid_server::{Addresses, Server, Stopped};
use limpid_telemetry::Registry;
use limpid_telemetry::logging::loggers::Loggers;

/// Marks a directory that the demo made, and may delete.
const MARKER: &str = ".limpid-demo";
const MARKER_TEXT: &str = "`limpid demo` made this directory, `limpid demo --clean` deletes it.\n";

/// A server and its directory.
pub(crate) struct Home {
    server: Server,
}

impl Home {
    /// Starts a server on localhost; the directory is made and formatted if it is not there.
    pub(crate) fn open(
        dir: &Path,
        (port, http_port): (u16, u16),
        registry: &Registry,
        loggers: Arc<Loggers>,
    ) -> Result<Self> {
        claim(dir)?;
        // Nothing from the environment: the demo is the same everywhere.
        let loaded = Config::load(LoadOptions {
            overrides: overrides(dir, port, http_port),
            ..LoadOptions::default()
        })?;
        let clock = Arc::new(SystemClock::new());
        let server = Server::start(loaded.config, registry, loggers, clock).map_err(|error| {
            let hint = "other ports: `limpid demo --port PORT --http-port PORT`; a cluster that \
                        runs already: `limpid demo --bootstrap-server HOST:PORT`";
            match error {
                limpid_server::StartError::PortInUse { .. } => {
                    anyhow::Error::new(error).context(format!("the demo can't start; {hint}"))
                }
                error => anyhow::Error::new(error).context("the demo can't start"),
            }
        })?;
        Ok(Self { server })
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        self.server.addresses()
    }

    pub(crate) fn stop(self) -> Stopped {
        self.server.stop()
    }
}

fn overrides(dir: &Path, port: u16, http_port: u16) -> Vec<String> {
    vec![
        format!("log.dirs={}", data_dir(dir).display()),
        format!("listeners=PLAINTEXT://localhost:{port}"),
        format!("limpid.http.listeners=http://localhost:{http_port}"),
        "limpid.storage.auto.format=true".to_owned(),
        "auto.create.topics.enable=false".to_owned(),
    ]
}

/// Where the records of a demo lie.
pub(crate) fn data_dir(dir: &Path) -> PathBuf {
    dir.join("data")
}

/// Makes the directory ours; what others made is left alone.
fn claim(dir: &Path) -> Result<()> {
    if is_ours(dir) {
        return Ok(());
    }
    let made = std::fs::create_dir_all(dir);
    made.with_context(|| format!("can't make {}", dir.display()))?;
    let mut entries =
        std::fs::read_dir(dir).with_context(|| format!("can't read {}", dir.display()))?;
    if entries.next().is_some() {
        bail!(
            "{} is there already and no demo made it; choose another with --dir",
            dir.display()
        );
    }
    let marker = dir.join(MARKER);
    std::fs::write(&marker, MARKER_TEXT)
        .with_context(|| format!("can't write {}", marker.display()))
}

/// Whether a demo made the directory.
pub(crate) fn is_ours(dir: &Path) -> bool {
    dir.join(MARKER).is_file()
}
