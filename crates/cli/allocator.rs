//! The allocator, and what the kernel has to know before it begins.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The loader calls this before the allocator's own beginning, which has priority 101: where it keeps its books, and
/// what it hands out first, would be huge pages otherwise, 4 MiB of which 3 are never used.
#[cfg(target_os = "linux")]
#[used]
#[expect(
    unsafe_code,
    reason = "a section of the program is named; what is in it has the type that the loader calls"
)]
#[unsafe(link_section = ".init_array.00100")]
static BEFORE_IT_BEGINS: extern "C" fn() = keep_pages_small;

#[cfg(target_os = "linux")]
extern "C" fn keep_pages_small() {
    // A kernel without this wish only costs memory.
    limpid_platform::memory::keep_pages_small().ok();
}
