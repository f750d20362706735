//! [`ClusterAdmin`] and [`RecordBrowser`] over the Kafka protocol: an embedded cluster and a foreign
//! one are alike.
//!
//! [`ClusterAdmin`]: limpid_cluster::ClusterAdmin
//! [`RecordBrowser`]: limpid_cluster::RecordBrowser
//!
//! What must never be here: pages and formats.

mod admin;
mod browse;
mod error;
mod newest;
mod window;

use std::sync::Arc;
use std::time::Duration;

use limpid_client::{Access, Client, ClientConfig, Transport};

/// How long an answer may take; a page waits for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// For changes: brokers answer them when they are done.
const CHANGE_PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of one answer at most.
const RESPONSE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A cluster that can be changed and browsed.
#[derive(Clone)]
pub struct Link {
    client: Client,
    /// As whom the cluster sees it, if that is known.
    principal: Option<Arc<str>>,
}

impl Link {
    /// A link to the cluster at these bootstrap servers. Connects with the first call, on the
    /// runtime of that call.
    pub fn new(bootstrap_servers: Vec<(String, u16)>, transport: Arc<dyn Transport>) -> Self {
        Self::entering(bootstrap_servers, &Access::by(transport))
    }

    /// The same for a cluster that may ask for TLS and a login.
    pub fn entering(bootstrap_servers: Vec<(String, u16)>, access: &Access) -> Self {
        let config = ClientConfig {
            bootstrap_servers,
            client_id: "limpid-console".to_owned(),
            request_timeout: CHANGE_PATIENCE,
            api_timeout: CHANGE_PATIENCE,
            connection_setup_timeout: PATIENCE,
            response_bytes_max: RESPONSE_BYTES_MAX,
            ..ClientConfig::default()
        };
        Self {
            client: access.client(config),
            principal: None,
        }
    }

    /// The same, which knows as whom the cluster sees it.
    #[must_use]
    pub fn seen_as(self, principal: &str) -> Self {
        Self {
            principal: Some(principal.into()),
            ..self
        }
    }
}
