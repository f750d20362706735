use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Context;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::task::JoinHandle;

use super::*;
use crate::byte_stream::{Movable, Pipe, Probed};

const KIB: usize = 1024;
/// Far beyond what is read without a turn.
const BODY_BYTES: usize = 1024 * KIB;
const MOMENT: Duration = Duration::from_millis(20);

/// Reads one frame off a pipe, while somebody else may hold the only turn.
fn reader(turns: &Arc<Turns>) -> (DuplexStream, JoinHandle<Result<Vec<u8>, FrameError>>) {
    let (stream, client) = Pipe::new(256 * KIB);
    (client, reading(stream, turns))
}

/// Of frames up to this size, with time for each.
fn reader_of(frame_bytes_max: usize, turns: &Arc<Turns>) -> FrameReader {
    let limits = FrameLimits {
        frame_bytes_max,
        idle: Duration::from_secs(60),
        body: Duration::from_secs(60),
    };
    FrameReader::new(limits, Arc::clone(turns))
}

fn reading(
    mut stream: impl ByteStream,
    turns: &Arc<Turns>,
) -> JoinHandle<Result<Vec<u8>, FrameError>> {
    let mut reader = reader_of(2 * BODY_BYTES, turns);
    tokio::spawn(async move {
        let limit = 8 * BODY_BYTES;
        let stats = limpid_telemetry::Registry::new().pool("request_memory", limit as u64);
        let memory = RequestMemory::new(limit, 2 * BODY_BYTES, stats);
        let frame = reader.next(&mut stream, &memory).await?;
        Ok(frame.bytes.to_vec())
    })
}

fn frame() -> Vec<u8> {
    let length = i32::try_from(BODY_BYTES).expect("a length");
    let body = (0..BODY_BYTES).map(|at| (at % 251) as u8);
    length.to_be_bytes().into_iter().chain(body).collect()
}

#[tokio::test]
async fn who_sends_nothing_keeps_no_turn() {
    let turns = Arc::new(Turns::new(1));
    let (mut client, reading) = reader(&turns);
    let frame = frame();
    let (first, rest) = frame.split_at(BODY_BYTES / 2);
    client.write_all(first).await.expect("it is read");
    tokio::time::sleep(MOMENT).await;
    let turn = timeout(MOMENT, turns.next()).await;
    drop(turn.expect("the reader waits with the turn in its hand"));
    client.write_all(rest).await.expect("it is read");
    let read = reading.await.expect("no panic").expect("a frame");
    assert!(read == frame[PREFIX_BYTES..], "other bytes than were sent");
}

#[tokio::test]
async fn a_long_read_waits_for_its_turn() {
    let turns = Arc::new(Turns::new(1));
    let turn = turns.next().await;
    let (mut client, reading) = reader(&turns);
    let frame = frame();
    let written = timeout(MOMENT, client.write_all(&frame)).await;
    assert!(written.is_err(), "all was read while it was not its turn");
    drop(turn);
    drop(client);
    let read = reading.await.expect("no panic");
    assert!(matches!(read, Err(FrameError::Torn { .. })), "{read:?}");
}

/// Counts the reads that bring something.
struct Counted(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(context, into);
        self.1
            .fetch_add(usize::from(read.is_ready()), Ordering::Relaxed);
        read
    }
}

impl Movable for Counted {}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[tokio::test]
async fn a_frame_that_trickles_is_read_in_few_pieces() {
    const TRICKLED: usize = 600;
    let reads = Arc::new(AtomicUsize::new(0));
    let (stream, mut client) = tokio::io::duplex(256 * KIB);
    let stream = Probed::over(Counted(stream, Arc::clone(&reads)));
    let reading = reading(stream, &Arc::new(Turns::new(1)));
    let frame = frame();
    let (first, rest) = frame.split_at(TRICKLED);
    for piece in first.chunks(1) {
        client.write_all(piece).await.expect("it is read");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let pieces = reads.load(Ordering::Relaxed);
    // A busy machine makes the sender slower, not the reader.
    assert!(pieces < TRICKLED / 3, "{pieces} reads of {TRICKLED} bytes");
    client.write_all(rest).await.expect("it is read");
    let read = reading.await.expect("no panic").expect("a frame");
    assert!(read == frame[PREFIX_BYTES..], "other bytes than were sent");
}

#[test]
fn pauses_grow_to_their_limit() {
    let pauses: Vec<u128> = (1..30)
        .filter_map(pause_after)
        .map(|p| p.as_millis())
        .collect();
    assert_eq!(pauses[..11], [1, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256]);
    assert_eq!(pauses.len(), 29 - SMALL_READS_FREE as usize);
    assert_eq!(pause_after(u32::MAX), Some(PAUSE_MAX));
}

/// Sends frames of such lengths, each behind the other, and takes them with this much memory.
async fn frames(lengths: &[usize], limit: usize, each: impl Fn(usize, Frame<'_>)) {
    let (mut stream, mut client) = Pipe::new(256 * KIB);
    let sending: Vec<usize> = lengths.to_vec();
    let sent = tokio::spawn(async move {
        for length in sending {
            let prefix = i32::try_from(length).expect("a length").to_be_bytes();
            client.write_all(&prefix).await.expect("it is read");
            client
                .write_all(&vec![7; length])
                .await
                .expect("it is read");
        }
        client
    });
    let mut reader = reader_of(limit / 2, &Arc::new(Turns::new(1)));
    let stats = limpid_telemetry::Registry::new().pool("request_memory", limit as u64);
    let memory = RequestMemory::new(limit, limit / 2, stats);
    for (at, length) in lengths.iter().enumerate() {
        let frame = reader.next(&mut stream, &memory).await.expect("a frame");
        assert_eq!(frame.bytes.len(), *length);
        each(at, frame);
    }
    sent.await.expect("no panic");
}

#[tokio::test]
async fn a_frame_has_its_memory_alone_and_not_much_more_once_the_connection_is_known() {
    frames(&[BODY_BYTES, BODY_BYTES], 64 * BODY_BYTES, |at, frame| {
        let alone = frame.bytes.try_into_mut().expect("nobody else has it");
        if at > 0 {
            let most = BODY_BYTES + READ_BYTES;
            assert!(alone.capacity() <= most, "{} bytes", alone.capacity());
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_connection_sent_before_is_not_reserved_when_memory_is_short() {
    let known = 512 * KIB;
    for (limit, advance) in [(64 * BODY_BYTES, known), (4 * BODY_BYTES, READ_BYTES)] {
        let (mut stream, mut client) = Pipe::new(256 * KIB);
        let stats = limpid_telemetry::Registry::new().pool("request_memory", limit as u64);
        let used = Arc::clone(&stats);
        let memory = RequestMemory::new(limit, limit / 2, stats);
        let mut reader = reader_of(limit / 2, &Arc::new(Turns::new(1)));
        reader.largest = known;
        let announced = i32::try_from(BODY_BYTES).expect("a length").to_be_bytes();
        client.write_all(&announced).await.expect("room");
        client.write_all(&[7; 100]).await.expect("room");
        let next = reader.next(&mut stream, &memory);
        assert!(timeout(MOMENT, next).await.is_err(), "it is not whole");
        assert_eq!(used.high_water(), advance as u64, "of {limit}");
    }
}
