//! From the start of the process to the first acknowledged record.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use limpid_protocol::records::Codec;

use crate::peer::Peer;
use crate::process::pause;
use crate::{talk, wire};

const LIMIT: Duration = Duration::from_secs(120);
/// Between two attempts; the error of what is measured.
const POLL: Duration = Duration::from_millis(1);
const TOPIC: &str = "first";

/// Starts the process and returns how many milliseconds passed until it acknowledged a record, in a topic
/// that is made first if `new`.
pub fn first_acknowledged_ms(peer: &mut Peer, new: bool) -> Result<f64> {
    let (address, batch) = (peer.address(), talk::batch(Codec::None, b"first")?);
    let mut missing = new;
    let begun = Instant::now();
    peer.spawn()?;
    loop {
        peer.check_alive()?;
        // Until the broker has come so far, it refuses connections or answers with errors.
        if missing && wire::create_topic(&address, TOPIC, 1, &[]).is_ok() {
            missing = false;
        }
        if !missing && wire::produce(&address, TOPIC, 0, &batch).is_ok() {
            return Ok(begun.elapsed().as_secs_f64() * 1e3);
        }
        ensure!(begun.elapsed() < LIMIT, "nothing acknowledged in {LIMIT:?}");
        pause(POLL);
    }
}
