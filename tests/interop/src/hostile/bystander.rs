//! A producer and a consumer that measure how long they wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use limpid_protocol::records::Codec;
use parking_lot::Mutex;

use crate::process::pause;
use crate::talk;

/// Between two records.
const PACE: Duration = Duration::from_millis(2);
const RECORD_BYTES: usize = 100;
const FETCH_BYTES: i32 = 1 << 20;

/// What was waited for, in the order in which it happened.
#[derive(Debug, Default, Clone)]
pub struct Waits {
    /// From a record's request to its acknowledgement.
    pub produce: Vec<Duration>,
    /// From a fetch of that record to its answer.
    pub fetch: Vec<Duration>,
}

/// The two, on a thread of their own.
#[derive(Debug)]
pub struct Bystander {
    waits: Arc<Mutex<Waits>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<()>>,
}

impl Bystander {
    /// Begins to write to a topic and to read from it.
    ///
    /// # Errors
    /// When the broker can't be reached.
    pub fn start(address: &str, topic: &str) -> Result<Self> {
        let (waits, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let mut life = Life {
            producer: talk::connect(address)?,
            consumer: talk::connect(address)?,
            topic: topic.to_owned(),
            waits: Arc::clone(&waits),
            stop: Arc::clone(&stop),
        };
        let thread = std::thread::Builder::new()
            .name("bystander".into())
            .spawn(move || life.live())?;
        Ok(Self {
            waits,
            stop,
            thread,
        })
    }

    /// What was measured since this was asked last.
    ///
    /// # Errors
    /// When it has ended.
    pub fn take(&self) -> Result<Waits> {
        ensure!(
            !self.thread.is_finished(),
            "the bystander was refused something"
        );
        Ok(std::mem::take(&mut *self.waits.lock()))
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it was refused anything at any time.
    pub fn end(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.join();
        ended.map_err(|_| anyhow::anyhow!("the bystander panicked"))?
    }
}

struct Life {
    producer: std::net::TcpStream,
    consumer: std::net::TcpStream,
    topic: String,
    waits: Arc<Mutex<Waits>>,
    stop: Arc<AtomicBool>,
}

impl Life {
    fn live(&mut self) -> Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            let records = talk::batch(Codec::None, &[b'x'; RECORD_BYTES])?;
            let request = talk::produce(&self.topic, -1, records);
            let begun = Instant::now();
            let answer = talk::call(&mut self.producer, &request, talk::PRODUCE)
                .context("the bystander's record")?;
            let produce = begun.elapsed();
            let partition = &answer.responses[0].partition_responses[0];
            ensure!(
                partition.error_code == 0,
                "the bystander was refused: {partition:?}"
            );
            let begun = Instant::now();
            let request = talk::fetch(&self.topic, partition.base_offset, FETCH_BYTES);
            let answer = talk::call(&mut self.consumer, &request, talk::FETCH)
                .context("the bystander's fetch")?;
            let fetch = begun.elapsed();
            let partition = &answer.responses[0].partitions[0];
            ensure!(
                partition.error_code == 0 && !partition.records.is_empty(),
                "the bystander read nothing: {}",
                partition.error_code
            );
            let mut waits = self.waits.lock();
            waits.produce.push(produce);
            waits.fetch.push(fetch);
            drop(waits);
            pause(PACE);
        }
        Ok(())
    }
}
