//! The services: each writes its log, at a rate that changes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use limpid_client::{Client, ClientError, Producer, ProducerConfig, Record};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use crate::noise::Noise;
use crate::plan::Service;

/// How often records are written.
const TICK: Duration = Duration::from_millis(100);
/// How long batches wait for company: few requests, little load.
const LINGER: Duration = Duration::from_millis(100);
/// Pause after an error.
const ERROR_PAUSE: Duration = Duration::from_secs(1);
/// Records of one tick at most: a process that slept does not make up for it.
const BURST_MAX: usize = 100;

/// Writes until it is told to stop.
pub(crate) async fn run(service: &'static Service, client: Client, stop: watch::Receiver<bool>) {
    let config = ProducerConfig {
        compression: service.codec,
        linger: LINGER,
        ..ProducerConfig::default()
    };
    let producer = Producer::new(client, config);
    let mut noise = Noise::new(now_ms());
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (began, mut owed) = (Instant::now(), 0.0);
    while !*stop.borrow() {
        ticks.tick().await;
        owed += (service.rate)(began.elapsed()) * TICK.as_secs_f64();
        let count = (owed as usize).min(BURST_MAX);
        owed -= owed.floor();
        if let Err(error) = write(service, &producer, &mut noise, count).await {
            tracing::warn!(service = service.name, %error, "log lines lost");
            tokio::time::sleep(ERROR_PAUSE).await;
        }
    }
    producer.close().await;
}

async fn write(
    service: &Service,
    producer: &Producer,
    noise: &mut Noise,
    count: usize,
) -> Result<(), ClientError> {
    for _ in 0..count {
        let (key, line) = noise.line(service.name, now_ms());
        // What becomes of it the producer logs; a log line is not worth waiting for.
        producer
            .send(Record::keyed(service.topic, key, line))
            .await?;
    }
    Ok(())
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
