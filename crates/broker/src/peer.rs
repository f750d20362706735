//! Who sits at the other end of a connection.

use std::any::Any;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use limpid_security::Principal;
use parking_lot::Mutex;

use crate::audit::record::Who;
use crate::metrics::SoftwareConnection;

/// Most things that are kept for a connection.
const KEPT_MAX: usize = 16;

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
    /// Counts the connection for that software.
    pub counted: OnceLock<SoftwareConnection>,
    /// What ends with the connection.
    kept: Mutex<VecDeque<Box<dyn Any + Send + Sync>>>,
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
            counted: OnceLock::new(),
            kept: Mutex::default(),
        }
    }

    /// Who it is, for the audit.
    pub fn who(&self) -> Who {
        Who {
            principal: self.principal.to_string(),
            client_id: String::new(),
            listener: self.listener.to_string(),
            address: self.host.to_string(),
        }
    }

    /// Keeps something until the connection ends; the oldest goes when there is too much.
    pub fn keep(&self, thing: Box<dyn Any + Send + Sync>) {
        let mut kept = self.kept.lock();
        kept.push_back(thing);
        let oldest = (kept.len() > KEPT_MAX).then(|| kept.pop_front());
        // Things are dropped when the lock is free.
        drop(kept);
        drop(oldest);
    }
}
