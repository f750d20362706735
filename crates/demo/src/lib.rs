//! `limpid demo`: a log-aggregation pipeline that moves, in a server of its own or on any cluster.
//!
//! `plan` says what there is: topics, services, groups, all named `demo.…`, and nothing else is
//! ever touched. `services` write, `groups` read, `control` changes the pace of the slow group
//! while it runs, `clean` removes everything again.
//!
//! What must never be here: anything that the broker, the client or a face needs.

mod clean;
mod control;
mod groups;
mod guide;
mod home;
mod noise;
mod pipeline;
mod plan;
mod services;
mod target;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use limpid_config::ClientSecurity;
use limpid_server::{Addresses, Stopped};
use limpid_telemetry::Registry;
use limpid_telemetry::logging::loggers::Loggers;
use tokio::runtime::Runtime;

pub use clean::clean;
pub use control::set_pace;
pub use plan::{Pace, SLOW_RATE_DEFAULT};

use home::Home;
use pipeline::Pipeline;
use target::Target;

/// Threads of the pipeline.
const THREADS: usize = 2;

/// Where the demo runs.
#[derive(Debug, Clone)]
pub enum Place {
    /// In a server of its own.
    Own {
        /// Its directory.
        dir: PathBuf,
        /// Kafka's port on localhost.
        port: u16,
        /// The port of HTTP on localhost.
        http_port: u16,
    },
    /// On a cluster that is there already.
    Cluster {
        /// `host:port,host:port`.
        bootstrap_servers: String,
        /// A file of Kafka's client properties, which say how to get in (`--command-config`).
        command_config: Option<PathBuf>,
    },
}

impl Place {
    /// How clients on this machine reach it, if the ports are as given.
    fn bootstrap_servers(&self) -> String {
        match self {
            Self::Own { port, .. } => format!("localhost:{port}"),
            Self::Cluster {
                bootstrap_servers, ..
            } => bootstrap_servers.clone(),
        }
    }

    /// How clients get in there.
    fn target(&self, bootstrap: String) -> Result<Target> {
        let security = match self {
            Self::Cluster {
                command_config: Some(file),
                ..
            } => ClientSecurity::read_file(file)?,
            _ => ClientSecurity::default(),
        };
        Target::new(bootstrap, &security)
    }
}

/// A running demo.
pub struct Demo {
    home: Option<Home>,
    pipeline: Pipeline,
    guide: String,
    runtime: Runtime,
}

impl Demo {
    /// Starts the server, if it is to have one, then the pipeline.
    ///
    /// # Errors
    /// When a port is taken, the directory is not a demo's, or the cluster can't be reached.
    pub fn start(
        place: &Place,
        slow_group: Pace,
        registry: &Registry,
        loggers: Arc<Loggers>,
    ) -> Result<Self> {
        let home = match place {
            Place::Own {
                dir,
                port,
                http_port,
            } => Some(Home::open(dir, (*port, *http_port), registry, loggers)?),
            Place::Cluster { .. } => None,
        };
        let addresses = home.as_ref().map(Home::addresses);
        let bootstrap = addresses
            .and_then(kafka_address)
            .unwrap_or_else(|| place.bootstrap_servers());
        let guide = guide::text(place, &bootstrap, addresses, slow_group);
        let target = place.target(bootstrap)?;
        let runtime = runtime()?;
        let pipeline = runtime.block_on(Pipeline::start(&target, slow_group))?;
        Ok(Self {
            home,
            pipeline,
            guide,
            runtime,
        })
    }

    /// What there is to see, and how.
    pub fn guide(&self) -> &str {
        &self.guide
    }

    /// Lets the members leave their groups and the producers send their last, and stops the server.
    /// What was written stays.
    pub fn stop(self) -> Stopped {
        self.runtime.block_on(self.pipeline.stop());
        self.home.map_or(Stopped::Clean, Home::stop)
    }
}

/// Where clients on this machine reach an embedded server, whatever port it got.
fn kafka_address(addresses: &Addresses) -> Option<String> {
    let (_, address) = addresses.kafka.first()?;
    Some(format!("localhost:{}", address.port()))
}

fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("limpid-demo")
        .enable_all()
        .build()
        .context("can't start the threads of the demo")
}
