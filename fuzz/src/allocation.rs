//! Counts what a decoder allocates, and holds it to its limit.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Bytes that a decoder may hold at once for each byte that it reads.
pub const FACTOR: usize = 4;

/// What it may hold beside that: the text of an error, a map's first node, the list of what is held.
pub const SMALL: usize = 16 * 1024;

/// Does `work` and returns with its result the most bytes that it held at once.
pub fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = work();
    let peak = ALLOCATOR.peak_usage().saturating_sub(before);
    (result, peak)
}

/// Does `work`, which reads `length` bytes, and fails if it holds more than [`FACTOR`] times that and
/// `beside` bytes at any moment.
pub fn bounded<T>(what: &str, length: usize, beside: usize, work: impl FnOnce() -> T) -> T {
    let (result, peak) = peak_of(work);
    assert!(
        peak <= FACTOR * length + beside,
        "{what}: {peak} bytes held for {length} bytes read, {beside} beside"
    );
    result
}
