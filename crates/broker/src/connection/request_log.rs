//! A line for each request, for who turns it on: the logger `limpid.request` at DEBUG, as Kafka's
//! `kafka.request.logger`.

use std::time::Duration;

use limpid_telemetry::{SEEN, Stage};

use crate::handler::Peer;
use crate::request::Done;

/// Where the lines go: a target of its own, so that they can be had without others.
const TARGET: &str = "limpid::request";

/// Writes the line of a request, if anybody wants it.
pub(super) fn write(done: &Done, (peer, client_id): (&Peer, Option<&str>)) {
    if !SEEN {
        return;
    }
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let times = &done.times;
    tracing::debug!(
        target: TARGET,
        api = done.api.0.name(),
        version = done.api.1,
        error = done.error.name(),
        principal = %peer.principal,
        listener = %peer.listener,
        client.address = %peer.address,
        client.id = client_id.unwrap_or_default(),
        request.bytes = done.bytes.0,
        response.bytes = done.bytes.1,
        receive_ms = ms(times.get(Stage::Receive)),
        total_ms = ms(times.total().saturating_sub(times.get(Stage::Receive))),
        throttle_ms = ms(times.get(Stage::Throttle)),
        "request"
    );
}
