//! Writing an answer: runs of bytes, and what goes from a file to the socket without being read.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use limpid_platform::pipes::send_with_more;
use limpid_protocol::{Chunks, Gap, Run};
use tokio::io::{AsyncWriteExt, Interest};

use crate::answer_memory;
use crate::byte_stream::ByteStream;
use crate::piped::PipedRuns;
use crate::promptly::within;

use super::context::ConnectionContext;
use super::end::End;

/// Most runs of bytes handed to one writev.
const WRITE_SLICES_MAX: usize = 64;
/// As many as most answers have: a head, a body, and perhaps records and what is behind them.
const FEW_SLICES: usize = 4;

/// Writes an answer: its head, its body, and what fills the gaps of that.
pub(super) async fn send(
    stream: &mut impl ByteStream,
    (head, body, piped): (BytesMut, Chunks, PipedRuns),
    context: &ConnectionContext,
) -> Result<(), End> {
    let mut runs = body.into_runs();
    runs.insert(0, Run::Bytes(head.freeze()));
    write(stream, runs, piped, context).await
}

/// Writes everything; a peer that reads nothing for `connections.max.idle.ms` ends the connection, and
/// sooner, when others need the memory.
pub(super) async fn write(
    stream: &mut impl ByteStream,
    mut runs: Vec<Run>,
    mut piped: PipedRuns,
    context: &ConnectionContext,
) -> Result<(), End> {
    let patience = context.limits.idle;
    let mut stalled = Duration::ZERO;
    let mut rest = &mut runs[..];
    while !rest.is_empty() {
        let step = answer_memory::STALLED.min(patience.saturating_sub(stalled));
        let written = within(|| step, pin!(write_some(stream, rest, &mut piped))).await;
        match written {
            None => {
                stalled += step;
                if stalled >= patience || context.answers.is_short() {
                    return Err(End::SlowReader(stalled));
                }
            }
            Some(Ok(0)) => return Err(End::Send(io::ErrorKind::WriteZero.into())),
            Some(Ok(written)) => {
                stalled = Duration::ZERO;
                rest = without_written(rest, written);
            }
            Some(Err(error)) => return Err(End::Send(error)),
        }
    }
    // TLS may still hold some of it.
    match within(|| patience, pin!(stream.flush())).await {
        None => Err(End::SlowReader(patience)),
        Some(flushed) => flushed.map_err(End::Send),
    }
}

/// Writes what of the first runs there is room for.
async fn write_some(
    stream: &mut impl ByteStream,
    runs: &[Run],
    piped: &mut PipedRuns,
) -> io::Result<usize> {
    if let Some(Run::Gap(gap)) = runs.first() {
        return fill(stream, *gap, runs.len() > 1, piped).await;
    }
    let mut first = runs.iter().take(WRITE_SLICES_MAX + 1);
    let is_before_gap = first.any(|run| matches!(run, Run::Gap(_)));
    match (is_before_gap, stream.socket()) {
        // So that the few bytes before a gap are not sent on their own.
        (true, Some(socket)) => {
            let write = || with_slices(runs, |slices| send_with_more(socket, slices));
            socket.async_io(Interest::WRITABLE, write).await
        }
        _ => {
            poll_fn(|context| {
                let stream = Pin::new(&mut *stream);
                with_slices(runs, |slices| stream.poll_write_vectored(context, slices))
            })
            .await
        }
    }
}

/// Hands on the bytes that runs begin with, up to the first gap. The list of them is made where they are
/// written and not kept meanwhile: room for many is a thousand bytes, which every connection would have.
fn with_slices<T>(runs: &[Run], write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
    match runs.len() {
        ..=FEW_SLICES => write(gathered(runs, &mut [IoSlice::new(&[]); FEW_SLICES])),
        _ => write(gathered(runs, &mut [IoSlice::new(&[]); WRITE_SLICES_MAX])),
    }
}

fn gathered<'s, 'r>(runs: &'r [Run], slices: &'s mut [IoSlice<'r>]) -> &'s [IoSlice<'r>] {
    let mut count = 0;
    for (slice, run) in slices.iter_mut().zip(runs) {
        let Run::Bytes(bytes) = run else { break };
        *slice = IoSlice::new(bytes);
        count += 1;
    }
    &slices[..count]
}

async fn fill(
    stream: &mut impl ByteStream,
    gap: Gap,
    more: bool,
    piped: &mut PipedRuns,
) -> io::Result<usize> {
    let filling = piped.of(gap).zip(stream.socket());
    let (run, socket) = filling.ok_or(io::ErrorKind::Unsupported)?;
    let send = || run.send(socket, more);
    socket.async_io(Interest::WRITABLE, send).await
}

/// What is left of the runs; those that are written let go of their memory.
fn without_written(mut runs: &mut [Run], mut written: usize) -> &mut [Run] {
    while let Some(run) = runs.first_mut() {
        match run {
            Run::Bytes(bytes) if written < bytes.len() => {
                bytes.advance(written);
                break;
            }
            Run::Gap(gap) if written < gap.bytes() => {
                let shorter = Gap::new(gap.bytes() - written, gap.id());
                *gap = shorter.expect("fewer bytes, but some");
                break;
            }
            Run::Bytes(bytes) => written -= std::mem::take(bytes).len(),
            Run::Gap(gap) => written -= gap.bytes(),
        }
        runs = &mut runs[1..];
    }
    runs
}

#[cfg(test)]
mod tests;
