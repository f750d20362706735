//! The bounded queue between who logs and the thread that writes.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tracing_subscriber::fmt::MakeWriter;

use super::tail::Tail;

/// Bytes of lines that wait by default: seconds of a chatty log, nothing next to the caches.
pub const QUEUE_BYTES_DEFAULT: usize = 1 << 20;

/// A line longer than this is cut, so that one line can't fill the queue.
const LINE_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Box<[u8]>>,
    queued_bytes: usize,
    dropped: u64,
    /// Lines accepted and lines written (or given up) so far: equal when all is out.
    accepted: u64,
    written: u64,
    closed: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Queue {
    limit: usize,
    tail: Arc<Tail>,
    state: Mutex<State>,
    filled: Condvar,
    emptied: Condvar,
}

impl Queue {
    /// Starts the writing thread.
    pub(super) fn start(
        limit: usize,
        sink: Box<dyn Write + Send>,
        tail: Arc<Tail>,
    ) -> io::Result<Arc<Queue>> {
        let queue = Arc::new(Queue {
            limit,
            tail,
            state: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
        });
        let writing = queue.clone();
        let thread = std::thread::Builder::new().name("log-writer".to_owned());
        thread.spawn(move || writing.write_to(sink))?;
        Ok(queue)
    }

    /// Takes a line or drops it; never waits for the sink.
    pub(super) fn push(&self, line: &[u8]) {
        let cut = line.len() > LINE_BYTES_MAX;
        let line = &line[..line.len().min(LINE_BYTES_MAX)];
        self.tail.push(line);
        let mut state = self.state.lock();
        if state.closed || state.queued_bytes + line.len() > self.limit {
            state.dropped += 1;
            return;
        }
        let mut owned = line.to_vec();
        if cut {
            owned.push(b'\n');
        }
        state.queued_bytes += owned.len();
        state.accepted += 1;
        state.lines.push_back(owned.into_boxed_slice());
        drop(state);
        self.filled.notify_one();
    }

    /// Waits until everything accepted so far is written; whether that happened in time.
    pub(super) fn flush(&self, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        let mut state = self.state.lock();
        let target = state.accepted;
        while state.written < target {
            if self.emptied.wait_until(&mut state, until).timed_out() {
                return state.written >= target;
            }
        }
        true
    }

    /// Ends the thread once the queue is empty.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_one();
    }

    pub(super) fn dropped(&self) -> u64 {
        self.state.lock().dropped
    }

    pub(super) fn queued_bytes(&self) -> usize {
        self.state.lock().queued_bytes
    }

    pub(super) fn limit_bytes(&self) -> usize {
        self.limit
    }

    /// Bytes of the last lines that are kept.
    pub(super) fn tail_bytes(&self) -> usize {
        self.tail.bytes()
    }

    fn write_to(&self, mut sink: Box<dyn Write + Send>) {
        loop {
            let mut state = self.state.lock();
            while state.lines.is_empty() {
                if state.closed {
                    return;
                }
                self.filled.wait(&mut state);
            }
            let lines = std::mem::take(&mut state.lines);
            drop(state);
            for line in lines {
                // The bytes count as queued until they are out: the limit bounds memory.
                let ok = sink.write_all(&line).and_then(|()| sink.flush()).is_ok();
                let mut state = self.state.lock();
                state.queued_bytes -= line.len();
                state.written += 1;
                state.dropped += u64::from(!ok);
                drop(state);
                self.emptied.notify_all();
            }
        }
    }
}

/// Hands each formatted event to the queue; the formatter writes an event in one call.
#[derive(Clone, Debug)]
pub(super) struct QueueWriter {
    queue: Arc<Queue>,
}

impl QueueWriter {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        QueueWriter { queue }
    }
}

impl Write for &QueueWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.queue.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for QueueWriter {
    type Writer = &'a QueueWriter;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}
