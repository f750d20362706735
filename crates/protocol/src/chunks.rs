//! A response as a list of runs of bytes, so that record bytes are written without being copied.

use std::num::NonZeroU32;

use bytes::{Bytes, BytesMut};

/// Bytes of a response that are not in memory: whoever writes the response has them from elsewhere. Four bytes
/// in all, since every partition of a decoded answer has room for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap(NonZeroU32);

impl Gap {
    /// Most gaps of a response.
    pub const COUNT_MAX: usize = 1 << 8;
    /// A gap is shorter than this.
    pub const BYTES_LIMIT: usize = 1 << 24;

    /// A gap of `bytes`, and which it is to who writes the response. `None` for no bytes, and beyond the
    /// limits.
    pub fn new(bytes: usize, id: usize) -> Option<Self> {
        if bytes >= Self::BYTES_LIMIT || bytes == 0 || id >= Self::COUNT_MAX {
            return None;
        }
        let packed = u32::try_from(bytes * Self::COUNT_MAX + id).ok()?;
        NonZeroU32::new(packed).map(Self)
    }

    /// How many bytes.
    pub fn bytes(self) -> usize {
        self.0.get() as usize / Self::COUNT_MAX
    }

    /// Which gap.
    pub fn id(self) -> usize {
        self.0.get() as usize % Self::COUNT_MAX
    }
}

/// A part of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// These bytes, at least one.
    Bytes(Bytes),
    /// Bytes that are elsewhere.
    Gap(Gap),
}

/// Runs of bytes in order; adjacent small writes share one run.
#[derive(Debug, Default)]
pub struct Chunks {
    closed: Vec<Run>,
    closed_bytes: usize,
    open: BytesMut,
}

impl Chunks {
    /// No bytes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// No bytes yet, room for `bytes` inline ones.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            open: BytesMut::with_capacity(bytes),
            ..Self::default()
        }
    }

    /// The buffer at the end, for bytes written inline. Only append to it.
    pub fn inline(&mut self) -> &mut BytesMut {
        &mut self.open
    }

    /// Appends a run as it is.
    pub fn push(&mut self, run: Bytes) {
        if run.is_empty() {
            return;
        }
        self.close();
        self.closed_bytes += run.len();
        self.closed.push(Run::Bytes(run));
    }

    /// Leaves room for bytes from elsewhere.
    pub fn leave(&mut self, gap: Gap) {
        self.close();
        self.closed_bytes += gap.bytes();
        self.closed.push(Run::Gap(gap));
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            let run = self.open.split().freeze();
            self.closed_bytes += run.len();
            self.closed.push(Run::Bytes(run));
        }
    }

    /// All bytes so far, those of gaps included.
    pub fn byte_len(&self) -> usize {
        self.closed_bytes + self.open.len()
    }

    /// The runs in order.
    pub fn into_runs(self) -> Vec<Run> {
        let Self {
            mut closed, open, ..
        } = self;
        // Nothing is written behind it any more: it is not split off what is left of its memory.
        if !open.is_empty() {
            closed.push(Run::Bytes(open.freeze()));
        }
        closed
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;

    use super::*;

    #[test]
    fn runs_keep_their_order_and_are_not_copied() {
        let records = Bytes::from(vec![7; 100]);
        let mut chunks = Chunks::with_capacity(16);
        chunks.inline().put_u16(1);
        chunks.push(Bytes::new());
        chunks.inline().put_u8(2);
        chunks.push(records.clone());
        chunks.push(records.slice(..10));
        let gap = Gap::new(50, 7).expect("within the limits");
        chunks.leave(gap);
        chunks.inline().put_u8(3);
        assert_eq!(chunks.byte_len(), 3 + 100 + 10 + 50 + 1);
        let runs = chunks.into_runs();
        let inline = |bytes: &'static [u8]| Run::Bytes(Bytes::from_static(bytes));
        let expected = [
            inline(&[0, 1, 2]),
            Run::Bytes(records.clone()),
            Run::Bytes(records.slice(..10)),
            Run::Gap(gap),
            inline(&[3]),
        ];
        assert_eq!(runs, expected);
        let first = match &runs[1] {
            Run::Bytes(run) => run.as_ptr(),
            Run::Gap(_) => std::ptr::null(),
        };
        assert_eq!(first, records.as_ptr());
    }

    #[test]
    fn gaps_have_their_numbers_within_limits() {
        assert_eq!(size_of::<Option<Gap>>(), 4);
        for (bytes, id) in [(1, 0), (7, 255), (Gap::BYTES_LIMIT - 1, 255)] {
            let gap = Gap::new(bytes, id).expect("within the limits");
            assert_eq!((gap.bytes(), gap.id()), (bytes, id));
        }
        for (bytes, id) in [(0, 1), (Gap::BYTES_LIMIT, 0), (1, Gap::COUNT_MAX)] {
            assert_eq!(Gap::new(bytes, id), None);
        }
    }
}
