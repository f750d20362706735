//! Requests that the broker was slow with: a line in the log, and the last of them to be looked at.
//!
//! Slow is what the broker took for itself, from `limpid.request.slow.ms` on. The time until a request
//! is there is the client's, and what a fetch or a rebalance waits for was asked for: neither counts.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use limpid_cluster::{SlowRequest, StageTime};
use limpid_platform::clock::Clock;
use limpid_telemetry::ring::{Ring, RingMetrics, RingStats};
use limpid_telemetry::{Counter, SEEN, Stage, StageTimes, Table};

use crate::client_log::ClientLog;
use crate::metrics::{Api, SlowRequestMetrics};
use crate::peer::Peer;
use crate::request::Done;
use crate::touched::Touched;

/// Where the lines go: a target of its own, so that they can be had or left without others.
const TARGET: &str = "limpid::slow_request";
/// Most slow requests that are kept.
pub const SLOW_REQUESTS_MAX: usize = 256;
/// Longest name of a client that is kept.
const CLIENT_ID_CHARS_MAX: usize = 256;
/// No request is slow.
const NEVER: u64 = u64::MAX;

/// Knows the slow requests.
pub struct SlowRequests {
    /// Nanoseconds from which a request is slow.
    from_ns: AtomicU64,
    last: Ring<SlowRequest>,
    counted: Table<Counter, Api>,
    log: Arc<ClientLog>,
    clock: Arc<dyn Clock>,
}

impl SlowRequests {
    /// Nothing is slow before [`SlowRequests::follow`].
    pub fn new(
        metrics: &SlowRequestMetrics,
        rings: &RingMetrics,
        log: Arc<ClientLog>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            from_ns: AtomicU64::new(NEVER),
            last: Ring::new(SLOW_REQUESTS_MAX, RingStats::new(rings, "slow_requests")),
            counted: metrics.slow.table(),
            log,
            clock,
        }
    }

    /// Takes over `limpid.request.slow.ms`; `None` turns it off.
    pub fn follow(&self, slow_ms: Option<u64>) {
        let ns = slow_ms.map_or(NEVER, |ms| ms.saturating_mul(1_000_000));
        self.from_ns.store(ns, Ordering::Relaxed);
    }

    /// The last ones, newest first.
    pub fn newest(&self) -> Vec<Arc<SlowRequest>> {
        self.last.newest()
    }

    /// Looks whether an answered request was slow.
    pub fn answered(
        &self,
        done: &Done,
        (peer, client_id): (&Peer, Option<&str>),
        touched: &Touched,
    ) {
        if !SEEN {
            return;
        }
        if own_nanos(&done.times) < self.from_ns.load(Ordering::Relaxed) {
            return;
        }
        self.counted.get(done.counted_as()).inc();
        let request = self.describe(done, (peer, client_id), touched);
        if self.log.may_say("slow_request", peer) {
            write(&request);
        }
        self.last.push(request);
    }

    fn describe(
        &self,
        done: &Done,
        (peer, client_id): (&Peer, Option<&str>),
        touched: &Touched,
    ) -> SlowRequest {
        let times = &done.times;
        let stages = times.iter().map(|(stage, time)| StageTime {
            stage: limpid_telemetry::LabelEnum::as_str(stage),
            ms: ms(time),
        });
        let client_id = client_id.unwrap_or_default();
        SlowRequest {
            at_ms: self.clock.wall_ms(),
            api: done.api.0.name(),
            version: done.api.1,
            error: done.error.name(),
            client_id: client_id.chars().take(CLIENT_ID_CHARS_MAX).collect(),
            principal: peer.principal.to_string(),
            listener: peer.listener.to_string(),
            address: peer.address.to_string(),
            request_bytes: done.bytes.0,
            response_bytes: done.bytes.1,
            total_ms: ms(times.total().saturating_sub(times.get(Stage::Receive))),
            own_ms: ms(Duration::from_nanos(own_nanos(times))),
            stages: stages.collect(),
            topics: touched.names().map(str::to_owned).collect(),
            topics_left_out: touched.left_out(),
        }
    }
}

/// What the broker took for itself.
fn own_nanos(times: &StageTimes) -> u64 {
    times.nanos_without(&[Stage::Receive, Stage::Purgatory, Stage::Throttle])
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn write(request: &SlowRequest) {
    let mut stages = String::new();
    for StageTime { stage, ms } in &request.stages {
        if *ms > 0.0 {
            // Writing to a string does not fail.
            write!(stages, "{stage}={ms:.3} ").ok();
        }
    }
    tracing::warn!(
        target: TARGET,
        api = request.api,
        version = request.version,
        error = request.error,
        client.id = request.client_id,
        principal = request.principal,
        listener = request.listener,
        client.address = request.address,
        request.bytes = request.request_bytes,
        response.bytes = request.response_bytes,
        total_ms = request.total_ms,
        own_ms = request.own_ms,
        stages_ms = stages.trim_end(),
        topics = request.topics.join(","),
        topics_left_out = request.topics_left_out,
        "slow request"
    );
}
