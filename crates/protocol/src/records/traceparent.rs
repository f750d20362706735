//! The trace that a producer's record is part of: W3C's `traceparent` in a record header.
//!
//! ```text
//! version "-" trace id, 32 hex digits "-" span id, 16 "-" flags, 2      all digits in lower case
//! ```
//! <https://www.w3.org/TR/trace-context/>. Version `ff` is none, and neither is an id of zeros; what a
//! later version puts behind the flags is not looked at.

use std::fmt;

use super::{BatchView, Codec};

/// The key of the record header.
const KEY: &[u8] = b"traceparent";
/// So many headers of a record are looked at.
const HEADERS_MAX: usize = 64;
/// Bytes of version 0.
const LENGTH: usize = 55;
const SAMPLED: u8 = 1;

/// Who caused a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    /// Of the trace.
    pub trace_id: [u8; 16],
    /// Of the span that wrote the record.
    pub span_id: [u8; 8],
    /// As they came.
    pub flags: u8,
}

impl TraceParent {
    /// Reads the value of a header; `None` when it is not what W3C says.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (head, more) = text.split_at_checked(LENGTH)?;
        let [version] = bytes(&head[..2])?;
        let is_dashed = [2, 35, 52].iter().all(|at| head[*at] == b'-');
        let may_go_on = more.is_empty() || (version > 0 && more[0] == b'-');
        if version == 0xff || !is_dashed || !may_go_on {
            return None;
        }
        let parent = Self {
            trace_id: bytes(&head[3..35])?,
            span_id: bytes(&head[36..52])?,
            flags: u8::from_be_bytes(bytes(&head[53..])?),
        };
        let is_named = parent.trace_id != [0; 16] && parent.span_id != [0; 8];
        is_named.then_some(parent)
    }

    /// Whether somebody keeps the trace.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (
            u128::from_be_bytes(self.trace_id),
            u64::from_be_bytes(self.span_id),
        );
        write!(f, "00-{trace:032x}-{span:016x}-{:02x}", self.flags)
    }
}

/// What the first record of a batch says; nothing of a compressed batch, which is not unpacked for this.
/// Without headers it costs the reading of one record.
pub fn first_traceparent(batch: &BatchView<'_>) -> Option<TraceParent> {
    if !matches!(batch.compression(), Ok(Codec::None)) {
        return None;
    }
    let record = batch.records().ok()?.next()?.ok()?;
    let headers = record.headers.take(HEADERS_MAX);
    // Who wrote the last one had seen the others.
    let last = headers.filter(|header| header.key == KEY).last()?;
    TraceParent::parse(last.value?)
}

/// Twice as many hex digits, in lower case.
fn bytes<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    debug_assert_eq!(digits.len(), 2 * N);
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

fn digit(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    }
}
