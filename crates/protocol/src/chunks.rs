//! A response as a list of runs of bytes, so that record bytes are written without being copied.

use bytes::{Bytes, BytesMut};

/// Runs of bytes in order; adjacent small writes share one run.
#[derive(Debug, Default)]
pub struct Chunks {
    closed: Vec<Bytes>,
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
        self.closed.push(run);
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            let run = self.open.split().freeze();
            self.closed_bytes += run.len();
            self.closed.push(run);
        }
    }

    /// All bytes so far.
    pub fn byte_len(&self) -> usize {
        self.closed_bytes + self.open.len()
    }

    /// The runs, none of them empty, in order.
    pub fn into_runs(mut self) -> Vec<Bytes> {
        self.close();
        self.closed
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
        chunks.inline().put_u8(3);
        assert_eq!(chunks.byte_len(), 3 + 100 + 10 + 1);
        let runs = chunks.into_runs();
        let lengths: Vec<_> = runs.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [3, 100, 10, 1]);
        assert_eq!(runs[1].as_ptr(), records.as_ptr());
    }
}
