//! Why a server does not start: the cause, and what to do about it.

use std::path::PathBuf;

use limpid_broker::listener::BindError;
use limpid_platform::process::{self, Process};
use limpid_storage::OpenError;
use limpid_storage::metadata::{AppendError, MetadataError};

/// A start that failed. Nothing was changed that a second attempt would trip over.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port that somebody else has.
    #[error("can't listen on {address} ({key}): it is taken by {holder}; stop that, or set {key}")]
    PortInUse {
        /// The address.
        address: String,
        /// The setting that asks for it.
        key: &'static str,
        /// Who has it, as far as can be told.
        holder: String,
    },
    /// An address that can't be bound for another reason.
    #[error("can't listen on {address} ({key}): {source}")]
    Bind {
        /// The address.
        address: String,
        /// The setting that asks for it.
        key: &'static str,
        /// The cause.
        source: std::io::Error,
    },
    /// A configured directory that is no log directory: perhaps a volume that is not mounted.
    #[error(
        "{} is in log.dirs, but it is not formatted (there is no meta.properties in it); if its \
         volume is not mounted, mount it; if it is meant to be new, run `limpid storage format` \
         with the same configuration, or set limpid.storage.auto.format=true", .0.display()
    )]
    NotFormatted(PathBuf),
    /// Directories of different clusters or nodes.
    #[error("{} belongs to cluster {found}, but {} to {expected}", path.display(), first.display())]
    MixedClusters {
        /// The directory.
        path: PathBuf,
        /// Its cluster.
        found: String,
        /// The first directory.
        first: PathBuf,
        /// The cluster of the first directory.
        expected: String,
    },
    /// A log directory can't be made or read.
    #[error("{}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The logs can't be opened.
    #[error(transparent)]
    Logs(#[from] OpenError),
    /// The metadata can't be opened.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// This broker can't be registered in the metadata.
    #[error("can't register this broker in the metadata: {0}")]
    Registration(#[source] AppendError),
    /// Two things that count share one registry.
    #[error(transparent)]
    Metrics(#[from] limpid_telemetry::RegisterError),
    /// Spans can't be sent.
    #[error("limpid.otlp.endpoint: {0}")]
    Spans(#[from] limpid_otlp::OptionsError),
    /// Nobody can be believed who takes spans.
    #[error("limpid.otlp.ca.file (or OTEL_EXPORTER_OTLP_CERTIFICATE): {0}")]
    SpansTls(String),
    /// Nobody can be believed who takes metrics of clients.
    #[error("limpid.client.metrics.forward.ca.file: {0}")]
    Forward(String),
    /// `limpid.metrics.dialects` names one that does not exist.
    #[error("limpid.metrics.dialects: {0}")]
    Dialect(#[from] limpid_exporter::UnknownDialect),
    /// A pattern of `limpid.metrics.{topic,group}.{include,exclude}` is none.
    #[error("limpid.metrics.{kind}.include or .exclude: {source}")]
    Pattern {
        /// `topic` or `group`.
        kind: &'static str,
        /// What is wrong.
        source: limpid_exporter::BadPattern,
    },
    /// No listener that the canary can use.
    #[error("limpid.canary.security.protocol: no listener of protocol {0} is open")]
    Canary(&'static str),
    /// The canary's key stores.
    #[error("limpid.canary.{0}")]
    CanarySecurity(#[from] limpid_security::tls::TlsError),
    /// The user's rules for MBeans can't be used.
    #[error("limpid.metrics.jmx.exporter.config: {}: {reason}", path.display())]
    JmxRules {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The provider of OpenID Connect can't be asked as it is configured.
    #[error("limpid.http.oidc.ca.file: {0}")]
    Provider(String),
    /// Nobody could log in over HTTP.
    #[error(transparent)]
    Desk(#[from] limpid_access::desk::DeskError),
    /// A listener can't speak TLS.
    #[error("the listener {listener} can't speak TLS: {source}")]
    Tls {
        /// The listener.
        listener: String,
        /// The cause.
        source: limpid_security::tls::TlsError,
    },
    /// `--add-scram` that makes no user.
    #[error("--add-scram: {0}")]
    ScramUser(String),
    /// The system gave no thread, socket or random bytes.
    #[error("can't {what}: {source}")]
    System {
        /// What failed.
        what: &'static str,
        /// The cause.
        source: std::io::Error,
    },
}

impl StartError {
    /// Whether the metadata found no room on its disk.
    pub(crate) fn is_disk_full(&self) -> bool {
        match self {
            Self::Metadata(error) => error.is_disk_full(),
            Self::Registration(error) => matches!(error, AppendError::DiskFull { .. }),
            _ => false,
        }
    }

    /// The error of a port, with the name of who has it.
    pub(crate) fn bind(error: BindError, key: &'static str) -> Self {
        if !error.in_use() {
            return Self::Bind {
                address: error.address,
                key,
                source: error.source,
            };
        }
        let holder = process::listener_on(error.port);
        let holder = holder.as_ref().map_or_else(
            || "another process (only root can see which)".to_owned(),
            Process::to_string,
        );
        Self::PortInUse {
            address: error.address,
            key,
            holder,
        }
    }

    pub(crate) fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
