//! Ports for peers, from a range of the tests' own below the ephemeral one: a port must survive a
//! restart of its broker, so "any free port" (0) is not enough. Runs at the same time take different
//! ranges, since a port whose broker is being replaced looks free.

use std::fs::File;
use std::net::TcpListener;

use anyhow::{Context, Result, bail};
use parking_lot::Mutex;
use rustix::fs::{FlockOperation, flock};

const FIRST: u16 = 19_300;
/// Ports of one run: the whole suite takes some 250 today, one after the other.
const EACH: u16 = 1_000;
/// Runs at the same time.
const RUNS: u16 = 8;

/// The range of this process, held by a lock that ends with it.
struct Range {
    _lock: File,
    last: u16,
    next: u16,
}

static RANGE: Mutex<Option<Range>> = Mutex::new(None);

/// A port of the range that nobody listens on at the moment; each is handed out once.
///
/// # Errors
/// When the range is used up, or every range is.
pub fn next() -> Result<u16> {
    let mut range = RANGE.lock();
    if range.is_none() {
        *range = Some(Range::take()?);
    }
    let range = range.as_mut().context("just taken")?;
    while range.next <= range.last {
        let port = range.next;
        range.next += 1;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("every port up to {} is taken", range.last)
}

impl Range {
    fn take() -> Result<Self> {
        for run in 0..RUNS {
            let name = format!("limpid-interop-ports-{run}.lock");
            let lock = File::create(std::env::temp_dir().join(name))?;
            if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
                let first = FIRST + run * EACH;
                return Ok(Self {
                    _lock: lock,
                    last: first + EACH - 1,
                    next: first,
                });
            }
        }
        bail!("{RUNS} runs of the interop tests hold all ranges of ports")
    }
}
