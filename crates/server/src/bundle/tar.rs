//! Writing an archive of plain files in the ustar format.
//!
//! ```text
//! 0 name 100 | 100 mode 8 | 108 uid 8 | 116 gid 8 | 124 size 12 | 136 time 12 | 148 checksum 8
//! 156 type 1 | 157 link 100 | 257 "ustar\0" 6 | 263 "00" 2 | … 512
//! ```
//! Numbers are octal text; the checksum is the sum of the header's bytes with spaces in its own place.

use std::io::{self, Write};

const BLOCK: usize = 512;
/// Ends an archive.
pub(super) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Adds a file; `time_s` is in seconds since 1970.
pub(super) fn append(
    out: &mut impl Write,
    name: &str,
    bytes: &[u8],
    time_s: u64,
) -> io::Result<()> {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    if name.len() > 100 {
        return Err(io::Error::other("a name of more than 100 bytes"));
    }
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{:011o}\0", bytes.len()).as_bytes());
    put(136, format!("{time_s:011o}\0").as_bytes());
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\0");
    put(263, b"00");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.write_all(&header)?;
    out.write_all(bytes)?;
    let rest = bytes.len() % BLOCK;
    let padding = [0; BLOCK];
    match rest {
        0 => Ok(()),
        rest => out.write_all(&padding[rest..]),
    }
}
