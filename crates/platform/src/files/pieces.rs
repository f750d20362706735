//! What was written to a file goes to the disk a piece after the other.

use std::fs;
use std::ops::Range;

use crate::nice::give_way;

/// A kernel that is built for throughput takes the processor from nobody who is in a call. To send this much takes
/// well below a tenth of a millisecond.
const PIECE_BYTES: u64 = 1 << 20;

/// Sends a range to the disk, all but its last piece, and gives way after each. A sync (`fdatasync(2)`) that follows has
/// less to send in one call; it also tells what failed here.
pub(super) fn send(file: &fs::File, mut range: Range<u64>) {
    while range.end.saturating_sub(range.start) > PIECE_BYTES && begin(file, range.start) {
        range.start += PIECE_BYTES;
        give_way();
    }
}

/// Sends a piece, if the system knows how to do that alone.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "there is no safe call of sync_file_range(2)")]
fn begin(file: &fs::File, position: u64) -> bool {
    use std::os::fd::AsRawFd;
    let (Ok(from), Ok(count)) = (i64::try_from(position), i64::try_from(PIECE_BYTES)) else {
        return false;
    };
    let file = file.as_raw_fd();
    // SAFETY: the call touches none of our memory, and the descriptor is open as long as the file is borrowed.
    unsafe { libc::sync_file_range(file, from, count, libc::SYNC_FILE_RANGE_WRITE) == 0 }
}

/// See above.
#[cfg(not(target_os = "linux"))]
fn begin(_file: &fs::File, _position: u64) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::files::pages::count;

    /// Pages of a file that nobody has sent to the disk; none where the system can't tell (before Linux 6.5).
    fn dirty_pages(file: &fs::File) -> Option<u64> {
        let len = file.metadata().ok()?.len();
        Some(count(file, 0..len)?.dirty)
    }

    #[test]
    fn all_but_the_last_piece_is_sent() {
        // Where programs are built there is a disk, while temporary files may be in memory.
        let mut file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let page = 4096;
        let whole = vec![1; 4 * PIECE_BYTES as usize + page];
        file.write_all(&whole).unwrap();
        let Some(before) = dirty_pages(&file) else {
            return;
        };
        assert!(before > PIECE_BYTES / page as u64, "{before}");
        send(&file, PIECE_BYTES..whole.len() as u64);
        let after = dirty_pages(&file).unwrap();
        assert!(
            before - after >= 3 * PIECE_BYTES / page as u64,
            "{before} {after}"
        );
        assert!(after > 0, "the sync that follows sends the rest");
    }
}
