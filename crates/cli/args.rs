//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use limpid_demo::Pace;

/// A Kafka broker you can see through
#[derive(Parser)]
#[command(name = "limpid", version, args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// `limpid` alone is `limpid serve`
    #[command(flatten)]
    pub serve: ConfigArgs,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run the broker until SIGTERM or SIGINT
    Serve(ConfigArgs),
    /// Make, look at, check, copy and restore log directories
    Storage {
        #[command(subcommand)]
        command: StorageCommand,
    },
    /// What is measured
    Metrics {
        #[command(subcommand)]
        command: MetricsCommand,
    },
    /// What of your dashboards and rules this broker fills, before you migrate
    ///
    /// Ends with 0 when all of Kafka's is there, 1 when something stays empty or needs a dialect, 2 when a
    /// file can't be read.
    Check {
        #[command(subcommand)]
        command: CheckCommand,
    },
    /// Who may log in over HTTP: the files of users and tokens
    Http {
        #[command(subcommand)]
        command: HttpCommand,
    },
    /// How the cluster is: verdict, rates, groups, buffers
    ///
    /// Ends with 0 when all is well, 1 when something needs a look, 2 when nobody answers.
    Status(AskArgs),
    /// Why a group lags: its state, causes, worst partitions and members
    ///
    /// Ends with 0 when it keeps up, 1 when it does not, 2 when nobody answers, 3 when there is no
    /// such group.
    Why(WhyArgs),
    /// Fetch what somebody needs who is to help: configuration without passwords, log, metrics, snapshots,
    /// limits; nothing of what is in records
    SupportBundle(BundleArgs),
    /// Run a pipeline to look at: services that write logs, groups that read them
    Demo(DemoArgs),
    /// Check a configuration, or print one with every key explained
    Config(ConfigCheckArgs),
}

/// Where the configuration comes from: overrides win over the environment, the environment over
/// the file, the file over the defaults
#[derive(clap::Args, Clone, Default)]
pub struct ConfigArgs {
    /// A server.properties file, with Kafka's keys and `limpid.*`
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One setting; may be repeated. Passwords are refused here: `ps` would show them
    #[arg(long = "override", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
}

#[derive(Subcommand)]
pub enum StorageCommand {
    /// Format the log directories of a configuration for a new cluster
    Format(FormatArgs),
    /// Say what the log directories hold; the broker may run
    Info(InfoArgs),
    /// Read every batch and index entry and say what is wrong; the broker may run
    ///
    /// Ends with 0 when all is sound, 1 when something is not.
    Verify(VerifyArgs),
    /// Copy a node to an empty directory: logs, offsets, transactions and metadata as they were at one
    /// moment; the broker may run
    Backup(BackupArgs),
    /// Copy a backup to the log directories of a configuration, which must be empty
    Restore(RestoreArgs),
}

#[derive(clap::Args)]
pub struct InfoArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Every partition, too
    #[arg(long)]
    pub logs: bool,
}

#[derive(clap::Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Check this backup instead, against its manifest
    #[arg(long, value_name = "DIR")]
    pub backup: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct BackupArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// An empty directory, or one to be made
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
}

#[derive(clap::Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The backup
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
}

#[derive(clap::Args)]
pub struct FormatArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The cluster's id (22 characters of base64url); a new one by default
    #[arg(long, short = 't')]
    pub cluster_id: Option<String>,
    /// Leave directories alone that are formatted for this cluster already
    #[arg(long, short = 'g')]
    pub ignore_formatted: bool,
    /// A first user of SCRAM; may be repeated: 'SCRAM-SHA-256=[name=alice,password=secret]'
    #[arg(long, short = 'S', value_name = "USER")]
    pub add_scram: Vec<String>,
}

#[derive(Subcommand)]
pub enum MetricsCommand {
    /// List every metric: name, type, labels, help, JMX name
    List(MetricsListArgs),
    /// Count series by dialect and family, of a running node or of a cluster of some size, and tell what
    /// limpid.metrics.max.series leaves out
    Cost(MetricsCostArgs),
}

#[derive(clap::Args)]
pub struct MetricsCostArgs {
    #[command(flatten)]
    pub ask: AskArgs,
    /// Count what a cluster with so many partitions would have; nobody is asked
    #[arg(long, value_name = "N")]
    pub partitions: Option<usize>,
    /// Topics of that cluster
    #[arg(long, value_name = "N", default_value_t = 100, requires = "partitions")]
    pub topics: usize,
    /// Groups of that cluster
    #[arg(long, value_name = "N", default_value_t = 0, requires = "partitions")]
    pub groups: usize,
    /// Partitions that each group reads
    #[arg(long, value_name = "N", default_value_t = 50, requires = "partitions")]
    pub partitions_per_group: usize,
    /// The dialects that are on in that cluster, as in limpid.metrics.dialects
    #[arg(
        long,
        value_name = "LIST",
        default_value = "kafka_exporter,strimzi",
        value_delimiter = ',',
        requires = "partitions"
    )]
    pub dialects: Vec<String>,
    /// The budget, as limpid.metrics.max.series
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    pub max_series: usize,
    /// Families that are listed
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub top: usize,
}

#[derive(Subcommand)]
pub enum CheckCommand {
    /// Grafana dashboards: files as Grafana exports them
    Dashboards(CheckArgs),
    /// Rule files of Prometheus, or PrometheusRules
    Rules(CheckArgs),
}

#[derive(clap::Args)]
pub struct CheckArgs {
    /// What to check
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The dialects that the broker will speak, as in limpid.metrics.dialects
    #[arg(
        long,
        value_name = "LIST",
        default_value = "kafka_exporter,strimzi",
        value_delimiter = ','
    )]
    pub dialects: Vec<String>,
    /// Your configuration of jmx_exporter, as limpid.metrics.jmx.exporter.config will name it
    #[arg(long, value_name = "FILE")]
    pub jmx: Option<PathBuf>,
    /// For machines
    #[arg(long)]
    pub json: bool,
}

#[derive(Subcommand)]
pub enum HttpCommand {
    /// Users with passwords (`limpid.http.users.file`); `add` reads the password from standard input
    User {
        #[command(subcommand)]
        command: CredentialCommand,
    },
    /// Bearer tokens (`limpid.http.tokens.file`); `add` prints the token, once
    Token {
        #[command(subcommand)]
        command: CredentialCommand,
    },
}

#[derive(Subcommand)]
pub enum CredentialCommand {
    /// Add a name, or replace what it had; a running broker notices
    Add(NamedArgs),
    /// Remove a name; a running broker notices, and its logins end
    Remove(NamedArgs),
}

#[derive(clap::Args)]
pub struct NamedArgs {
    /// The name that `limpid.http.grants` calls `User:name`
    pub name: String,
    /// The file; `add` makes it if it isn't there
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
}

#[derive(clap::Args)]
pub struct MetricsListArgs {
    /// As the Markdown page docs/METRICS.md
    #[arg(long)]
    pub markdown: bool,
}

#[derive(clap::Args)]
pub struct ConfigCheckArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print a sample file with every key, its default and a sentence on it
    #[arg(long)]
    pub sample: bool,
}

#[derive(clap::Args)]
pub struct AskArgs {
    /// The HTTP address of a broker
    #[arg(long, value_name = "URL", default_value = "http://localhost:8080")]
    pub url: String,
    /// A file with a bearer token, where HTTP needs a login
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Certificates (PEM) of the authority that a https:// address must show, instead of the public ones
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct BundleArgs {
    #[command(flatten)]
    pub ask: AskArgs,
    /// Where it is written; a file that is there already is left alone
    #[arg(
        long,
        value_name = "FILE",
        default_value = "limpid-support-bundle.tar.gz"
    )]
    pub to: PathBuf,
    /// How long the processor time of threads is looked at, up to 60; 0 leaves it out
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub cpu_seconds: u8,
}

#[derive(clap::Args)]
pub struct WhyArgs {
    /// `group.id`
    pub group: String,
    #[command(flatten)]
    pub ask: AskArgs,
}

#[derive(clap::Args)]
pub struct DemoArgs {
    /// Run on this cluster instead of a server of its own; only topics and groups named `demo.…`
    /// are touched
    #[arg(long, value_name = "HOST:PORT")]
    pub bootstrap_server: Option<String>,
    /// How to get into that cluster: a file of Kafka's client properties (security.protocol, ssl.…,
    /// sasl.mechanism, sasl.jaas.config)
    #[arg(long, value_name = "FILE", requires = "bootstrap_server")]
    pub command_config: Option<PathBuf>,
    /// Directory of its own server
    #[arg(long, default_value = "limpid-demo")]
    pub dir: PathBuf,
    /// Kafka's port of its own server, on localhost
    #[arg(long, default_value_t = 9092)]
    pub port: u16,
    /// HTTP's port of its own server, on localhost
    #[arg(long, default_value_t = 8080)]
    pub http_port: u16,
    /// Records per second that the slow group reads, or `unlimited`
    #[arg(long, value_name = "RATE", default_value_t = Pace::RecordsPerSecond(limpid_demo::SLOW_RATE_DEFAULT))]
    pub slow_rate: Pace,
    /// Let the slow group of the demo that runs catch up
    #[arg(long, group = "instead")]
    pub speed_up: bool,
    /// Let the slow group of the demo that runs fall behind again, at so many records per second
    #[arg(long, value_name = "RATE", group = "instead")]
    pub slow_down: Option<Pace>,
    /// Remove what the demo wrote: its directory, or its topics and groups on a cluster
    #[arg(long, group = "instead")]
    pub clean: bool,
}
