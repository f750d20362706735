//! Clients that go on whatever happens, until they are forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use limpid_interop::librdkafka::config;
use limpid_interop::process::pause;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

/// Between two records, or two reads.
const MOMENT: Duration = Duration::from_millis(200);

/// A client with a thread of its own.
pub struct Traffic {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Traffic {
    /// Takes its turns again and again.
    pub fn start(mut turn: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                turn();
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What it did wrong would have been seen in the alerts.
            thread.join().ok();
        }
    }
}

fn producer(address: &str) -> Result<BaseProducer> {
    let properties = [
        ("linger.ms", "0"),
        ("message.timeout.ms", "20000"),
        ("retry.backoff.ms", "100"),
        ("queue.buffering.max.messages", "1000"),
    ];
    Ok(config(address, &properties).create()?)
}

/// Writes five small records per second.
pub fn write(address: &str, topic: &str) -> Result<Traffic> {
    let (producer, topic) = (producer(address)?, topic.to_owned());
    Ok(Traffic::start(move || {
        let record = BaseRecord::<[u8], [u8]>::to(&topic)
            .partition(0)
            .payload(b"v");
        // A full queue is emptied by time.
        producer.send(record).ok();
        producer.poll(Duration::ZERO);
        pause(MOMENT);
    }))
}

/// Writes records of `bytes`, with a key of few, one after the other.
pub fn write_large(address: &str, topic: &str, bytes: usize, every: Duration) -> Result<Traffic> {
    let (producer, topic) = (producer(address)?, topic.to_owned());
    let value = vec![b'x'; bytes];
    let mut number = 0_u64;
    Ok(Traffic::start(move || {
        number += 1;
        let key = (number % 7).to_be_bytes();
        let record = BaseRecord::<[u8], [u8]>::to(&topic)
            .partition(0)
            .key(&key)
            .payload(&value);
        producer.send(record).ok();
        producer.flush(Duration::from_secs(2)).ok();
        pause(every);
    }))
}

/// Reads the end of a topic.
pub fn read(address: &str, topic: &str) -> Result<Traffic> {
    let properties = [
        ("group.id", "nobody's"),
        ("enable.auto.commit", "false"),
        ("fetch.wait.max.ms", "200"),
        ("fetch.error.backoff.ms", "100"),
    ];
    let reader: BaseConsumer = config(address, &properties).create()?;
    let mut end = TopicPartitionList::new();
    end.add_partition_offset(topic, 0, Offset::End)?;
    reader.assign(&end)?;
    Ok(Traffic::start(move || drop(reader.poll(MOMENT))))
}
