//! Producers over many connections: prepared batches, one request in flight on each connection, so that
//! what is measured is the broker and not its client.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use limpid_protocol::messages::ProduceRequest;
use limpid_protocol::records::{BatchBuilder, Codec};
use limpid_protocol::{Message, Reader, Request, ResponseHeader};

use crate::process::pause;
use crate::talk;

/// Records of a batch.
pub const RECORDS: u64 = 100;
const RECORD_BYTES: usize = 100;
/// Threads that share the connections.
const THREADS: usize = 2;

/// A batch of [`RECORDS`] records of 100 bytes.
///
/// # Errors
/// None in practice.
pub fn batch() -> Result<Bytes> {
    let mut builder = BatchBuilder::new(Codec::None);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let now = i64::try_from(now.as_millis())?;
    for _ in 0..RECORDS {
        builder.append(now, None, Some(&[b'x'; RECORD_BYTES]), &[])?;
    }
    builder.build().context("a batch")
}

/// A request that writes a batch to a partition and waits for it.
///
/// # Errors
/// When it can't be encoded.
pub fn produce_frame(topic: &str, partition: i32, batch: &Bytes) -> Result<Bytes> {
    let mut request = talk::produce(topic, -1, batch.clone());
    request.topic_data[0].partition_data[0].index = partition;
    talk::frame(&request, talk::PRODUCE)
}

/// Sends such a request on a connection of its own.
///
/// # Errors
/// When it is refused.
pub fn written(address: &str, frame: &Bytes) -> Result<()> {
    let mut stream = talk::connect(address)?;
    stream.write_all(frame)?;
    acknowledged(&mut stream)
}

fn acknowledged(stream: &mut TcpStream) -> Result<()> {
    let mut reader = Reader::new(talk::answer(stream)?);
    ResponseHeader::decode(
        &mut reader,
        ProduceRequest::KEY.response_header_version(talk::PRODUCE),
    )?;
    let answer = <ProduceRequest as Request>::Response::decode(&mut reader, talk::PRODUCE)?;
    let partition = &answer.responses[0].partition_responses[0];
    ensure!(
        partition.error_code == 0,
        "a record was refused: {partition:?}"
    );
    Ok(())
}

/// Connections with a batch, ready to be sent to many partitions.
#[derive(Debug)]
pub struct Crowd {
    streams: Vec<Vec<TcpStream>>,
    frames: Vec<Bytes>,
}

impl Crowd {
    /// Connects; `to` are the partitions that are written to by turns.
    ///
    /// # Errors
    /// When the broker refuses a connection.
    pub fn connect(address: &str, connections: usize, to: &[(&str, i32)]) -> Result<Self> {
        let batch = batch()?;
        let frames = to
            .iter()
            .map(|(topic, partition)| produce_frame(topic, *partition, &batch));
        let frames = frames.collect::<Result<_>>()?;
        let share = |thread| (0..connections).skip(thread).step_by(THREADS);
        let connect = |thread| share(thread).map(|_| talk::connect(address)).collect();
        let streams = (0..THREADS).map(connect).collect::<Result<_>>()?;
        Ok(Self { streams, frames })
    }

    /// Writes this many batches on all connections; the time it took.
    ///
    /// # Errors
    /// When anything is refused.
    pub fn write(&mut self, batches: usize) -> Result<Duration> {
        let (begun, frames) = (Instant::now(), &self.frames);
        let threads = self.streams.iter_mut().enumerate();
        std::thread::scope(|scope| {
            let running: Vec<_> = threads
                .map(|(thread, streams)| {
                    let turns = (0..batches).skip(thread).step_by(THREADS);
                    scope.spawn(move || by_turns(streams, frames, turns))
                })
                .collect();
            for thread in running {
                let ended = thread
                    .join()
                    .map_err(|_| anyhow::anyhow!("a writer panicked"))?;
                ended?;
            }
            Ok::<_, anyhow::Error>(())
        })?;
        Ok(begun.elapsed())
    }
}

/// One request in flight on each connection: the answer of the last one is read before the next.
fn by_turns(
    streams: &mut [TcpStream],
    frames: &[Bytes],
    turns: impl Iterator<Item = usize>,
) -> Result<()> {
    let (count, mut sent) = (streams.len(), 0);
    for turn in turns {
        let stream = &mut streams[sent % count];
        if sent >= count {
            acknowledged(stream)?;
        }
        stream.write_all(&frames[turn % frames.len()])?;
        sent += 1;
    }
    for at in sent.saturating_sub(count)..sent {
        acknowledged(&mut streams[at % count])?;
    }
    Ok(())
}

/// Sends one request after another for a while, at a pace; how long each took from the moment when it
/// was due, in milliseconds.
///
/// # Errors
/// When anything is refused.
pub fn paced(
    time: Duration,
    per_second: f64,
    mut send: impl FnMut(usize) -> Result<()>,
) -> Result<Vec<f64>> {
    let (begun, mut waits) = (Instant::now(), Vec::new());
    loop {
        let due = Duration::from_secs_f64(waits.len() as f64 / per_second);
        if due >= time {
            return Ok(waits);
        }
        pause(due.saturating_sub(begun.elapsed()));
        send(waits.len())?;
        waits.push((begun.elapsed().saturating_sub(due)).as_secs_f64() * 1_000.0);
    }
}

/// Writes single records of 100 bytes at a pace; see [`paced`].
///
/// # Errors
/// When one is refused.
pub fn trickle(address: &str, topic: &str, time: Duration, per_second: f64) -> Result<Vec<f64>> {
    let record = talk::batch(Codec::None, &[b'x'; RECORD_BYTES])?;
    let frame = produce_frame(topic, 0, &record)?;
    let mut stream = talk::connect(address)?;
    paced(time, per_second, |_| {
        stream.write_all(&frame)?;
        acknowledged(&mut stream)
    })
}
