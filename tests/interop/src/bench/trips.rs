//! Records that somebody waits for, one after the other, on sockets of our own: a client library's own
//! threads would be most of what is measured.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use limpid_protocol::messages::{FetchResponse, ProduceResponse};
use limpid_protocol::records::Codec;
use limpid_protocol::{Message, Reader};

use super::goals::RATE;
use super::histogram::Histogram;
use super::raw::Values;
use crate::talk;

/// Waits for all replicas.
const ALL: i16 = -1;
const FETCH_BYTES: i32 = 1 << 20;
/// A fetch waits half a second; after so many empty ones the record is lost.
const EMPTY_FETCHES_MAX: u32 = 20;
/// What the first trips cost is not counted: one in so many.
const WARM_UP: u64 = 10;

/// One producer's connection and the request it sends again and again.
struct Producer {
    stream: TcpStream,
    request: Bytes,
}

impl Producer {
    fn new(address: &str, topic: &str, partition: i32, bytes: usize) -> Result<Self> {
        let mut request = talk::produce(topic, ALL, talk::batch(Codec::None, &vec![b'x'; bytes])?);
        request.topic_data[0].partition_data[0].index = partition;
        Ok(Self {
            stream: talk::connect(address)?,
            request: talk::frame(&request, talk::PRODUCE)?,
        })
    }

    /// Sends a record and waits until it is acknowledged, at which offset.
    fn trip(&mut self) -> Result<i64> {
        self.stream.write_all(&self.request)?;
        let answer: ProduceResponse = answer(&mut self.stream, talk::PRODUCE)?;
        let partition = answer.responses.first();
        let partition = partition.and_then(|topic| topic.partition_responses.first());
        let partition = partition.context("an answer without a partition")?;
        ensure!(partition.error_code == 0, "refused: {partition:?}");
        Ok(partition.base_offset)
    }
}

/// The next answer; all that is asked for here has flexible headers.
fn answer<M: Message>(stream: &mut TcpStream, version: i16) -> Result<M> {
    let mut reader = Reader::new(talk::answer(stream)?);
    limpid_protocol::ResponseHeader::decode(&mut reader, 1)?;
    Ok(M::decode(&mut reader, version)?)
}

/// How many producers write for how long.
#[derive(Debug, Clone, Copy)]
pub struct Writers {
    /// Producers, each on a connection of its own; partitions are dealt out in turn.
    pub producers: usize,
    /// Partitions of the topic.
    pub partitions: i32,
    /// Bytes of a record.
    pub bytes: usize,
    /// How long this is not counted.
    pub warm_up: Duration,
    /// How long it is.
    pub time: Duration,
}

/// Producers with one record in flight each: acknowledgements a second and how long they took. Returns
/// also how many there were.
pub fn write(address: &str, topic: &str, writers: Writers) -> Result<(u64, Values)> {
    let begin = Instant::now() + writers.warm_up;
    let end = begin + writers.time;
    let one = |at: usize| -> Result<(Histogram, u64)> {
        let partition = i32::try_from(at)? % writers.partitions;
        let mut producer = Producer::new(address, topic, partition, writers.bytes)?;
        let (mut seen, mut all) = (Histogram::default(), 0);
        loop {
            let sent = Instant::now();
            if sent >= end {
                return Ok((seen, all));
            }
            producer.trip()?;
            all += 1;
            if sent >= begin {
                seen.add(sent.elapsed());
            }
        }
    };
    let (mut seen, mut all) = (Histogram::default(), 0);
    std::thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..writers.producers)
            .map(|at| scope.spawn(move || one(at)))
            .collect();
        for thread in threads {
            let (own, count) = thread
                .join()
                .map_err(|_| anyhow!("a producer panicked"))??;
            seen.merge(&own);
            all += count;
        }
        Ok(())
    })?;
    let mut values = seen.summary();
    let rate = seen.seen() as f64 / writers.time.as_secs_f64();
    values.insert(RATE.to_owned(), rate);
    Ok((all, values))
}

/// From sending a record to having it from a fetch that waits for it, one record at a time, as Kafka's
/// `EndToEndLatency` does it but told in microseconds.
pub fn end_to_end(address: &str, topic: &str, records: u64, bytes: usize) -> Result<Values> {
    let mut producer = Producer::new(address, topic, 0, bytes)?;
    let mut consumer = talk::connect(address)?;
    let first = producer.trip()? + 1;
    let counted = first + i64::try_from(records / WARM_UP)?;
    let end = counted + i64::try_from(records)?;
    let mut seen = Histogram::default();
    for next in first..end {
        let request = talk::fetch(topic, next, FETCH_BYTES);
        let fetch = talk::frame(&request, talk::FETCH)?;
        consumer.write_all(&fetch)?;
        let sent = Instant::now();
        let offset = producer.trip()?;
        ensure!(offset == next, "the record is at {offset}, not {next}");
        receive(&mut consumer, &fetch).with_context(|| format!("record {next}"))?;
        if next >= counted {
            seen.add(sent.elapsed());
        }
    }
    Ok(seen.summary())
}

/// Waits for the answer of a fetch that was sent, and asks again if it is empty.
fn receive(consumer: &mut TcpStream, fetch: &Bytes) -> Result<()> {
    for _ in 0..EMPTY_FETCHES_MAX {
        let answer: FetchResponse = answer(consumer, talk::FETCH)?;
        let partition = answer.responses.first();
        let partition = partition.and_then(|topic| topic.partitions.first());
        if let Some(partition) = partition {
            ensure!(
                partition.error_code == 0,
                "refused: {}",
                partition.error_code
            );
            if partition.records.iter().any(|run| !run.is_empty()) {
                return Ok(());
            }
        }
        consumer.write_all(fetch)?;
    }
    Err(anyhow!("{EMPTY_FETCHES_MAX} fetches were empty"))
}
