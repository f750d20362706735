//! The last lines of the log, kept for who looks later.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// Bytes of lines that are kept.
pub(super) const TAIL_BYTES_MAX: usize = 512 << 10;

#[derive(Debug, Default)]
struct Lines {
    lines: VecDeque<Box<[u8]>>,
    bytes: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: Mutex<Lines>,
}

impl Tail {
    /// Keeps a line, and forgets the oldest ones beyond the limit.
    pub(super) fn push(&self, line: &[u8]) {
        let mut held = self.lines.lock();
        held.bytes += line.len();
        held.lines.push_back(line.into());
        while held.bytes > TAIL_BYTES_MAX {
            let Some(oldest) = held.lines.pop_front() else {
                break;
            };
            held.bytes -= oldest.len();
        }
    }

    /// All that is kept, the oldest first.
    pub(super) fn text(&self) -> Vec<u8> {
        let held = self.lines.lock();
        let mut text = Vec::with_capacity(held.bytes);
        for line in &held.lines {
            text.extend_from_slice(line);
        }
        text
    }

    /// Bytes that are kept.
    pub(super) fn bytes(&self) -> usize {
        self.lines.lock().bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_are_forgotten() {
        let tail = Tail::default();
        let line = [b'x'; 1 << 10];
        tail.push(b"first\n");
        for _ in 0..TAIL_BYTES_MAX / line.len() {
            tail.push(&line);
        }
        assert_eq!(tail.bytes(), TAIL_BYTES_MAX, "the first one went");
        assert_eq!(tail.text().len(), TAIL_BYTES_MAX);
        tail.push(b"last\n");
        assert!(tail.text().ends_with(b"last\n"));
    }
}
