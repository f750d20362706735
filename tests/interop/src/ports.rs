//! Ports for peers, from a range of the tests' own below the ephemeral one: a port must survive a
//! restart of its broker, so "any free port" (0) is not enough.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

const FIRST: u16 = 19_300;
const LAST: u16 = 19_499;

/// A port of the range that nobody listens on at the moment; each is handed out once.
///
/// # Errors
/// When the range is used up.
pub fn next() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(FIRST);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        if port > LAST {
            bail!("every port from {FIRST} to {LAST} is taken");
        }
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
}
