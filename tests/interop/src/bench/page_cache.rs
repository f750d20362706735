//! The state of memory and page cache that a measurement begins with.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::machine::kib_of_memory;

pub const GIB: usize = 1 << 30;

/// Touches so many bytes of memory and gives them back to the kernel of this machine, if there is more than
/// enough: a hypervisor hands out late, and takes back, what a guest doesn't use, and a page cache that grows would pay
/// for that (the same GiB was written in 2.6, 0.7 and 0.2 s).
pub fn prefault(bytes: usize) {
    const PIECE: usize = GIB / 16;
    let available = kib_of_memory("MemAvailable").unwrap_or(0);
    let pieces = bytes.min(available / 2 * 1024) / PIECE;
    let held: Vec<Vec<u8>> = (0..pieces).map(|_| vec![1; PIECE]).collect();
    std::hint::black_box(&held);
}

/// Lets what was written before be on the disk, and has memory for so many bytes that are about to be written.
/// Otherwise each case would pay for the one before: a kernel puts on the disk what one broker wrote, for another its own
/// threads do part of it.
pub fn settle(bytes: usize) {
    rustix::fs::sync();
    if bytes >= GIB / 4 {
        prefault(bytes + GIB / 2);
    }
}

/// Reads every file that a process has mapped or open outside of a folder: its program, libraries and archives.
/// What only a start needs may have left the page cache since the last one, and then it is the disk that is measured (a
/// guest here loses what it has not used for 30 seconds, which made 45 ms of 22).
pub fn read_program(pid: u32, but: &Path) -> Result<()> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let paths = maps
        .lines()
        .filter_map(|line| Some(PathBuf::from(&line[line.find('/')?..])));
    let mut files: BTreeSet<PathBuf> = paths.collect();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        files.extend(fs::read_link(entry?.path()));
    }
    for file in files {
        let is_file = fs::metadata(&file).is_ok_and(|metadata| metadata.is_file());
        if is_file && file.is_absolute() && !file.starts_with(but) {
            io::copy(&mut fs::File::open(file)?, &mut io::sink())?;
        }
    }
    Ok(())
}
