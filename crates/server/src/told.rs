//! What a server tells whoever started it.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Where a server can be reached.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// Kafka's listeners, each with its name.
    pub kafka: Vec<(String, SocketAddr)>,
    /// HTTP.
    pub http: Vec<SocketAddr>,
    /// HTTP over TLS.
    pub https: Vec<SocketAddr>,
    /// The log directories.
    pub log_dirs: Vec<PathBuf>,
    /// The cluster's id.
    pub cluster_id: String,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Everything was answered, and the logs carry the clean-shutdown marker.
    Clean,
    /// The marker is there, but some connections were cut off at `limpid.drain.timeout.ms`.
    CutOff,
    /// The marker could not be written: the next start recovers.
    Unclean,
}
