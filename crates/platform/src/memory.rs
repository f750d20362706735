//! How the system gives memory to this process.

use std::io;
use std::ops::Range;

use rustix::mm::{Advice, madvise};

/// Memory comes in pages of 4 KiB, not of 2 MiB, from now on and for the whole process.
///
/// The allocator keeps a little of each size for each thread and asks for huge pages for it: an idle
/// broker was 41 MB resident with them and 24 MB without, and appending and reading cost the same.
///
/// # Errors
/// The kernel doesn't know the wish (`PR_SET_THP_DISABLE`, prctl(2)).
pub fn keep_pages_small() -> io::Result<()> {
    Ok(rustix::thread::disable_transparent_huge_pages(true)?)
}

/// Lets go of the pages of this program's own code; those that are still used come back at their next
/// use, from the page cache. Returns how many bytes of code are mapped.
///
/// Half of the code that an idle broker has resident ran once, at its start.
///
/// # Errors
/// `/proc/self` can't be read, or madvise(2) refuses.
pub fn forget_code() -> io::Result<usize> {
    let program = std::fs::read_link("/proc/self/exe")?;
    let program = program.to_string_lossy();
    let maps = std::fs::read_to_string("/proc/self/maps")?;
    let mut forgotten = 0;
    for code in maps.lines().filter_map(|line| code_of(line, &program)) {
        forget(&code)?;
        forgotten += code.len();
    }
    Ok(forgotten)
}

/// The addresses of a line of `/proc/self/maps` (proc(5)) if they are code of `program` that nothing
/// may write to: `start-end r-xp offset device inode path`.
fn code_of(line: &str, program: &str) -> Option<Range<usize>> {
    let (addresses, rest) = line.split_once(' ')?;
    let (rights, rest) = rest.split_once(' ')?;
    if rights != "r-xp" || !rest.ends_with(program) {
        return None;
    }
    let (start, end) = addresses.split_once('-')?;
    let address = |digits| usize::from_str_radix(digits, 16).ok();
    Some(address(start)?..address(end)?)
}

#[expect(unsafe_code, reason = "there is no safe call of madvise(2)")]
fn forget(code: &Range<usize>) -> io::Result<()> {
    let start = std::ptr::with_exposed_provenance_mut(code.start);
    // SAFETY: the kernel just told that this is a private mapping of the program's file that can't be
    // written to, and programs never unmap their own code. So its pages have what the file has, and
    // MADV_DONTNEED means that they are mapped again at their next use (madvise(2)).
    unsafe { madvise(start, code.len(), Advice::LinuxDontNeed) }?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_what_can_be_run_and_not_be_written() {
        let program = "/opt/limpid";
        let of = |line| code_of(line, program);
        let code = "7f00-8f00 r-xp 00001000 08:01 42                         /opt/limpid";
        assert_eq!(of(code), Some(0x7f00..0x8f00));
        for other in [
            // Constants that the loader wrote addresses into look the same but for the x.
            "7f00-8f00 r--p 00001000 08:01 42                         /opt/limpid",
            "7f00-8f00 rwxp 00001000 08:01 42                         /opt/limpid",
            "7f00-8f00 r-xs 00001000 08:01 42                         /opt/limpid",
            "7f00-8f00 r-xp 00001000 08:01 42                         /usr/lib/libc.so.6",
            "7f00-8f00 r-xp 00000000 00:00 0                          [vdso]",
            "xyz-8f00 r-xp 00001000 08:01 42                          /opt/limpid",
            "r-xp",
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn a_program_goes_on_without_the_pages_of_its_code() {
        // Pages of files, among them the program's: the third number (proc(5)).
        let resident = || {
            let sizes = std::fs::read_to_string("/proc/self/statm").unwrap();
            let pages = sizes.split(' ').nth(2).unwrap();
            pages.parse::<u64>().unwrap()
        };
        let before = resident();
        let code = forget_code().unwrap();
        assert!(code > 0, "this test is code of this program");
        assert!(resident() < before, "{before} pages before");
    }
}
