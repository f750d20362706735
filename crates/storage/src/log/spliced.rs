//! Reading whole batches without having them: the first and the last ones are read, what is between them goes
//! into pipes (see [`limpid_platform::pipes`]).
//!
//! Where the last whole batch ends is known without a walk through all of them: the index knows where a batch
//! begins near the end, and the walk begins there.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use limpid_platform::files::File;
use limpid_platform::pipes::Pipes;
use limpid_protocol::records::BatchHeader;

use super::read::{ColdBytes, whole_batches};
use crate::segment::Segment;

/// Less is copied: four system calls more cost as much as copying this.
const LEAST_BYTES: usize = 128 << 10;
/// Most of the first batch that is read.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// The end is looked for from at most so far in front of it on.
const TAIL_BYTES: usize = 64 << 10;
/// A tail that would be longer has an index with a gap, and is not worth it.
const TAIL_BYTES_MAX: u64 = 4 * TAIL_BYTES as u64;

/// The whole batches of `range`, which begins with `first`, that end below `end_exclusive`. `None` when they are
/// better copied: there are few, the index knows too little, there is no pipe, or something fails. Whoever
/// copies them meets what failed again.
pub(super) fn read(
    segment: &Segment,
    range: Range<u64>,
    first: &BatchHeader,
    (end_exclusive, pipes): (i64, &Arc<Pipes>),
) -> Option<ColdBytes> {
    let len = usize::try_from(range.end - range.start).ok()?;
    if len < LEAST_BYTES {
        return None;
    }
    let file = segment.log.get().ok()?;
    let (tail_start, tail) = tail(segment, &*file, &range, first.size(), end_exclusive)?;
    let head_bytes = first.size().min(HEAD_BYTES_MAX);
    let between = range.start + head_bytes as u64..tail_start;
    let between_bytes = usize::try_from(between.end.checked_sub(between.start)?).ok()?;
    if between_bytes < LEAST_BYTES / 2 {
        return None;
    }
    let mut head = vec![0; head_bytes];
    file.read_exact_at(&mut head, range.start).ok()?;
    let middle = pipes.fill(&*file, between.start, between_bytes).ok()??;
    Some(ColdBytes {
        head: Bytes::from(head),
        middle: Some(middle),
        tail,
    })
}

/// The last whole batches, and where they begin.
fn tail(
    segment: &Segment,
    file: &dyn File,
    range: &Range<u64>,
    first_bytes: usize,
    end_exclusive: i64,
) -> Option<(u64, Bytes)> {
    // Batches of a log are much of a size: of twice that, a whole one is in it.
    let near = range.end - (2 * first_bytes).clamp(4 << 10, TAIL_BYTES) as u64;
    let (relative, start) = segment.offsets.entry_before_position(near).ok()??;
    let start = u64::from(start);
    if start <= range.start || range.end - start > TAIL_BYTES_MAX {
        return None;
    }
    let mut tail = Vec::new();
    let len = usize::try_from(range.end - start).ok()?;
    file.read_into(&mut tail, len, start).ok()?;
    // What the index says of a batch has to hold for what is there.
    let header = BatchHeader::parse(&tail).ok()?;
    if header.last_offset() != segment.base_offset + i64::from(relative) {
        return None;
    }
    let whole = whole_batches(&tail, end_exclusive).ok()?;
    tail.truncate(whole);
    (whole > 0).then(|| (start, Bytes::from(tail)))
}
