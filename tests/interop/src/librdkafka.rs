//! Producing and reading with librdkafka.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::records::{Partitions, Received, Record};

/// Everything must be acknowledged or read within this.
const LIMIT: Duration = Duration::from_secs(30);

/// Client properties shared by all uses.
#[must_use]
pub fn config(address: &str, properties: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address);
    for (key, value) in properties {
        config.set(*key, *value);
    }
    config
}

/// Sends records in order, to `partition` or, without one, wherever the partitioner says, and
/// waits until all are acknowledged.
///
/// # Errors
/// When the producer can't be made or a record is not acknowledged.
pub fn produce(
    address: &str,
    properties: &[(&str, &str)],
    topic: &str,
    partition: Option<i32>,
    records: &[Record],
) -> Result<()> {
    let producer: BaseProducer = config(address, properties).create()?;
    for record in records {
        let mut message: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic);
        message.partition = partition;
        message.key = record.key.as_deref();
        message.payload = record.value.as_deref();
        if !record.headers.is_empty() {
            let headers = record
                .headers
                .iter()
                .fold(OwnedHeaders::new(), |all, (key, value)| {
                    all.insert(Header {
                        key,
                        value: value.as_deref(),
                    })
                });
            message.headers = Some(headers);
        }
        producer.send(message).map_err(|(error, _)| error)?;
    }
    producer.flush(LIMIT)?;
    ensure!(
        producer.in_flight_count() == 0,
        "records left without an acknowledgement"
    );
    Ok(())
}

/// Reads a topic from its beginning with an assignment until every partition reported its end.
///
/// # Errors
/// When an error or the time limit comes first.
pub fn read(address: &str, topic: &str, written: &Partitions) -> Result<Received> {
    let mut received = Received::new();
    read_each(
        address,
        topic,
        i32::try_from(written.len())?,
        |partition, offset, record| {
            received
                .entry(partition)
                .or_default()
                .push((offset, record));
        },
    )?;
    Ok(received)
}

/// As [`read`], for many topics at once: a consumer takes half a second until it begins.
///
/// # Errors
/// As [`read`].
pub fn read_all(
    address: &str,
    topics: &BTreeMap<String, Partitions>,
) -> Result<BTreeMap<String, Received>> {
    let mut received: BTreeMap<String, Received> = BTreeMap::new();
    let mut assignment = TopicPartitionList::new();
    for (topic, written) in topics {
        received.insert(topic.clone(), Received::new());
        add_partitions(&mut assignment, topic, i32::try_from(written.len())?)?;
    }
    read_assigned(address, &assignment, |message| {
        let offset = message.offset();
        let record = record(message)?;
        let topic = received.get_mut(message.topic());
        let topic = topic.with_context(|| format!("{} was not assigned", message.topic()))?;
        let partition = topic.entry(message.partition()).or_default();
        partition.push((offset, record));
        Ok(())
    })?;
    Ok(received)
}

/// As [`read`], handing each record (partition, offset, record) to `each`.
///
/// # Errors
/// When an error comes first, or nothing comes within the time limit.
pub fn read_each(
    address: &str,
    topic: &str,
    partitions: i32,
    mut each: impl FnMut(i32, i64, Record),
) -> Result<()> {
    let mut assignment = TopicPartitionList::new();
    add_partitions(&mut assignment, topic, partitions)?;
    read_assigned(address, &assignment, |message| {
        each(message.partition(), message.offset(), record(message)?);
        Ok(())
    })
    .with_context(|| topic.to_owned())
}

fn add_partitions(to: &mut TopicPartitionList, topic: &str, partitions: i32) -> Result<()> {
    for partition in 0..partitions {
        to.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    Ok(())
}

/// Reads until all that is assigned has reported its end: which topic an end belongs to is not told,
/// but the partition's number is, and so ends are counted by that.
fn read_assigned(
    address: &str,
    assignment: &TopicPartitionList,
    mut each: impl FnMut(&BorrowedMessage<'_>) -> Result<()>,
) -> Result<()> {
    let consumer: BaseConsumer = config(
        address,
        &[
            // Required by the library; with an assignment no group is ever joined.
            ("group.id", "unused"),
            ("enable.auto.commit", "false"),
            ("enable.partition.eof", "true"),
            ("fetch.wait.max.ms", "50"),
        ],
    )
    .create()?;
    consumer.assign(assignment)?;
    let mut progress = Instant::now();
    let mut ends: BTreeMap<i32, usize> = BTreeMap::new();
    for element in assignment.elements() {
        *ends.entry(element.partition()).or_default() += 1;
    }
    while ends.values().any(|left| *left > 0) {
        ensure!(progress.elapsed() < LIMIT, "nothing came within {LIMIT:?}");
        match consumer.poll(Duration::from_millis(100)) {
            None => continue,
            Some(Ok(message)) => each(&message)?,
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                let left = ends.entry(partition).or_default();
                *left = left.saturating_sub(1);
            }
            Some(Err(error)) => bail!("{error}"),
        }
        progress = Instant::now();
    }
    Ok(())
}

fn record(message: &BorrowedMessage<'_>) -> Result<Record> {
    let mut headers = Vec::new();
    if let Some(all) = message.headers() {
        for at in 0..all.count() {
            let header = all.try_get(at).context("a header is missing")?;
            headers.push((header.key.to_owned(), header.value.map(<[u8]>::to_vec)));
        }
    }
    Ok(Record {
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers,
    })
}
