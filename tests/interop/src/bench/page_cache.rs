//! The state of memory and page cache that a measurement begins with.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::machine::kib_of_memory;

pub const GIB: usize = 1 << 30;
const PAGE: usize = 4 << 10;
const BLOCK: usize = 1 << 20;

/// Free memory of which no large block is whole, so that it stays as it is.
///
/// A hypervisor hands out memory late and takes back what is free: a guest that reports free pages does so for blocks
/// of 2 MiB and more (Linux' page_reporting). What nobody has used for some seconds is then made anew at the first touch,
/// and a page cache that grows pays for that: the same GB was written in 0.3, 0.7 and 1.3 s of system time, 0, 5 and 20 s
/// after its memory had been touched. Where one page of each MiB is in use no such block comes to be, and the same GB
/// takes 0.35 to 0.45 s whenever it is written.
#[derive(Debug)]
pub struct Warm {
    _in_use: Vec<Vec<u8>>,
}

impl Warm {
    /// Touches so many bytes of memory, but two thirds of what is available at most, and lets go of all
    /// but one page of each block.
    pub fn up(bytes: usize) -> Self {
        let available = kib_of_memory("MemAvailable").unwrap_or(0) * 1024;
        let blocks = bytes.min(available / 3 * 2) / BLOCK;
        let mut in_use = Vec::with_capacity(blocks);
        let given_back: Vec<Vec<u8>> = (0..blocks)
            .map(|_| {
                in_use.push(vec![1; PAGE]);
                vec![1; BLOCK - PAGE]
            })
            .collect();
        std::hint::black_box(&given_back);
        Self { _in_use: in_use }
    }
}

/// Lets what was written before be on the disk. Otherwise each case would pay for the one before: a kernel puts on the
/// disk what one broker wrote, for another its own threads do part of it.
pub fn settle() {
    rustix::fs::sync();
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
