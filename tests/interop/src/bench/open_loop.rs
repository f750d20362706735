//! Records by the clock: so many are due each millisecond, whether the broker keeps up or not, and each
//! is measured from the moment at which it was due (no coordinated omission).

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};

use super::cases::Write;
use super::histogram::Histogram;
use super::native::{payloads, settings};
use super::raw::Values;
use crate::librdkafka::config;
use crate::process::pause;

const TICKS_PER_SECOND: u64 = 1_000;
/// What is not acknowledged this long after the last record was due is lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a topic is written with; nothing waits for more records.
pub const WRITE: Write = Write {
    records: 15_000_000,
    bytes: 100,
    partitions: 6,
    acks: "all",
    compression: "none",
    more: &[("linger.ms", "0")],
    tls: false,
};

/// Measures deliveries from when they were due.
struct Clock {
    begun: Instant,
    warm_up: Duration,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    times: Histogram,
    answered: u64,
    failed: u64,
}

impl ClientContext for Clock {}

impl ProducerContext for Clock {
    /// The millisecond in which the record was due.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, tick: usize) {
        let due = Duration::from_millis(tick as u64);
        let late = self.begun.elapsed().saturating_sub(due);
        let mut seen = self.seen.lock();
        seen.answered += 1;
        if result.is_err() {
            seen.failed += 1;
        } else if due >= self.warm_up {
            seen.times.add(late);
        }
    }
}

/// How many records are due in a tick, so that none are lost to rounding.
fn due(tick: u64, rate: f64) -> u64 {
    let until = |tick: u64| (tick as f64 * rate / TICKS_PER_SECOND as f64) as u64;
    until(tick + 1) - until(tick)
}

/// Writes at `rate` records a second for `warm_up` and then `time`; returns how many were written, too.
pub fn run(
    address: &str,
    topic: &str,
    rate: f64,
    warm_up: Duration,
    time: Duration,
) -> Result<(u64, Values)> {
    let clock = Clock {
        begun: Instant::now() + Duration::from_millis(200),
        warm_up,
        seen: Mutex::default(),
    };
    let begun = clock.begun;
    let mut config = config(address, &settings(&WRITE));
    // Records that are due wait here while the broker doesn't take them.
    config.set("queue.buffering.max.messages", "10000000");
    config.set("queue.buffering.max.kbytes", "2097151");
    let producer: ThreadedProducer<Clock> =
        ThreadedProducer::from_config_and_context(&config, clock)?;
    let payloads = payloads(WRITE.bytes);
    let ticks = u64::try_from((warm_up + time).as_millis())?;
    let (mut written, mut late_most) = (0, Duration::ZERO);
    for tick in 0..ticks {
        let at = begun + Duration::from_millis(tick);
        let now = Instant::now();
        if now < at {
            pause(at - now);
        } else if tick >= warm_up.as_millis() as u64 {
            late_most = late_most.max(now - at);
        }
        for _ in 0..due(tick, rate) {
            let payload = &payloads[written as usize % payloads.len()];
            send(&producer, topic, payload, usize::try_from(tick)?)?;
            written += 1;
        }
    }
    let patience = Instant::now() + PATIENCE;
    let clock = producer.client().context();
    while clock.seen.lock().answered < written {
        ensure!(Instant::now() < patience, "records without an answer");
        pause(Duration::from_millis(1));
    }
    let seen = clock.seen.lock();
    ensure!(seen.failed == 0, "{} records were refused", seen.failed);
    let mut values = seen.times.summary();
    values.insert("wanted_per_s".to_owned(), rate);
    values.insert(
        "client_late_max_ms".to_owned(),
        late_most.as_secs_f64() * 1e3,
    );
    Ok((written, values))
}

/// Hands a record over; a full queue is waited for, and the wait counts.
fn send(
    producer: &ThreadedProducer<Clock>,
    topic: &str,
    payload: &[u8],
    tick: usize,
) -> Result<()> {
    let patience = Instant::now();
    let mut record = BaseRecord::<[u8], [u8], usize>::with_opaque_to(topic, tick).payload(payload);
    while let Err((error, refused)) = producer.send(record) {
        if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
            return Err(anyhow!("{error}"));
        }
        ensure!(patience.elapsed() < PATIENCE, "the queue stays full");
        pause(Duration::from_millis(1));
        record = refused;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_due_as_the_rate_says() {
        for rate in [1.0, 999.0, 1_234.5, 190_000.0] {
            let all: u64 = (0..10_000).map(|tick| due(tick, rate)).sum();
            assert_eq!(all, (rate * 10.0) as u64, "{rate}");
        }
    }
}
