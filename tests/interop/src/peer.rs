//! A broker under test: Limpid or Apache Kafka 4.3, with the same property file for both, so that
//! each test can run against either. A test that fails against Apache Kafka is wrong itself.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::process::{Daemon, run, wait_for};
use crate::tools::{Kafka, Tools, limpid_binary};
use crate::{coverage, ports, process};

/// A broker must answer its first request within this.
const START_LIMIT: Duration = Duration::from_secs(180);
/// A broker must be gone this long after SIGTERM.
const STOP_LIMIT: Duration = Duration::from_secs(40);
/// Any cluster id will do; both brokers read the same text form.
const CLUSTER_ID: &str = "TGltcGlkSW50ZXJvcFRlcw";

/// Which broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The program in this file.
    Limpid(PathBuf),
    /// Apache Kafka 4.3 in combined mode.
    Kafka,
}

impl Kind {
    /// Limpid from `LIMPID_BIN` or the target directory.
    ///
    /// # Errors
    /// When there is no such program and none can be built.
    pub fn limpid() -> Result<Self> {
        Ok(Self::Limpid(limpid_binary()?))
    }

    /// A short name for reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Limpid(_) => "limpid",
            Self::Kafka => "kafka",
        }
    }
}

/// A broker with its folder; the process may be stopped and started again on the same port.
#[derive(Debug)]
pub struct Peer {
    kind: Kind,
    tools: Tools,
    folder: PathBuf,
    port: u16,
    controller_port: u16,
    http_port: u16,
    properties: Vec<(String, String)>,
    advertised: Option<String>,
    /// What is added to the environment of the broker's process.
    pub environment: Vec<(String, String)>,
    /// Further words for the program that formats.
    pub format_args: Vec<String>,
    /// Whether to run Kafka's virtual machine with its full compiler (for measurements).
    pub full_speed: bool,
    /// Further options for Kafka's virtual machine at full speed; the last word on each counts.
    pub machine_options: Vec<String>,
    daemon: Option<Daemon>,
}

impl Peer {
    /// A broker not yet started. `folder` gets its property file, its log and, unless
    /// `properties` name another `log.dirs`, its data.
    ///
    /// # Errors
    /// When no port is free or the folder can't be made.
    pub fn new(
        kind: Kind,
        tools: &Tools,
        folder: &Path,
        properties: &[(&str, &str)],
    ) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            kind,
            tools: tools.clone(),
            folder: folder.to_owned(),
            port: ports::next()?,
            controller_port: ports::next()?,
            http_port: ports::next()?,
            properties: properties
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
            advertised: None,
            environment: Vec::new(),
            format_args: Vec::new(),
            full_speed: false,
            machine_options: Vec::new(),
            daemon: None,
        })
    }

    /// A new broker, formatted, started and answering.
    ///
    /// # Errors
    /// When it doesn't come up; its log is in the message.
    pub fn start_new(
        kind: Kind,
        tools: &Tools,
        folder: &Path,
        properties: &[(&str, &str)],
    ) -> Result<Self> {
        let mut peer = Self::new(kind, tools, folder, properties)?;
        peer.format()?;
        peer.start()?;
        Ok(peer)
    }

    /// Sets a property from the next start on.
    pub fn set(&mut self, key: &str, value: &str) {
        self.properties.push((key.to_owned(), value.to_owned()));
    }

    /// Sends clients to another address than its own, from the next start on.
    pub fn advertise(&mut self, address: &str) {
        self.advertised = Some(address.to_owned());
    }

    /// Which broker it is.
    #[must_use]
    pub const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// `host:port` for clients.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port clients connect to.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The port of the controller's listener.
    #[must_use]
    pub const fn controller_port(&self) -> u16 {
        self.controller_port
    }

    /// `host:port` of Limpid's HTTP side.
    #[must_use]
    pub fn http_address(&self) -> String {
        format!("127.0.0.1:{}", self.http_port)
    }

    /// Where its records lie.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        let named = self.properties.iter().find(|(key, _)| key == "log.dirs");
        named.map_or_else(
            || self.folder.join("data"),
            |(_, folder)| PathBuf::from(folder),
        )
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it isn't running.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.daemon.as_ref().expect("the broker runs").pid()
    }

    /// What it printed in all its runs.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("broker.log")
    }

    fn property_file(&self) -> Result<PathBuf> {
        let mut text = String::new();
        let (port, controller) = (self.port, self.controller_port);
        writeln!(text, "process.roles=broker,controller")?;
        writeln!(text, "node.id=1")?;
        writeln!(text, "controller.quorum.voters=1@127.0.0.1:{controller}")?;
        let listeners = format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}");
        writeln!(text, "listeners={listeners}")?;
        let advertised = self.advertised.clone().unwrap_or_else(|| self.address());
        writeln!(text, "advertised.listeners=PLAINTEXT://{advertised}")?;
        writeln!(text, "controller.listener.names=CONTROLLER")?;
        let map = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT";
        writeln!(text, "listener.security.protocol.map={map}")?;
        writeln!(text, "offsets.topic.replication.factor=1")?;
        writeln!(text, "offsets.topic.num.partitions=1")?;
        writeln!(text, "transaction.state.log.replication.factor=1")?;
        writeln!(text, "transaction.state.log.min.isr=1")?;
        writeln!(text, "share.coordinator.state.topic.replication.factor=1")?;
        writeln!(text, "share.coordinator.state.topic.min.isr=1")?;
        if matches!(self.kind, Kind::Limpid(_)) {
            writeln!(
                text,
                "limpid.http.listeners=http://127.0.0.1:{}",
                self.http_port
            )?;
        }
        writeln!(text, "log.dirs={}", self.data().display())?;
        for (key, value) in &self.properties {
            writeln!(text, "{key}={value}")?;
        }
        let file = self.folder.join("server.properties");
        std::fs::write(&file, text)?;
        Ok(file)
    }

    /// Formats the data directory as an empty cluster.
    ///
    /// # Errors
    /// When the formatting program fails.
    pub fn format(&self) -> Result<()> {
        let file = self.property_file()?;
        let mut command = match &self.kind {
            Kind::Kafka => {
                let mut java = self.tools.java(Kafka::V4_3)?;
                java.args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"]);
                java
            }
            Kind::Limpid(program) => {
                let mut limpid = limpid(program);
                limpid.args(["storage", "format", "--cluster-id", CLUSTER_ID, "--config"]);
                limpid
            }
        };
        run(command.arg(file).args(&self.format_args), b"", START_LIMIT)?
            .success()
            .context("formatting")?;
        Ok(())
    }

    /// Lets another kind of broker take over the folder and the ports; both are stopped now.
    ///
    /// # Panics
    /// When the broker still runs.
    pub fn replace_kind(&mut self, kind: Kind) {
        assert!(self.daemon.is_none(), "the broker still runs");
        self.kind = kind;
    }

    /// Starts the process and waits until it answers with itself as a broker.
    ///
    /// # Errors
    /// When it ends or doesn't answer in time; its log is in the message.
    pub fn start(&mut self) -> Result<()> {
        self.spawn()?;
        self.wait_until_ready()
    }

    /// Starts the process only.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn spawn(&mut self) -> Result<()> {
        ensure!(self.daemon.is_none(), "the broker runs already");
        let file = self.property_file()?;
        let mut command = match &self.kind {
            Kind::Kafka => {
                let mut java = if self.full_speed {
                    // What Kafka's own start script sets.
                    let mut java = self.tools.java_at_full_speed(Kafka::V4_3)?;
                    java.args(["-Xmx1G", "-Xms1G", "-server", "-XX:+UseG1GC"]);
                    java.args([
                        "-XX:MaxGCPauseMillis=20",
                        "-XX:+ExplicitGCInvokesConcurrent",
                    ]);
                    java.args([
                        "-XX:InitiatingHeapOccupancyPercent=35",
                        "-XX:MaxInlineLevel=15",
                    ]);
                    java.args(&self.machine_options);
                    java
                } else {
                    self.tools.java(Kafka::V4_3)?
                };
                java.arg("kafka.Kafka");
                java
            }
            Kind::Limpid(program) => {
                let mut limpid = limpid(program);
                limpid.args(["serve", "--config"]);
                limpid
            }
        };
        command
            .arg(file)
            .envs(self.environment.iter().map(|(k, v)| (k, v)));
        self.daemon = Some(Daemon::spawn(
            self.kind.name(),
            &mut command,
            &self.log_path(),
        )?);
        Ok(())
    }

    /// Waits until the broker answers with itself as a broker of the cluster.
    ///
    /// # Errors
    /// When it ends or doesn't answer in time; its log is in the message.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let port = self.port;
        let daemon = self.daemon.as_mut().context("the broker was not started")?;
        wait_for("answer of the broker", START_LIMIT, || {
            daemon.check_alive()?;
            Ok((count_brokers(port).unwrap_or(0) > 0).then_some(()))
        })
        .with_context(|| format!("its log:\n{}", process::tail(&daemon.log())))
    }

    /// Fails with its log if the broker has ended by itself.
    ///
    /// # Errors
    /// When it is not running.
    pub fn check_alive(&mut self) -> Result<()> {
        self.daemon
            .as_mut()
            .context("the broker was stopped")?
            .check_alive()
    }

    /// Stops it in good order.
    ///
    /// # Errors
    /// When it doesn't end in time.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(daemon) = self.daemon.take() {
            if matches!(self.kind, Kind::Limpid(_)) {
                coverage::note(&self.http_address());
            }
            daemon.terminate(STOP_LIMIT)?;
        }
        Ok(())
    }

    /// Stops it with SIGKILL.
    pub fn kill(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.kill();
        }
    }
}

/// Limpid without this program's own variables, which it would take for settings.
fn limpid(program: &Path) -> Command {
    let mut limpid = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LIMPID_") {
            limpid.env_remove(name);
        }
    }
    limpid
}

/// Asks for the metadata of no topic (version 1) and counts the brokers in the answer.
///
/// Written out by hand, so that readiness depends on no codec of ours.
fn count_brokers(port: u16) -> Result<i32> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    // Key 3, version 1, correlation id 7, no client id, an empty list of topics.
    let request = [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0];
    stream.write_all(&request)?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    ensure!(head[4..8] == [0, 0, 0, 7], "an answer to another request");
    Ok(i32::from_be_bytes([head[8], head[9], head[10], head[11]]))
}
