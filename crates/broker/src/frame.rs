//! Length-prefixed frames off a socket, within the request memory.
//!
//! ```text
//! frame => length:i32 bytes[length]
//! ```
//! The bytes a peer merely announces cost nothing: memory is charged for what arrived, at most as
//! much again in advance, or as much as its largest frame had if that is not much of what is left.
//! A frame that does not arrive in time closes the connection, which returns
//! what it held.

use std::future::poll_fn;
use std::io;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use limpid_platform::nice::give_way_if_nicer;
use limpid_telemetry::Stamp;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::byte_stream::{ByteStream, move_to};
use crate::hurry::Mark;
use crate::places::{self, Place};
use crate::promptly::{Patience, so_far, within};
use crate::request_memory::{RequestCharge, RequestMemory};
use crate::turns::{self, LONG_PRODUCE_BYTES, LONG_READ_BYTES, Turns};

/// Size of the length prefix.
const PREFIX_BYTES: usize = 4;
/// Smallest legal frame: api key, api version, correlation id.
const FRAME_BYTES_MIN: usize = 8;
/// Reads that bring less than this are small: a packet of a network has more.
const SMALL_READ_BYTES: usize = 512;
/// So many small reads of one frame cost its sender nothing: clients send a length, then a body.
const SMALL_READS_FREE: u32 = 8;
/// After one more small read of an unfinished frame the next one waits this long, then twice as long …
const PAUSE: Duration = Duration::from_millis(1);
/// … and this long in the end. Meanwhile more may come, for one read instead of many. All pauses before were
/// as long together, so nobody waits much longer than twice the time that his request took to come.
const PAUSE_MAX: Duration = Duration::from_millis(256);
/// What one read may take of a long frame: meanwhile the thread does nothing else.
const READ_AT_ONCE_BYTES: usize = 128 * 1024;
/// What one read may take before a frame is charged; also the smallest step of charging.
const READ_BYTES: usize = 16 * 1024;

/// What a peer may do while it sends a frame.
#[derive(Debug, Clone, Copy)]
pub struct FrameLimits {
    /// `socket.request.max.bytes`.
    pub frame_bytes_max: usize,
    /// `connections.max.idle.ms`: silence between frames.
    pub idle: Duration,
    /// `limpid.connection.body.timeout.ms`: from the first byte of a frame to its last, waiting for
    /// memory included: who waits for memory holds some.
    pub body: Duration,
}

impl FrameLimits {
    /// What is left of the time of a frame.
    fn left(&self, began: Stamp) -> Duration {
        self.body.saturating_sub(began.elapsed())
    }
}

/// Why no further frame comes.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer closed between frames.
    #[error("closed by the peer")]
    Closed,
    /// The peer closed within a frame.
    #[error("closed by the peer in the middle of a request ({received} of {announced} bytes)")]
    Torn {
        /// Bytes that had arrived.
        received: usize,
        /// Bytes the length prefix announced.
        announced: usize,
    },
    /// Nothing came for `connections.max.idle.ms`.
    #[error("idle for {0:?}")]
    Idle(Duration),
    /// The rest of a frame did not come in time.
    #[error("request incomplete after {waited:?} ({received} of {announced} bytes)")]
    Slow {
        /// Time spent waiting for it.
        waited: Duration,
        /// Bytes that had arrived.
        received: usize,
        /// Bytes the length prefix announced.
        announced: usize,
    },
    /// The length prefix is no length of a request.
    #[error("request of {length} bytes announced, allowed are {least} to {limit}{hint}")]
    Length {
        /// The prefix as a signed integer.
        length: i32,
        /// The shortest request there is.
        least: usize,
        /// `socket.request.max.bytes`, or `sasl.server.max.receive.size` before the login.
        limit: usize,
        /// What the peer seems to speak instead, for people.
        hint: &'static str,
    },
    /// The socket failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// A whole request, and the memory it is charged for.
pub struct Frame<'m> {
    /// The bytes after the length prefix.
    pub bytes: Bytes,
    /// Held until the request is answered.
    pub charge: RequestCharge<'m>,
    /// When its first byte was seen.
    pub began: Stamp,
    /// Of a long one: whether others sent short ones a moment ago.
    pub others_hurry: bool,
}

/// Reads the frames of one connection.
pub struct FrameReader {
    buffer: BytesMut,
    /// The largest frame so far.
    largest: usize,
    limits: FrameLimits,
    /// With silence between frames.
    patience: Patience,
    turns: Arc<Turns>,
    mark: Mark,
}

impl FrameReader {
    /// A reader with nothing buffered yet.
    pub fn new(limits: FrameLimits, turns: Arc<Turns>) -> Self {
        Self {
            buffer: BytesMut::new(),
            largest: 0,
            limits,
            patience: Patience::new(limits.idle),
            mark: turns.hurry.mark(),
            turns,
        }
    }

    /// The connection goes on in another runtime, whose timers are its own.
    pub fn moved(&mut self) {
        self.patience = Patience::new(self.limits.idle);
    }

    /// Whether a part of the next request is here already.
    pub fn has_more(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// The next request.
    pub async fn next<'m>(
        &mut self,
        stream: &mut impl ByteStream,
        memory: &'m RequestMemory,
    ) -> Result<Frame<'m>, FrameError> {
        let bytes = FRAME_BYTES_MIN..=self.limits.frame_bytes_max;
        self.next_of(stream, memory, bytes).await
    }

    /// The next message of a login: up to `bytes_max` bytes, and there is nothing it must have.
    pub async fn next_small<'m>(
        &mut self,
        stream: &mut impl ByteStream,
        memory: &'m RequestMemory,
        bytes_max: usize,
    ) -> Result<Frame<'m>, FrameError> {
        let bytes_max = bytes_max.min(self.limits.frame_bytes_max);
        self.next_of(stream, memory, 0..=bytes_max).await
    }

    async fn next_of<'m>(
        &mut self,
        stream: &mut impl ByteStream,
        memory: &'m RequestMemory,
        allowed: RangeInclusive<usize>,
    ) -> Result<Frame<'m>, FrameError> {
        if self.buffer.is_empty() {
            let spoke = self.patience.with(stream.readable()).await;
            spoke.ok_or(FrameError::Idle(self.limits.idle))??;
        }
        let began = Stamp::now();
        while self.buffer.len() < PREFIX_BYTES {
            // One byte may be here already: room for as many more would be a second, larger buffer.
            let room = READ_BYTES - self.buffer.len();
            self.read(stream, room, began, PREFIX_BYTES).await?;
        }
        let length = self.length(&allowed)?;
        let mut charge = memory.charge(length);
        // A buffer that grows with what arrives copies all of it once more.
        let advance = match charge.is_little(self.largest) {
            true => self.largest.max(READ_BYTES),
            false => READ_BYTES,
        };
        let whole = PREFIX_BYTES + length;
        let mut small_reads = 0;
        let home = places::here();
        let others_hurry = is_long(whole) && self.turns.hurry.of_others(self.mark, began);
        let is_to_come = is_long(whole.saturating_sub(self.buffer.len()));
        if others_hurry && is_to_come && home == Place::Data {
            // It would keep a thread of the data path from those for as long as all of them together.
            move_to(Place::Entrance, stream).await?;
        }
        loop {
            let have = self.buffer.len().min(whole);
            let wanted = length.min((2 * have).max(advance));
            if !charge.try_grow_to(wanted) {
                let grown = timeout(self.limits.left(began), charge.grow_to(wanted)).await;
                grown.map_err(|_| self.slow(began, whole))?;
            }
            if have == whole {
                break;
            }
            let granted = (PREFIX_BYTES + charge.bytes()).min(whole) - have;
            self.read(stream, granted, began, whole).await?;
            if self.buffer.len() < (have + SMALL_READ_BYTES).min(whole) {
                small_reads += 1;
                if let Some(pause) = pause_after(small_reads) {
                    // Meanwhile nobody is woken for each byte; and it is served where those are who have
                    // not sent a request yet.
                    stream.unplug()?;
                    if home == Place::Data {
                        places::go_to(Place::Entrance).await;
                    }
                    tokio::time::sleep(pause).await;
                    stream.plug()?;
                }
            }
        }
        if places::here() != home {
            move_to(home, stream).await?;
        }
        self.buffer.advance(PREFIX_BYTES);
        let bytes = self.buffer.split_to(length).freeze();
        if self.buffer.is_empty() {
            // Whoever has the frame has its memory alone, and an idle connection holds none.
            self.buffer = BytesMut::new();
        }
        self.largest = self.largest.max(length);
        self.turns.hurry.came(self.mark, length, began);
        Ok(Frame {
            bytes,
            charge,
            began,
            others_hurry,
        })
    }

    /// The announced length, if it is one.
    fn length(&self, allowed: &RangeInclusive<usize>) -> Result<usize, FrameError> {
        let mut prefix = &self.buffer[..PREFIX_BYTES];
        let hint = foreign_protocol(prefix);
        let length = prefix.get_i32();
        match usize::try_from(length) {
            Ok(n) if allowed.contains(&n) => Ok(n),
            _ => Err(FrameError::Length {
                length,
                least: *allowed.start(),
                limit: *allowed.end(),
                hint,
            }),
        }
    }

    async fn read(
        &mut self,
        stream: &mut impl ByteStream,
        bytes_max: usize,
        began: Stamp,
        announced: usize,
    ) -> Result<(), FrameError> {
        let limits = self.limits;
        let left = || limits.left(began);
        let received = self.buffer.len();
        let buffer = &mut self.buffer;
        let read = match bytes_max < LONG_READ_BYTES {
            true => within(left, pin!(read_into(buffer, bytes_max, stream))).await,
            false => {
                let read = read_in_turn(buffer, bytes_max, stream, &self.turns);
                within(left, pin!(read)).await
            }
        };
        match read {
            None => Err(self.slow(began, announced)),
            Some(Ok(0)) if received == 0 => Err(FrameError::Closed),
            Some(Ok(0)) => Err(FrameError::Torn {
                received,
                announced,
            }),
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(error.into()),
        }
    }

    fn slow(&self, began: Stamp, announced: usize) -> FrameError {
        FrameError::Slow {
            waited: began.elapsed(),
            received: self.buffer.len(),
            announced,
        }
    }
}

/// Whether what is still to come of a frame takes long to read.
fn is_long(bytes: usize) -> bool {
    bytes > LONG_PRODUCE_BYTES
}

/// How long a frame is left alone that comes in so many small pieces.
fn pause_after(small_reads: u32) -> Option<Duration> {
    let more = small_reads.checked_sub(SMALL_READS_FREE + 1)?;
    let factor = 1_u32.checked_shl(more).unwrap_or(u32::MAX);
    Some(PAUSE.saturating_mul(factor).min(PAUSE_MAX))
}

/// Reads what there is, and waits for something when there is nothing.
async fn read_into(
    buffer: &mut BytesMut,
    bytes_max: usize,
    stream: &mut impl ByteStream,
) -> io::Result<usize> {
    // Not more than is charged: what is reserved ahead becomes resident sooner or later.
    buffer.reserve(bytes_max);
    let piece = bytes_max.min(READ_AT_ONCE_BYTES);
    stream.read_buf(&mut buffer.limit(piece)).await
}

/// Reads what there is, in a turn; without one it waits for there to be something.
async fn read_in_turn(
    buffer: &mut BytesMut,
    bytes_max: usize,
    stream: &mut impl ByteStream,
    turns: &Turns,
) -> io::Result<usize> {
    loop {
        let turn = turns.next().await;
        give_way_if_nicer();
        let mut read = pin!(read_into(buffer, bytes_max, stream));
        let attempt = so_far(read.as_mut()).await;
        drop(turn);
        if let Poll::Ready(done) = attempt {
            turns::worked(*done.as_ref().unwrap_or(&0));
            return done;
        }
        // The attempt left word where to call when there is something.
        let mut is_called = false;
        poll_fn(|_| match std::mem::replace(&mut is_called, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }
}

/// What a peer speaks whose first four bytes make no sense as a length.
fn foreign_protocol(prefix: &[u8]) -> &'static str {
    match prefix {
        [0x16, 3, ..] => ": this looks like TLS, which the listener does not speak",
        b"GET " | b"POST" | b"HEAD" | b"PUT " => {
            ": this looks like HTTP, which limpid.http.listeners serves"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests;
