//! Log lines that a client can cause, at most so many per cause and kind of address.

use std::fmt::Display;
use std::sync::Arc;

use limpid_platform::clock::Clock;
use limpid_telemetry::logging::{AddressClass, RateLimiter};

use crate::peer::Peer;

/// Logs what clients do wrong.
pub struct ClientLog {
    limiter: RateLimiter,
    clock: Arc<dyn Clock>,
}

impl ClientLog {
    /// Lines go through `limiter`.
    pub fn new(limiter: RateLimiter, clock: Arc<dyn Clock>) -> Self {
        Self { limiter, clock }
    }

    /// The broker closed or refused a connection.
    pub fn closed(&self, cause: &'static str, peer: &Peer, reason: &dyn Display) {
        if !self.may_say(cause, peer) {
            return;
        }
        let software = peer.software.get();
        tracing::info!(
            cause,
            %reason,
            client.address = %peer.address,
            client.software = software.map_or("unknown", |(name, _)| name),
            client.version = software.map_or("unknown", |(_, version)| version),
            listener = %peer.listener,
            principal = %peer.principal,
            "connection closed"
        );
    }

    /// True if a line on something that a client did may be written now.
    pub fn may_say(&self, cause: &'static str, peer: &Peer) -> bool {
        let class = AddressClass::of(peer.address.ip());
        self.limiter.allow(cause, class, self.clock.monotonic())
    }

    /// True if a line on something that no single client did may be written now.
    pub fn may_say_at_all(&self, cause: &'static str) -> bool {
        self.limiter
            .allow(cause, AddressClass::Loopback, self.clock.monotonic())
    }

    /// Tells what was suppressed; to be called about once a second.
    pub fn tick(&self) {
        self.limiter.tick(self.clock.monotonic());
    }
}
