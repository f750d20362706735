//! How a listener lets clients in: TLS, a login, both, or neither.

use std::sync::Arc;
use std::time::Duration;

use limpid_config::SaslConfig;
use limpid_platform::clock::Clock;
use limpid_security::sasl::Realm;
use limpid_security::tls::Reloading;

use crate::request_memory::RequestMemory;

/// The entrance of one listener.
pub struct Entrance {
    /// Certificates, if it speaks TLS.
    pub tls: Option<Arc<Reloading>>,
    /// Users, if they must log in.
    pub sasl: Option<Door>,
    /// `limpid.connection.login.timeout.ms`: from the first byte to the end of the login.
    pub patience: Duration,
    /// Requests of those who have not logged in yet; the others' memory is out of their reach.
    pub memory: Arc<RequestMemory>,
    /// Tells when a token runs out.
    pub clock: Arc<dyn Clock>,
}

/// Where clients log in.
pub struct Door {
    /// How.
    pub config: SaslConfig,
    /// Against what.
    pub realm: Realm,
}
