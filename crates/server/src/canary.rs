//! The canary: a client that writes one small record per interval and waits until it can read it
//! again, over TCP by the address that clients are told, with TLS and a login if its listener asks for
//! them. What it measures is what a client sees.
//!
//! It reads where it writes, partition 0, from the end that it found there; a read waits at the broker
//! before the record is written, as that of any consumer that keeps up. Whatever fails makes it look
//! for topic and end anew, with key stores read anew.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use limpid_broker::drain::Drain;
use limpid_client::{
    Access, Client, ClientConfig, ClientError, FetchFrom, FetchLimits, LATEST, Producer,
    ProducerConfig, Record, TopicPartition, TopicSpec,
};
use limpid_config::{BrokerConfig, CanaryConfig};
use limpid_platform::clock::Clock;
use limpid_protocol::ErrorCode;
use limpid_protocol::records::Batches;
use limpid_storage::metadata::changes::Endpoint;
use limpid_telemetry::{Counter, Registry, Table, buckets, label_enum, metrics};
use tokio::runtime::Handle;
use tokio::time::{Instant, MissedTickBehavior, timeout};

use crate::error::StartError;

/// `client.id` of the canary.
const CLIENT_ID: &str = "limpid-canary";
/// What takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long one read waits at the broker.
const READ_WAIT: Duration = Duration::from_secs(2);
/// Bytes of one read: its own records are small, those of other nodes' canaries as well.
const READ_BYTES: i32 = 64 * 1024;
/// Settings of a topic that the canary makes: nobody needs its records for long.
const TOPIC_CONFIGS: [(&str, &str); 2] =
    [("retention.ms", "3600000"), ("segment.bytes", "1048576")];

label_enum! {
    /// What the canary was at.
    pub enum CanaryStage {
        /// Looking for its topic, or making it, and for the end of that.
        Topic = "topic",
        /// Writing, until the acknowledgement.
        Produce = "produce",
        /// Reading what it wrote.
        Consume = "consume",
    }
}

metrics! {
    /// The canary.
    pub struct CanaryMetrics {
        /// Time from giving a record to a producer until a consumer had it, both over TCP.
        pub seconds: histogram[buckets::REQUEST_SECONDS] = "limpid_canary_seconds";
        /// Records that could not be written or read again within ten seconds, by what failed first.
        pub failures: counter { stage: CanaryStage } = "limpid_canary_failures_total";
        /// When a record last came back, in seconds since 1970; 0 before the first.
        pub last_success: float_gauge = "limpid_canary_last_success_timestamp_seconds";
    }
}

/// What failed, and why.
type Failed = (CanaryStage, ClientError);

struct Canary {
    config: CanaryConfig,
    at: TopicPartition,
    /// Where it begins, and how long it tries.
    reach: ClientConfig,
    client: Client,
    producer: Option<Producer>,
    /// Where to read on; `None` when that must be found out.
    position: Option<i64>,
    /// Tells its records from those of others.
    name: String,
    sent: u64,
    metrics: CanaryMetrics,
    failures: Table<Counter, CanaryStage>,
    clock: Arc<dyn Clock>,
}

/// Starts the canary, if `limpid.canary.topic` asks for one. `endpoints` are what clients are told.
pub(crate) fn start(
    config: &BrokerConfig,
    endpoints: &[Endpoint],
    (registry, clock): (&Registry, Arc<dyn Clock>),
    runtime: &Handle,
    drain: &Drain,
) -> Result<(), StartError> {
    let Some(canary) = config.canary.clone() else {
        return Ok(());
    };
    let fits = |endpoint: &&Endpoint| endpoint.security_protocol == canary.protocol.code();
    let none = || StartError::Canary(canary.protocol.name());
    let address = endpoints.iter().find(fits).ok_or_else(none)?;
    let access = Access::load(&canary.security)?;
    let metrics = CanaryMetrics::register(registry)?;
    let failures = metrics.failures.table();
    for stage in CanaryStage::ALL {
        failures.get(*stage).inc_by(0);
    }
    let reach = ClientConfig {
        bootstrap_servers: vec![(address.host.clone(), address.port)],
        client_id: CLIENT_ID.to_owned(),
        request_timeout: TIMEOUT,
        api_timeout: TIMEOUT,
        connection_setup_timeout: TIMEOUT,
        ..ClientConfig::default()
    };
    let canary = Canary {
        at: TopicPartition::new(&canary.topic, 0),
        config: canary,
        client: access.client(reach.clone()),
        reach,
        producer: None,
        position: None,
        name: format!("{}/{}", config.node.id, clock.wall_ms()),
        sent: 0,
        metrics,
        failures,
        clock,
    };
    runtime.spawn(canary.run(drain.clone()));
    Ok(())
}

impl Canary {
    async fn run(mut self, mut drain: Drain) {
        let mut turns = tokio::time::interval(Duration::from_millis(self.config.interval_ms));
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_well = true;
        loop {
            tokio::select! {
                biased;
                () = drain.begun() => return,
                _ = turns.tick() => {}
            }
            let done = tokio::select! {
                biased;
                () = drain.begun() => return,
                done = Box::pin(self.round()) => done,
            };
            match done {
                Ok(took) => {
                    self.metrics.seconds.observe_duration(took);
                    let now = self.clock.wall_ms() as f64 / 1_000.0;
                    self.metrics.last_success.set(now);
                    if !std::mem::replace(&mut is_well, true) {
                        tracing::info!(topic.name = %self.at.topic, "the canary is well again");
                    }
                }
                Err((stage, error)) => {
                    self.failures.get(stage).inc();
                    (self.position, self.producer) = (None, None);
                    self.enter_anew().await;
                    if std::mem::replace(&mut is_well, false) {
                        let topic = &self.at.topic;
                        tracing::warn!(topic.name = %topic, ?stage, %error, "the canary failed");
                    }
                }
            }
        }
    }

    /// Certificates may have been replaced since. What can't be read leaves things as they are.
    async fn enter_anew(&mut self) {
        if self.config.security.tls.is_none() {
            return;
        }
        let security = self.config.security.clone();
        let loaded = tokio::task::spawn_blocking(move || Access::load(&security)).await;
        match loaded {
            Ok(Ok(access)) => self.client = access.client(self.reach.clone()),
            Ok(Err(error)) => tracing::debug!(%error, "the canary's key stores can't be read"),
            Err(error) => tracing::debug!(%error, "key stores were not read"),
        }
    }

    /// One record there and back.
    async fn round(&mut self) -> Result<Duration, Failed> {
        let position = match self.position {
            Some(position) => position,
            None => self.find_end().await.map_err(|e| (CanaryStage::Topic, e))?,
        };
        self.sent += 1;
        let value = Bytes::from(format!("{}/{}", self.name, self.sent));
        let new_producer = || Producer::new(self.client.clone(), producer_config());
        let producer = self.producer.get_or_insert_with(new_producer);
        let record = Record {
            topic: self.at.topic.clone(),
            partition: Some(self.at.partition),
            value: Some(value.clone()),
            ..Record::default()
        };
        let began = Instant::now();
        let writing = async {
            let sent = producer.send(record).await;
            let acknowledged = sent.map_err(produce)?.acknowledged().await;
            acknowledged.map_err(produce)
        };
        let reading = async {
            let read = timeout(
                TIMEOUT,
                read_until(&self.client, &self.at, position, &value),
            );
            match read.await {
                Ok(read) => Ok((read.map_err(consume)?, began.elapsed())),
                Err(_) => Err(consume(late(&self.at))),
            }
        };
        let (_, (next, took)) = tokio::try_join!(writing, reading)?;
        self.position = Some(next);
        Ok(took)
    }

    async fn find_end(&self) -> Result<i64, ClientError> {
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let spec = TopicSpec {
            name: self.at.topic.clone(),
            partitions: 1,
            replication_factor: -1,
            configs: TOPIC_CONFIGS.into_iter().map(owned).collect(),
        };
        match self.client.create_topic(&spec).await {
            Err(error) if error.code() != Some(ErrorCode::TopicAlreadyExists) => return Err(error),
            _ => {}
        }
        let asked = [(self.at.clone(), LATEST)];
        let found = self.client.list_offsets(&asked).await?;
        Ok(found.get(&self.at).map_or(0, |end| end.offset))
    }
}

fn produce(error: ClientError) -> Failed {
    (CanaryStage::Produce, error)
}

fn consume(error: ClientError) -> Failed {
    (CanaryStage::Consume, error)
}

fn producer_config() -> ProducerConfig {
    ProducerConfig {
        linger: Duration::ZERO,
        max_block: TIMEOUT,
        delivery_timeout: TIMEOUT,
        ..ProducerConfig::default()
    }
}

fn late(at: &TopicPartition) -> ClientError {
    use limpid_client::ErrorKind;
    use limpid_protocol::ApiKey;
    ClientError {
        host: None,
        api: ApiKey::Fetch,
        kind: ErrorKind::Missing(format!("the record that was written to {at}")),
    }
}

/// Reads from an offset on until this value comes; the offset after it.
async fn read_until(
    client: &Client,
    at: &TopicPartition,
    mut position: i64,
    value: &Bytes,
) -> Result<i64, ClientError> {
    let limits = FetchLimits {
        max_wait: READ_WAIT,
        bytes_min: 1,
        bytes_max: READ_BYTES,
    };
    loop {
        let from = FetchFrom {
            at: at.clone(),
            offset: position,
            bytes_max: READ_BYTES,
        };
        for fetched in client.fetch(&[from], limits).await {
            let records = fetched.result?.records;
            // What can't be read is passed over: it is not the canary's.
            for batch in Batches::new(&records).filter_map(Result::ok) {
                position = position.max(batch.header().next_offset());
                let mut records = batch.records().into_iter().flatten();
                let is_it = |record: limpid_protocol::records::RecordView<'_>| {
                    record.value == Some(&value[..])
                };
                if records.any(|record| record.is_ok_and(is_it)) {
                    return Ok(position);
                }
            }
        }
    }
}
