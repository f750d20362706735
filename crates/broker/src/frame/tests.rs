use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

use super::*;
use crate::byte_stream::Pipe;

const KIB: usize = 1024;
/// Far beyond what is read without a turn.
const BODY_BYTES: usize = 1024 * KIB;
const MOMENT: Duration = Duration::from_millis(20);

/// Reads one frame off a pipe, while somebody else may hold the only turn.
fn reader(turns: &Arc<Turns>) -> (DuplexStream, JoinHandle<Result<Vec<u8>, FrameError>>) {
    let limits = FrameLimits {
        frame_bytes_max: 2 * BODY_BYTES,
        idle: Duration::from_secs(60),
        body: Duration::from_secs(60),
    };
    let (mut stream, client) = Pipe::new(256 * KIB);
    let mut reader = FrameReader::new(limits, Arc::clone(turns));
    let reading = tokio::spawn(async move {
        let limit = 8 * BODY_BYTES;
        let stats = limpid_telemetry::Registry::new().pool("request_memory", limit as u64);
        let memory = RequestMemory::new(limit, 2 * BODY_BYTES, stats);
        let frame = reader.next(&mut stream, &memory).await?;
        Ok(frame.bytes.to_vec())
    });
    (client, reading)
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
