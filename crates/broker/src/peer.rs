//! Who sits at the other end of a connection.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use limpid_security::Principal;

/// Who sits at the other end of a connection.
#[derive(Debug)]
pub struct Peer {
    /// Where it connects from.
    pub address: SocketAddr,
    /// The same without port, as ACLs name it.
    pub host: Box<str>,
    /// Name of the listener that it came in by.
    pub listener: Arc<str>,
    /// Whom it acts for.
    pub principal: Principal,
    /// Client software name and version, once it told (KIP-511).
    pub software: OnceLock<(String, String)>,
}

impl Peer {
    /// Somebody of whom no more is known than where they come from.
    pub fn new(address: SocketAddr, listener: Arc<str>) -> Self {
        Self {
            address,
            host: address.ip().to_canonical().to_string().into(),
            listener,
            principal: Principal::anonymous(),
            software: OnceLock::new(),
        }
    }
}
