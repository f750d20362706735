//! What clients push of their own metrics (KIP-714).
//!
//! A client asks which metrics it is to push and how often ([`ClientMetrics::ask`]) and pushes them as
//! OpenTelemetry's `MetricsData` ([`ClientMetrics::push`]). Who is asked for what stands in resources of
//! type CLIENT_METRICS, or is the default. A push is answered before it is read: reading happens on a
//! thread of its own, behind a queue with a limit, and a push that can't be read or has no room is
//! counted and forgotten. A client is never told so: Java and franz-go would stop for good.
//!
//! Totals are asked for (`delta_temporality` false): a lost push loses nothing.

mod client;
mod collector;
mod forward;
mod instances;
mod metrics;
pub mod otlp;
mod subscriptions;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use limpid_config::client_metrics::Subscription;
use limpid_platform::blocking::BlockingPool;
use limpid_platform::clock::Clock;
use limpid_protocol::records::Codec;
use limpid_protocol::{ErrorCode, Uuid};
use limpid_telemetry::{Counter, Table};
use parking_lot::Mutex;

pub use self::client::Client;
pub use self::collector::{Pushed, families};
pub use self::forward::Forwarder;
pub use self::instances::INSTANCES_MAX;
use self::instances::Instances;
use self::metrics::Outcome;
pub use self::metrics::PushMetrics;
use self::subscriptions::Wanted;
use self::values::SERIES_MAX;
pub use self::values::Series;
#[cfg(not(feature = "testing"))]
use self::values::Values;
#[cfg(feature = "testing")]
pub use self::values::{SERIES_BYTES_OF_CLIENT_MAX, Taken, Values};

/// Codecs that a push may have, the best first: Java takes the first.
pub const CODECS: [Codec; 4] = [Codec::Zstd, Codec::Lz4, Codec::Gzip, Codec::Snappy];
/// Pushes that wait to be read, and their bytes.
const QUEUE_MAX: usize = 1_024;
const QUEUE_BYTES_MAX: usize = 16 << 20;
/// A push may be so many times larger than its compressed form may be.
const EXPANSION_MAX: usize = 8;

/// Receives metrics of clients.
pub struct ClientMetrics {
    instances: Mutex<Instances>,
    reader: Arc<Reader>,
    pool: BlockingPool,
    clock: Arc<dyn Clock>,
}

/// What reads pushes, on its own thread.
struct Reader {
    values: Arc<Values>,
    queued: AtomicUsize,
    metrics: PushMetrics,
    pushes: Table<Counter, Outcome>,
    forwarder: Option<Forwarder>,
}

/// What holds for clients now.
pub struct Rules<'a> {
    /// The stored subscriptions.
    pub subscriptions: &'a [Subscription],
    /// Whether clients that none of them fits are asked for a few metrics.
    pub with_default: bool,
    /// `telemetry.max.bytes`.
    pub bytes_max: usize,
}

/// What a client is to push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Names the subscription in pushes.
    pub subscription_id: i32,
    /// Milliseconds between two pushes.
    pub interval_ms: i32,
    /// Prefixes of names; `[""]` is everything.
    pub metrics: Vec<String>,
}

/// A push as it came.
pub struct Push {
    /// The subscription that it follows.
    pub subscription_id: i32,
    /// The client won't push again.
    pub is_last: bool,
    /// Kafka's number of a codec.
    pub compression: i8,
    /// Compressed `MetricsData`.
    pub metrics: Bytes,
}

impl ClientMetrics {
    /// Starts the thread that reads. What was read goes on to `forwarder`, if there is one.
    ///
    /// # Errors
    /// The system can't start it.
    pub fn new(
        clock: Arc<dyn Clock>,
        metrics: PushMetrics,
        forwarder: Option<Forwarder>,
    ) -> std::io::Result<Self> {
        let size = |limit: usize| i64::try_from(limit).unwrap_or(i64::MAX);
        metrics.clients_max.set(size(INSTANCES_MAX));
        metrics.series_max.set(size(SERIES_MAX));
        metrics.queued_max.set(size(QUEUE_BYTES_MAX));
        Ok(Self {
            instances: Mutex::default(),
            reader: Arc::new(Reader {
                values: Arc::default(),
                queued: AtomicUsize::new(0),
                pushes: metrics.pushes.table(),
                metrics,
                forwarder,
            }),
            pool: BlockingPool::new("limpid-client-metrics", 1, QUEUE_MAX)?,
            clock,
        })
    }

    /// What shows the values to Prometheus.
    #[must_use]
    pub fn collector(&self) -> Pushed {
        Pushed::new(Arc::clone(&self.reader.values), Arc::clone(&self.clock))
    }

    /// A client asks what it is to push.
    ///
    /// # Errors
    /// THROTTLING_QUOTA_EXCEEDED: it asks too often.
    pub fn ask(&self, rules: &Rules<'_>, client: &Client) -> Result<Request, ErrorCode> {
        let now = self.clock.monotonic();
        let mut instances = self.instances.lock();
        let wanted = wanted(rules, &instances, client);
        let subscription_id = wanted.id(client);
        let interval = interval(&wanted);
        instances.ask(client.instance, subscription_id, interval, now)?;
        self.note_clients(&instances);
        Ok(Request {
            subscription_id,
            interval_ms: wanted.interval_ms,
            metrics: wanted.metrics,
        })
    }

    /// A client pushes. Success does not mean that its values can be read.
    ///
    /// # Errors
    /// - THROTTLING_QUOTA_EXCEEDED, UNKNOWN_SUBSCRIPTION_ID, INVALID_REQUEST (it said goodbye before).
    /// - UNSUPPORTED_COMPRESSION_TYPE, TELEMETRY_TOO_LARGE.
    pub fn push(&self, rules: &Rules<'_>, client: Client, push: Push) -> Result<(), ErrorCode> {
        let accepted = self.accept(rules, &client, &push);
        let (interval, codec) = accepted.inspect_err(|error| {
            self.reader.pushes.get(Outcome::Refused).inc();
            if *error == ErrorCode::UnknownSubscriptionId {
                self.reader.metrics.unknown.inc();
            }
        })?;
        let room = rules.bytes_max.saturating_mul(EXPANSION_MAX);
        self.queue(client, push, codec, interval, room);
        Ok(())
    }

    fn accept(
        &self,
        rules: &Rules<'_>,
        client: &Client,
        push: &Push,
    ) -> Result<(Duration, Codec), ErrorCode> {
        let now = self.clock.monotonic();
        let mut instances = self.instances.lock();
        let wanted = wanted(rules, &instances, client);
        let interval = interval(&wanted);
        instances.push(
            client.instance,
            push.subscription_id,
            (wanted.id(client), interval),
            push.is_last,
            now,
        )?;
        self.note_clients(&instances);
        let codec = u8::try_from(push.compression).ok().and_then(Codec::from_id);
        let Some(codec) = codec else {
            instances.must_ask(client.instance);
            return Err(ErrorCode::UnsupportedCompressionType);
        };
        if push.metrics.len() > rules.bytes_max {
            return Err(ErrorCode::TelemetryTooLarge);
        }
        Ok((interval, codec))
    }

    /// Leaves a push to the reader, unless there is too much of it.
    fn queue(&self, client: Client, push: Push, codec: Codec, interval: Duration, room: usize) {
        let length = push.metrics.len();
        let reader = Arc::clone(&self.reader);
        let clock = Arc::clone(&self.clock);
        let dropped = || self.reader.pushes.get(Outcome::Dropped).inc();
        if !reader.admit(length) {
            dropped();
            return;
        }
        let submitted = self.pool.submit(move || {
            reader.read(client, &push, codec, interval, room, clock.monotonic());
            reader.release(length);
        });
        if submitted.is_err() {
            self.reader.release(length);
            dropped();
        }
    }

    fn note_clients(&self, instances: &Instances) {
        let clients = i64::try_from(instances.count()).unwrap_or(i64::MAX);
        self.reader.metrics.clients.set(clients);
    }
}

fn wanted(rules: &Rules<'_>, instances: &Instances, client: &Client) -> Wanted {
    let clients = instances.count();
    subscriptions::wanted(rules.subscriptions, rules.with_default, clients, client)
}

fn interval(wanted: &Wanted) -> Duration {
    Duration::from_millis(wanted.interval_ms.unsigned_abs().into())
}

impl Reader {
    /// Takes room in the queue.
    fn admit(&self, bytes: usize) -> bool {
        let taken = self.queued.fetch_add(bytes, Ordering::Relaxed);
        let fits = taken + bytes <= QUEUE_BYTES_MAX;
        if !fits {
            self.queued.fetch_sub(bytes, Ordering::Relaxed);
        }
        self.note_queue();
        fits
    }

    fn release(&self, bytes: usize) {
        self.queued.fetch_sub(bytes, Ordering::Relaxed);
        self.note_queue();
    }

    fn note_queue(&self) {
        let queued = self.queued.load(Ordering::Relaxed);
        self.metrics
            .queued
            .set(i64::try_from(queued).unwrap_or(i64::MAX));
    }

    fn read(
        &self,
        client: Client,
        push: &Push,
        codec: Codec,
        interval: Duration,
        room: usize,
        now: Duration,
    ) {
        let id: Uuid = client.instance;
        if !push.metrics.is_empty() {
            let mut bytes = Vec::new();
            let read = codec
                .decompress(&push.metrics, room, &mut bytes)
                .map_err(|error| error.to_string())
                .and_then(|()| {
                    if let Some(forwarder) = &self.forwarder {
                        forwarder.forward(&client, &bytes);
                    }
                    let (taken, read) = self.values.take(Arc::new(client), &bytes, interval, now);
                    self.metrics.left_out.inc_by(taken.left_out);
                    read.map_err(|error| error.to_string())
                });
            let outcome = match &read {
                Ok(()) => Outcome::Taken,
                Err(_) => Outcome::Malformed,
            };
            if let Err(error) = read {
                tracing::debug!(client.instance = %id, %error, "a push of metrics can't be read");
            }
            self.pushes.get(outcome).inc();
        }
        if push.is_last {
            self.values.forget(id);
        }
        let (_, series) = self.values.count();
        self.metrics
            .series
            .set(i64::try_from(series).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests;
