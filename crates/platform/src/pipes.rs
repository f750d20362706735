//! Bytes of files on their way to sockets without a stop in this process.
//!
//! `splice(2)` moves pages of the page cache into a pipe, by reference, and from there into a socket. The
//! first step waits for the disk where a page is not in memory; the second never does. So the first one is
//! for a thread that may block, and the second one for the thread of the socket. `sendfile(2)` does both
//! in one, and stands still on a page that is missing.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

use crate::files::File;

/// What a pipe is made to hold: the most that a process without privileges may ask for by default
/// (`fs.pipe-max-size`).
const PIPE_BYTES: usize = 1 << 20;
/// Most pipes at a time, of two descriptors each. Together they refer to 64 MiB of the page cache at most, which
/// is what all pipes of an unprivileged user may by default (`fs.pipe-user-pages-soft`).
pub const PIPES_MAX: usize = 64;

/// All pipes.
#[derive(Debug, Default)]
pub struct Pipes {
    /// Empty ones.
    idle: Mutex<Vec<Pipe>>,
    made: AtomicUsize,
}

#[derive(Debug)]
struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
}

/// Bytes of a file, in pipes.
#[derive(Debug)]
pub struct Piped {
    pipes: Arc<Pipes>,
    /// What each still holds: never nothing.
    parts: VecDeque<(Pipe, usize)>,
    len: usize,
}

impl Pipes {
    /// None yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The `len` bytes of `file` at `position`; waits for the disk. `None` if there is no pipe for them.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] or `InvalidInput` if the file can't do that, `UnexpectedEof` if it
    /// ends before, and those of a read.
    pub fn fill(
        self: &Arc<Self>,
        file: &dyn File,
        position: u64,
        len: usize,
    ) -> io::Result<Option<Piped>> {
        let mut piped = Piped {
            pipes: Arc::clone(self),
            parts: VecDeque::new(),
            len: 0,
        };
        while piped.len < len {
            let Some(pipe) = self.take() else {
                return Ok(None);
            };
            let from = position + piped.len as u64;
            let filled = pipe.fill(file, from, len - piped.len);
            let held = *filled.as_ref().unwrap_or(&0);
            piped.parts.push_back((pipe, held));
            piped.len += held;
            if filled? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Some(piped))
    }

    fn take(&self) -> Option<Pipe> {
        if let Some(pipe) = self.idle.lock().pop() {
            return Some(pipe);
        }
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        let pipe = if made < PIPES_MAX {
            Pipe::new().ok()
        } else {
            None
        };
        if pipe.is_none() {
            self.made.fetch_sub(1, Ordering::Relaxed);
        }
        pipe
    }

    /// Takes back a pipe that is empty, or closes one that is not: what is left in it is nobody's.
    fn give_back(&self, pipe: Pipe, held: usize) {
        if held == 0 {
            self.idle.lock().push(pipe);
        } else {
            drop(pipe);
            self.made.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Pipe {
    fn new() -> io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        fcntl_setpipe_size(&writer, PIPE_BYTES)?;
        Ok(Self { reader, writer })
    }

    /// Until it has all, or is full, or the file is at its end.
    fn fill(&self, file: &dyn File, position: u64, len: usize) -> io::Result<usize> {
        let mut held = 0;
        while held < len {
            match file.splice_at(self.writer.as_fd(), len - held, position + held as u64) {
                Ok(0) => break,
                Ok(moved) => held += moved,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // Full; or what came before counts, and the error is met again behind it.
                Err(e) if held > 0 || e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) => return Err(e),
            }
        }
        Ok(held)
    }
}

impl Piped {
    /// How many bytes are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether all were sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Moves some bytes into a socket that doesn't block, and tells how many; 0 when none are left. `more`
    /// are to follow at once: the kernel may wait for them to fill a segment.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] while the socket has no room, and those of a write.
    pub fn send(&mut self, socket: impl AsFd, more: bool) -> io::Result<usize> {
        let is_last = self.parts.len() == 1;
        let Some((pipe, held)) = self.parts.front_mut() else {
            return Ok(0);
        };
        let mut flags = SpliceFlags::NONBLOCK;
        flags.set(SpliceFlags::MORE, more || !is_last);
        let moved = splice(&pipe.reader, None, socket, None, *held, flags)?;
        if moved == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        *held -= moved;
        self.len -= moved;
        if *held == 0
            && let Some((pipe, held)) = self.parts.pop_front()
        {
            self.pipes.give_back(pipe, held);
        }
        Ok(moved)
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        for (pipe, held) in self.parts.drain(..) {
            self.pipes.give_back(pipe, held);
        }
    }
}

/// Writes runs of bytes to a socket that doesn't block, and tells how many bytes it took; others are to
/// follow at once.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] while the socket has no room, and those of a write.
pub fn send_with_more(socket: impl AsFd, runs: &[io::IoSlice<'_>]) -> io::Result<usize> {
    use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
    let flags = SendFlags::MORE | SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    Ok(sendmsg(
        socket,
        runs,
        &mut SendAncillaryBuffer::default(),
        flags,
    )?)
}

#[cfg(test)]
mod tests;
