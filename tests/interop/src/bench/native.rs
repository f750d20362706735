//! librdkafka driven as its own performance tool does: one thread that produces for as long as the queue
//! takes records and counts delivery reports, one that consumes and only counts.
//!
//! The `rdkafka` crate names the topic anew for each record, which the tool doesn't; it costs both brokers'
//! client the same.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};
use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};

use super::cases::Write;
use crate::chance::Chance;
use crate::librdkafka::config;

/// Nothing may take longer than this without any progress.
const LIMIT: Duration = Duration::from_secs(60);
/// What `rdkafka_performance` sets.
const QUEUE_RECORDS: &str = "500000";
/// As `rdkafka_performance`, as many records as it can hold are read ahead. By default that is 100,000 in
/// each partition and then a second without fetching, which is all that is measured with small records.
const READING: [(&str, &str); 5] = [
    ("group.id", "unused"),
    ("enable.auto.commit", "false"),
    ("queued.min.messages", "1000000"),
    ("queued.max.messages.kbytes", "1048576"),
    ("fetch.queue.backoff.ms", "10"),
];
/// Delivery reports are taken after so many records.
const TURN: u64 = 100;
/// Payloads take turns, so that compression finds about half of each in the ones before.
const PAYLOADS: usize = 512;

/// Counts what is delivered and what is not.
#[derive(Debug, Default)]
struct Count {
    delivered: AtomicU64,
    failed: AtomicU64,
}

impl ClientContext for Count {}

impl ProducerContext for Count {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let count = match result {
            Ok(_) => &self.delivered,
            Err(_) => &self.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Some payloads, each half random letters and half words that repeat.
pub fn payloads(bytes: usize) -> Vec<Vec<u8>> {
    const WORDS: &[u8] =
        b"{\"level\":\"info\",\"service\":\"orders\",\"host\":\"node-17\",\"id\":\"";
    let mut chance = Chance::new(7);
    let mut one = || -> Vec<u8> {
        let words = WORDS.iter().cycle().take(bytes / 2).copied();
        let letters =
            (bytes / 2..bytes).map(|_| b"0123456789abcdef"[chance.within(0..16) as usize]);
        words.chain(letters).collect()
    };
    (0..PAYLOADS).map(|_| one()).collect()
}

/// The settings of a producer.
pub fn settings(write: &Write) -> Vec<(&'static str, &'static str)> {
    let mut settings = vec![
        ("acks", write.acks),
        ("compression.type", write.compression),
        ("queue.buffering.max.messages", QUEUE_RECORDS),
    ];
    settings.extend(write.more);
    settings
}

/// Produces records at full speed and returns how many were acknowledged in a second.
pub fn produce(address: &str, topic: &str, records: u64, write: &Write) -> Result<f64> {
    let config = config(address, &settings(write));
    let producer: BaseProducer<Count> =
        BaseProducer::from_config_and_context(&config, Count::default())?;
    let payloads = payloads(write.bytes);
    let begun = Instant::now();
    for at in 0..records {
        let payload = &payloads[at as usize % payloads.len()];
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).payload(payload);
        while let Err((error, refused)) = producer.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                return Err(anyhow!("{error}"));
            }
            ensure!(begun.elapsed() < LIMIT * 10, "the queue stays full");
            producer.poll(Duration::from_millis(1));
            record = refused;
        }
        if at % TURN == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    while producer.in_flight_count() > 0 {
        ensure!(begun.elapsed() < LIMIT * 10, "not all is acknowledged");
        producer.poll(Duration::from_millis(1));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let count = producer.client().context();
    let delivered = count.delivered.load(Ordering::Relaxed);
    let failed = count.failed.load(Ordering::Relaxed);
    ensure!(
        delivered == records,
        "{delivered} of {records} records were delivered, {failed} failed"
    );
    Ok(records as f64 / seconds)
}

/// Reads records from a topic's beginning and returns how many came in a second, from the first one on.
pub fn consume(address: &str, topic: &str, partitions: i32, records: u64) -> Result<f64> {
    let consumer: BaseConsumer = config(address, &READING).create()?;
    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        assignment.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let (mut count, mut bytes) = (0, 0);
    let mut begun = Instant::now();
    while count < records {
        match consumer.poll(LIMIT) {
            None => bail!("nothing came within {LIMIT:?} after {count} records"),
            Some(record) => bytes += record?.payload_len(),
        }
        if count == 0 {
            begun = Instant::now();
        }
        count += 1;
    }
    ensure!(bytes > 0, "all records were empty");
    Ok(records as f64 / begun.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_of_their_length_and_differ() {
        let payloads = payloads(100);
        assert!(payloads.iter().all(|payload| payload.len() == 100));
        assert_ne!(payloads[0], payloads[1]);
        assert_eq!(payloads[0][..50], payloads[1][..50]);
    }
}
