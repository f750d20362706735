//! Records of an answer that go from their file to the socket without being read.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use bytes::Bytes;
use limpid_protocol::Gap;
use limpid_storage::{ColdBytes, Unread};

use crate::answer_memory::{Room, Used};

/// What fills the gaps of one answer.
#[derive(Default)]
pub struct PipedRuns {
    runs: Vec<PipedRun>,
}

/// What fills one gap.
pub struct PipedRun {
    rest: Unread,
    /// Until all of it is sent.
    used: Option<Arc<Used>>,
}

/// The records of one partition, as an answer has them.
pub struct Records {
    /// Runs of bytes.
    pub runs: Vec<Bytes>,
    /// What lies behind the first of them.
    pub gap: Option<Gap>,
}

impl PipedRuns {
    /// Whether an answer may have another gap.
    pub fn has_room(&self) -> bool {
        self.runs.len() < Gap::COUNT_MAX
    }

    /// Takes what was read, and charges it until the last of its bytes are gone.
    pub fn keep(&mut self, read: ColdBytes, room: Room) -> Records {
        let used = room.shared(read.len());
        let in_memory = Some(read.head).filter(|head| !head.is_empty());
        let runs = in_memory.map(|head| used.hold(head)).into_iter().collect();
        let gap = read.unread.map(|rest| {
            let gap = Gap::new(rest.bytes.len(), self.runs.len());
            let used = Some(used);
            self.runs.push(PipedRun { rest, used });
            gap.expect("there was room, and a read is shorter")
        });
        Records { runs, gap }
    }

    /// What fills a gap.
    pub fn of(&mut self, gap: Gap) -> Option<&mut PipedRun> {
        self.runs.get_mut(gap.id())
    }

    /// The offset behind the last record of a gap.
    pub fn end_of(&self, gap: Gap) -> Option<i64> {
        Some(self.runs.get(gap.id())?.rest.end_offset)
    }
}

impl PipedRun {
    /// Moves some of it into a socket, as [`limpid_platform::pipes::Piped::send`] does.
    ///
    /// # Errors
    /// As there.
    pub fn send(&mut self, socket: impl AsFd, more: bool) -> io::Result<usize> {
        let sent = self.rest.bytes.send(socket, more)?;
        if self.rest.bytes.is_empty() {
            self.used = None;
        }
        Ok(sent)
    }
}
