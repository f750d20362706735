//! Records of an answer that go from their file to the socket without being read.

use bytes::Bytes;
use limpid_platform::pipes::Piped;
use limpid_protocol::Gap;
use limpid_storage::ColdBytes;

use crate::answer_memory::Room;

/// What fills the gaps of one answer.
#[derive(Default)]
pub struct PipedRuns {
    runs: Vec<Piped>,
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

    /// Takes what was read, and charges it until the last of its bytes in memory are gone: those behind what
    /// is in a pipe are sent last.
    pub fn keep(&mut self, read: ColdBytes, room: Room) -> Records {
        let used = room.shared(read.len());
        let in_memory = [read.head, read.tail];
        let runs = in_memory.into_iter().filter(|run| !run.is_empty());
        let runs = runs.map(|run| used.hold(run)).collect();
        let gap = read.middle.map(|piped| {
            let gap = Gap::new(piped.len(), self.runs.len());
            self.runs.push(piped);
            gap.expect("there was room, and a read is shorter")
        });
        Records { runs, gap }
    }

    /// What fills a gap.
    pub fn of(&mut self, gap: Gap) -> Option<&mut Piped> {
        self.runs.get_mut(gap.id())
    }
}
