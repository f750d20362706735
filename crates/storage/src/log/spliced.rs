//! Reading whole batches without having them: a few headers are read, what lies behind the first one goes into
//! pipes (see [`limpid_platform::pipes`]).
//!
//! Where the last whole batch ends is known from headers, and few of them are read: large batches are walked from
//! the first one on, small ones from where the index knows that one begins near the end.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use limpid_platform::files::File;
use limpid_platform::pipes::Pipes;
use limpid_protocol::records::{BATCH_HEADER_BYTES, BatchHeader};

use super::read::{ColdBytes, Unread};
use crate::open_files::Wait;
use crate::segment::Segment;

/// Less is copied: four system calls more cost as much as copying this.
const LEAST_BYTES: usize = 128 << 10;
/// A first batch of up to so many bytes is read, of a larger one its header.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Read at once where a header is looked for: by default the index knows a beginning every 4 KiB.
const WINDOW_BYTES: usize = 8 << 10;
/// Reads of one walk through headers. When they are used up, the records are copied.
const WINDOWS_MAX: usize = 10;
/// Batches that are walked without asking the index, which costs some 15 reads. As many as the first one's size
/// lets expect.
const FEW_BATCHES: usize = 8;
/// The walk from an entry of the index begins at most so far in front of the end.
const NEAR_BYTES_MAX: usize = 64 << 10;
/// Entries of the index that are tried until there is one whose batch fits, each in front of the other.
const ENTRIES_MAX: usize = 3;
const _: () = assert!(FEW_BATCHES < WINDOWS_MAX);
const _: () = assert!(BATCH_HEADER_BYTES <= WINDOW_BYTES);
const _: () = assert!(NEAR_BYTES_MAX <= LEAST_BYTES);

/// The whole batches of `range`, which begins with `first`, that end below `end_exclusive`. `None` when they are
/// better copied: there are few bytes, the index knows too little, there is no pipe, or something fails.
/// Whoever copies them meets what failed again.
pub(super) fn read(
    segment: &Segment,
    range: Range<u64>,
    first: &BatchHeader,
    (end_exclusive, wait): (i64, Wait),
    pipes: &Arc<Pipes>,
) -> Option<ColdBytes> {
    if range.end - range.start < LEAST_BYTES as u64 {
        return None;
    }
    let file = segment.log.to_read(wait).ok()?;
    let mut walk = Walk {
        file: &*file,
        range_end: range.end,
        end_exclusive,
        wait,
        window: Vec::new(),
        window_start: 0,
        windows_left: WINDOWS_MAX,
    };
    let last = walk.last_of(segment, range.start, first)?;
    let head_bytes = match first.size() {
        whole @ ..=HEAD_BYTES_MAX => whole,
        _ => BATCH_HEADER_BYTES,
    };
    let from = range.start + head_bytes as u64;
    let unread = usize::try_from(last.end.checked_sub(from)?).ok()?;
    if unread < LEAST_BYTES / 2 {
        return None;
    }
    let mut head = vec![0; head_bytes];
    file.read_exact_at(&mut head, range.start).ok()?;
    let bytes = pipes.fill(&*file, from, unread).ok()??;
    let end_offset = last.end_offset;
    Some(ColdBytes {
        head: Bytes::from(head),
        unread: Some(Unread { bytes, end_offset }),
    })
}

/// Where a batch ends.
struct End {
    /// In the file.
    end: u64,
    /// The offset behind its last record.
    end_offset: i64,
}

/// What is known of a place where a batch should begin.
enum Place {
    /// One that is asked for.
    Fits(BatchHeader),
    /// None, or one that is too long, or beyond the last offset.
    FitsNot,
    /// It can't be read, or too much was read already.
    Unknown,
}

/// A look for the end of what is asked for.
struct Walk<'a> {
    file: &'a dyn File,
    range_end: u64,
    end_exclusive: i64,
    wait: Wait,
    window: Vec<u8>,
    window_start: u64,
    windows_left: usize,
}

impl Walk<'_> {
    /// Where the last batch of those that begin with `first` ends.
    fn last_of(&mut self, segment: &Segment, start: u64, first: &BatchHeader) -> Option<End> {
        let size = first.size() as u64;
        let is_few = self.range_end - start < FEW_BATCHES as u64 * size;
        if is_few && let Some(last) = self.on_from(end_of(first, start)?) {
            return Some(last);
        }
        // Batches of a log are much of a size: of twice that, a whole one is in it.
        let before = (2 * first.size()).clamp(WINDOW_BYTES / 2, NEAR_BYTES_MAX);
        let mut near = self.range_end - before as u64;
        for _ in 0..ENTRIES_MAX {
            let entry = segment
                .offsets
                .entry_before_position(near, self.wait)
                .ok()?;
            let beyond = entry.filter(|(_, at)| u64::from(*at) >= start + size);
            let Some((relative, at)) = beyond.map(|(relative, at)| (relative, u64::from(at)))
            else {
                break;
            };
            self.windows_left = WINDOWS_MAX;
            match self.place(at) {
                Place::Unknown => return None,
                Place::FitsNot => near = at - 1,
                // What the index says of a batch has to hold for what is there.
                Place::Fits(header) => {
                    let named = segment.base_offset + i64::from(relative);
                    let is_named = header.last_offset() == named;
                    return self.on_from(end_of(&header, at).filter(|_| is_named)?);
                }
            }
        }
        if is_few {
            return None;
        }
        self.windows_left = WINDOWS_MAX;
        self.on_from(end_of(first, start)?)
    }

    /// Where the last batch ends, going on behind one that fits.
    fn on_from(&mut self, mut last: End) -> Option<End> {
        loop {
            match self.place(last.end) {
                Place::Fits(header) => last = end_of(&header, last.end)?,
                Place::FitsNot => return Some(last),
                Place::Unknown => return None,
            }
        }
    }

    fn place(&mut self, at: u64) -> Place {
        let header_end = at + BATCH_HEADER_BYTES as u64;
        if header_end > self.range_end {
            return Place::FitsNot;
        }
        let window_end = self.window_start + self.window.len() as u64;
        if at < self.window_start || header_end > window_end {
            if self.windows_left == 0 {
                return Place::Unknown;
            }
            self.windows_left -= 1;
            let len = (self.range_end - at).min(WINDOW_BYTES as u64) as usize;
            self.window_start = at;
            if self.file.read_into(&mut self.window, len, at).is_err() {
                return Place::Unknown;
            }
        }
        let from = (at - self.window_start) as usize;
        match BatchHeader::parse(&self.window[from..]) {
            Ok(header)
                if at + header.size() as u64 <= self.range_end
                    && header.last_offset() < self.end_exclusive =>
            {
                Place::Fits(header)
            }
            // As for who copies: what is good before it is delivered, and the next read starts at it.
            _ => Place::FitsNot,
        }
    }
}

/// `None` of a batch behind which there is no offset.
fn end_of(header: &BatchHeader, start: u64) -> Option<End> {
    Some(End {
        end: start + header.size() as u64,
        end_offset: header.last_offset().checked_add(1)?,
    })
}
