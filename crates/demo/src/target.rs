//! The cluster that the demo works on, and how its clients get in.

use std::time::Duration;

use anyhow::{Context, Result};
use limpid_client::{Access, Client, ClientConfig};
use limpid_config::ClientSecurity;
use limpid_link::Link;

/// How long a cluster may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// A cluster.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    bootstrap: String,
    access: Access,
    is_open: bool,
}

impl Target {
    pub(crate) fn new(bootstrap: String, security: &ClientSecurity) -> Result<Self> {
        let is_open = *security == ClientSecurity::default();
        let access = Access::load(security).context("--command-config")?;
        Ok(Self {
            bootstrap,
            access,
            is_open,
        })
    }

    /// `host:port,host:port`.
    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// A client of its own for each service and member, because members wait for each other.
    pub(crate) fn client(&self, client_id: &str) -> Result<Client> {
        let config = ClientConfig::with_bootstrap(&self.bootstrap)?.named(client_id);
        Ok(self.access.client(config))
    }

    /// A client for somebody who looks on: it soon gives up.
    pub(crate) fn hasty_client(&self, client_id: &str) -> Result<Client> {
        let config = ClientConfig {
            api_timeout: PATIENCE,
            ..ClientConfig::with_bootstrap(&self.bootstrap)?.named(client_id)
        };
        Ok(self.access.client(config))
    }

    pub(crate) fn link(&self) -> Result<Link> {
        let servers = ClientConfig::with_bootstrap(&self.bootstrap)?.bootstrap_servers;
        Ok(Link::entering(servers, &self.access))
    }

    /// What to say when nobody answers.
    pub(crate) fn unreachable(&self) -> String {
        let Self { bootstrap, .. } = self;
        match self.is_open {
            true => format!(
                "can't reach a Kafka cluster at {bootstrap} (without TLS or a login; if it asks \
                 for them, name a file of client properties with --command-config)"
            ),
            false => format!("can't reach a Kafka cluster at {bootstrap}"),
        }
    }
}
