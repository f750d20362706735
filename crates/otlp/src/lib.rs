//! Sends spans to an OpenTelemetry collector.
//!
//! [`start`] gives a [`SpanSink`]: a bounded queue and a task that
//! turns requests into OpenTelemetry's spans (`convert`) and sends them in batches by OTLP, over
//! HTTP or gRPC (`transport`), through TLS if the address says so. Encoding is `opentelemetry-otlp`'s;
//! gRPC, for one unary call, is five bytes before the message and a status after it, which `hyper` can do alone: `tonic`
//! would cost more to build than everything else here.
//!
//! What must never be here: what a request is, beyond its span.

mod convert;
mod metrics;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use limpid_telemetry::spans::{RequestSpan, SpanSink};
use limpid_telemetry::{Counter, Gauge};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter as _;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use self::convert::Converter;
use self::metrics::Lost;
pub use self::metrics::SpanMetrics;
use self::transport::Collector;

/// Most requests that wait to be sent.
pub const QUEUE_MAX: usize = 2_048;
/// Most requests in one batch.
const BATCH_MAX: usize = 256;
/// How long a batch is waited for.
const EVERY: Duration = Duration::from_secs(1);

/// How spans are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `application/grpc` over HTTP/2.
    Grpc,
    /// Protobuf over HTTP/1.1.
    Http,
}

/// Where spans are sent, and whose they are.
#[derive(Debug, Clone)]
pub struct Options {
    /// `http://host:port` or `https://host:port`; over HTTP with the path, `/v1/traces` if there is none.
    pub endpoint: String,
    /// How.
    pub protocol: Protocol,
    /// Whom to believe at `https://`.
    pub tls: Option<rustls::ClientConfig>,
    /// The name of the cluster.
    pub cluster: String,
    /// The broker's id.
    pub node_id: i32,
    /// The version of the binary.
    pub version: &'static str,
}

/// The exporter can't be made of its options.
#[derive(Debug, thiserror::Error)]
#[error("spans can't be sent: {0}")]
pub struct OptionsError(#[from] ExporterBuildError);

/// The queue.
struct Queue {
    sender: mpsc::Sender<RequestSpan>,
    queued: Gauge,
    dropped: Counter,
}

impl SpanSink for Queue {
    fn take(&self, span: RequestSpan) {
        match self.sender.try_send(span) {
            Ok(()) => self.queued.inc(),
            Err(_) => self.dropped.inc(),
        }
    }
}

/// Starts to send, on a runtime that may be kept waiting by it.
///
/// # Errors
/// The endpoint is no address.
pub fn start(
    options: &Options,
    metrics: &SpanMetrics,
    runtime: &Handle,
) -> Result<Arc<dyn SpanSink>, OptionsError> {
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
        .with_http_client(Collector::new(options.protocol, options.tls.clone()))
        .with_endpoint(address(options))
        .build()?;
    exporter.set_resource(&resource(options));
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    metrics.queue_max.set(QUEUE_MAX as i64);
    runtime.spawn(run(exporter, receiver, metrics.clone()));
    Ok(Arc::new(Queue {
        sender,
        queued: metrics.queue.clone(),
        dropped: metrics.dropped.bind(Lost::Queue),
    }))
}

fn address(options: &Options) -> String {
    let endpoint = options.endpoint.trim_end_matches('/');
    let authority = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest);
    match options.protocol {
        Protocol::Grpc => format!("{endpoint}{}", transport::GRPC_PATH),
        Protocol::Http if authority.contains('/') => endpoint.to_owned(),
        Protocol::Http => format!("{endpoint}/v1/traces"),
    }
}

fn resource(options: &Options) -> Resource {
    use opentelemetry::KeyValue;
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", "limpid"),
            KeyValue::new("service.version", options.version),
            KeyValue::new("service.instance.id", options.node_id.to_string()),
            KeyValue::new("messaging.system", "kafka"),
            KeyValue::new("limpid.cluster.name", options.cluster.clone()),
        ])
        .build()
}

async fn run(
    exporter: SpanExporter,
    mut receiver: mpsc::Receiver<RequestSpan>,
    metrics: SpanMetrics,
) {
    let converter = Converter::new();
    let lost = metrics.dropped.bind(Lost::Export);
    let mut requests = Vec::with_capacity(BATCH_MAX);
    let mut failing = false;
    while receiver.recv_many(&mut requests, BATCH_MAX).await > 0 {
        let end = tokio::time::Instant::now() + EVERY;
        while requests.len() < BATCH_MAX {
            let room = BATCH_MAX - requests.len();
            let more = receiver.recv_many(&mut requests, room);
            match tokio::time::timeout_at(end, more).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        let count = requests.len();
        metrics.queue.add(-(count as i64));
        let spans = requests.drain(..).flat_map(|one| converter.spans(one));
        match exporter.export(spans.collect()).await {
            Ok(()) => {
                metrics.exported.inc_by(count as u64);
                failing = false;
            }
            Err(error) => {
                lost.inc_by(count as u64);
                // Said once, until it works again.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "spans could not be sent");
                }
            }
        }
    }
}
