//! How a cluster is entered: the way there, and who we are.

use std::fmt;
use std::sync::Arc;

use limpid_config::ClientSecurity;
use limpid_security::client_tls;
use limpid_security::credentials::Credentials;
use limpid_security::tls::TlsError;

use crate::client::Client;
use crate::config::ClientConfig;
use crate::tls::Tls;
use crate::transport::{Tcp, Transport};

/// The way to the brokers of a cluster, and what to show there.
#[derive(Clone)]
pub struct Access {
    transport: Arc<dyn Transport>,
    login: Option<Arc<Credentials>>,
}

impl Access {
    /// By this transport, without a login.
    pub fn by(transport: Arc<dyn Transport>) -> Self {
        let login = None;
        Self { transport, login }
    }

    /// As configured. Reads key stores, so it blocks.
    ///
    /// # Errors
    /// A key store can't be used; the error names the property.
    pub fn load(security: &ClientSecurity) -> Result<Self, TlsError> {
        let transport: Arc<dyn Transport> = match &security.tls {
            Some(tls) => Arc::new(Tls::new(Arc::new(client_tls::load(tls)?))),
            None => Arc::new(Tcp),
        };
        let login = security.login.clone();
        Ok(Self {
            transport,
            login: login.map(|login| Arc::new(Credentials::new(login))),
        })
    }

    /// A client that enters in this way.
    pub fn client(&self, config: ClientConfig) -> Client {
        let login = self.login.clone();
        let config = ClientConfig { login, ..config };
        Client::new(config, Arc::clone(&self.transport))
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}
