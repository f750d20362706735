//! What of a file is in memory.

use std::ops::Range;
use std::os::fd::AsFd;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, Ordering};

/// Pages of a range, as `cachestat(2)` counts them (`struct cachestat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pages {
    /// In memory.
    pub(super) cached: u64,
    /// Of those, written to and not on their way to the disk.
    pub(super) dirty: u64,
}

/// Whether every page of a range is in memory; `false` where the system can't tell.
pub(super) fn are_in_memory(file: impl AsFd, range: Range<u64>) -> bool {
    let page = rustix::param::page_size() as u64;
    let whole = range.end.div_ceil(page) - range.start / page;
    count(file, range).is_some_and(|pages| pages.cached >= whole)
}

/// Counts pages; `None` where the system can't (before Linux 6.5, or a file system that has none). Nobody asks a
/// system without that call again.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "there is no safe call of cachestat(2)")]
pub(super) fn count(file: impl AsFd, range: Range<u64>) -> Option<Pages> {
    use std::os::fd::AsRawFd;
    /// The same on every architecture; the crate has no name for it.
    const CACHESTAT: libc::c_long = 451;
    static IS_MISSING: AtomicBool = AtomicBool::new(false);
    if range.is_empty() || IS_MISSING.load(Ordering::Relaxed) {
        return None;
    }
    let (range, mut counts) = ([range.start, range.end - range.start], [0_u64; 5]);
    let (asked, told) = (range.as_ptr(), counts.as_mut_ptr());
    // SAFETY: `struct cachestat_range` is two of these numbers, `struct cachestat` five; both outlive the call.
    let done = unsafe { libc::syscall(CACHESTAT, file.as_fd().as_raw_fd(), asked, told, 0) };
    if done == 0 {
        let [cached, dirty, ..] = counts;
        return Some(Pages { cached, dirty });
    }
    let why = std::io::Error::last_os_error().raw_os_error();
    if matches!(why, Some(libc::ENOSYS | libc::EPERM)) {
        IS_MISSING.store(true, Ordering::Relaxed);
    }
    None
}

/// See above.
#[cfg(not(target_os = "linux"))]
pub(super) fn count(_file: impl AsFd, _range: Range<u64>) -> Option<Pages> {
    None
}
