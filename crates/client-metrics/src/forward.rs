//! Pushes on their way to a receiver of OpenTelemetry over HTTP, as they came.
//!
//! Clients don't say who they are in their pushes, since the broker knows. So each resource of a push
//! gets a few attributes more; the rest stays as the client wrote it. A push that the receiver does
//! not take is counted and forgotten: the next one carries totals anyway. One thread sends, behind a
//! queue with a limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use limpid_platform::blocking::BlockingPool;
use limpid_telemetry::{Counter, Table};
use prost::encoding::{WireType, encode_key, encode_varint};
use ureq::Agent;
use ureq::tls::TlsConfig;

use crate::client::Client;
use crate::metrics::{Forwarded, PushMetrics};
use crate::otlp::{Field, Malformed, each, tag};

/// Pushes that wait to be sent on, and their bytes.
const QUEUE_MAX: usize = 256;
const QUEUE_BYTES_MAX: usize = 8 << 20;
/// The receiver must have answered by then.
const TIMEOUT: Duration = Duration::from_secs(5);
const CONTENT_TYPE: &str = "application/x-protobuf";

/// Sends pushes on.
pub struct Forwarder {
    shared: Arc<Shared>,
    pool: BlockingPool,
}

struct Shared {
    endpoint: String,
    agent: Agent,
    queued: AtomicUsize,
    metrics: PushMetrics,
    outcomes: Table<Counter, Forwarded>,
    /// The last attempt failed: said once.
    is_failing: AtomicBool,
    /// What still waits is not sent any more.
    is_over: AtomicBool,
}

impl Forwarder {
    /// To this URL, as the OTLP specification has it with its path (`…/v1/metrics`). Over HTTPS to whom
    /// `tls` believes, or else the public authorities.
    ///
    /// # Errors
    /// The system can't start a thread.
    pub fn new(
        endpoint: &str,
        tls: Option<TlsConfig>,
        metrics: PushMetrics,
    ) -> std::io::Result<Self> {
        let limit = i64::try_from(QUEUE_BYTES_MAX).unwrap_or(i64::MAX);
        metrics.forward_queued_max.set(limit);
        let outcomes = metrics.forwards.table();
        for outcome in Forwarded::ALL {
            outcomes.get(*outcome).inc_by(0);
        }
        let agent = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .tls_config(tls.unwrap_or_default());
        let shared = Shared {
            endpoint: endpoint.to_owned(),
            agent: agent.build().new_agent(),
            queued: AtomicUsize::new(0),
            outcomes,
            metrics,
            is_failing: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        };
        Ok(Self {
            shared: Arc::new(shared),
            pool: BlockingPool::new("limpid-otlp-forward", 1, QUEUE_MAX)?,
        })
    }

    /// Puts a push into the queue, if there is room. What is no push is left alone.
    pub(crate) fn forward(&self, client: &Client, bytes: &[u8]) {
        let Ok(body) = identified(bytes, client) else {
            return;
        };
        let length = body.len();
        let shared = Arc::clone(&self.shared);
        if !shared.admit(length) {
            shared.outcomes.get(Forwarded::Dropped).inc();
            return;
        }
        let job = {
            let shared = Arc::clone(&shared);
            move || {
                shared.send(&body);
                shared.release(length);
            }
        };
        if self.pool.submit(job).is_err() {
            shared.release(length);
            shared.outcomes.get(Forwarded::Dropped).inc();
        }
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        // The pool finishes what is queued, and a receiver may be slow.
        self.shared.is_over.store(true, Ordering::Release);
    }
}

impl Shared {
    fn admit(&self, bytes: usize) -> bool {
        let taken = self.queued.fetch_add(bytes, Ordering::Relaxed);
        let fits = taken + bytes <= QUEUE_BYTES_MAX;
        if !fits {
            self.queued.fetch_sub(bytes, Ordering::Relaxed);
        }
        self.note();
        fits
    }

    fn release(&self, bytes: usize) {
        self.queued.fetch_sub(bytes, Ordering::Relaxed);
        self.note();
    }

    fn note(&self) {
        let queued = self.queued.load(Ordering::Relaxed);
        let queued = i64::try_from(queued).unwrap_or(i64::MAX);
        self.metrics.forward_queued.set(queued);
    }

    fn send(&self, body: &[u8]) {
        if self.is_over.load(Ordering::Acquire) {
            self.outcomes.get(Forwarded::Dropped).inc();
            return;
        }
        let request = self.agent.post(&self.endpoint);
        let sent = request.header("content-type", CONTENT_TYPE).send(body);
        let outcome = match &sent {
            Ok(_) => Forwarded::Sent,
            Err(_) => Forwarded::Failed,
        };
        self.outcomes.get(outcome).inc();
        let was_failing = self.is_failing.swap(sent.is_err(), Ordering::Relaxed);
        match sent {
            Err(error) if !was_failing => {
                let endpoint = &self.endpoint;
                tracing::warn!(%endpoint, %error, "metrics of clients can't be sent on");
            }
            Ok(_) if was_failing => {
                tracing::info!(endpoint = %self.endpoint, "metrics of clients are sent on again");
            }
            _ => {}
        }
    }
}

/// The push, with who the client is in each of its resources.
fn identified(push: &[u8], client: &Client) -> Result<Vec<u8>, Malformed> {
    let mut attributes = Vec::new();
    for (key, value) in [
        ("client_instance_id", client.instance.to_string().as_str()),
        ("client_id", client.id.as_str()),
        ("client_software_name", client.software_name.as_str()),
        ("client_software_version", client.software_version.as_str()),
        ("client_source_address", client.address.as_str()),
    ] {
        if !value.is_empty() {
            let mut any = Vec::new();
            put(tag::STRING_VALUE, value.as_bytes(), &mut any);
            let mut pair = Vec::new();
            put(tag::KEY, key.as_bytes(), &mut pair);
            put(tag::VALUE, &any, &mut pair);
            put(tag::RESOURCE_ATTRIBUTES, &pair, &mut attributes);
        }
    }
    let mut out = Vec::with_capacity(push.len() + attributes.len() + 16);
    each(push, |number, field| {
        if let (tag::RESOURCE_METRICS, Field::Bytes(metrics)) = (number, field) {
            put(number, &with_attributes(metrics, &attributes)?, &mut out);
        }
        Ok(())
    })?;
    Ok(out)
}

/// `ResourceMetrics` whose resource has these attributes, too: its other fields are all bytes.
fn with_attributes(metrics: &[u8], attributes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let (mut resource, mut rest) = (Vec::new(), Vec::with_capacity(metrics.len()));
    each(metrics, |number, field| {
        match (number, field) {
            (tag::RESOURCE, Field::Bytes(bytes)) => resource.extend_from_slice(bytes),
            (_, Field::Bytes(bytes)) => put(number, bytes, &mut rest),
            _ => {}
        }
        Ok(())
    })?;
    resource.extend_from_slice(attributes);
    let mut out = Vec::with_capacity(resource.len() + rest.len() + 8);
    put(tag::RESOURCE, &resource, &mut out);
    out.extend_from_slice(&rest);
    Ok(out)
}

/// A field with a length.
fn put(tag: u32, bytes: &[u8], out: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests;
