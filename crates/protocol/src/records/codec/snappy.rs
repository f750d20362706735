//! Snappy: a raw block, or raw blocks in the framing of Java's SnappyOutputStream.
//!
//! ```text
//! header:  0x82 "SNAPPY" 0x00 | version i32 = 1 | oldest compatible version i32 = 1
//! then, to the end:  length i32 | raw block
//! ```
//! All numbers are big-endian. The header may come again between blocks (joined streams).

use snap::raw;

use super::{CompressError, Failure};

const MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
const HEADER_BYTES: usize = MAGIC.len() + 8;
const VERSION: u32 = 1;
/// Uncompressed bytes in a block as Java's clients write it.
const BLOCK_BYTES: usize = 32 * 1024;
/// A copy of 64 bytes takes two; no element does better.
const MAX_RATIO: usize = 64;

pub(super) fn compress(src: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError> {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&VERSION.to_be_bytes());
    let mut encoder = raw::Encoder::new();
    for block in src.chunks(BLOCK_BYTES) {
        let start = out.len() + 4;
        out.resize(start + raw::max_compress_len(block.len()), 0);
        let size = encoder
            .compress(block, &mut out[start..])
            .map_err(|_| CompressError)?;
        out.truncate(start + size);
        out[start - 4..start].copy_from_slice(&(size as u32).to_be_bytes());
    }
    Ok(())
}

pub(super) fn decompress(src: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
    let mut rest = match src.strip_prefix(&MAGIC) {
        None => return block(src, limit, out),
        Some(_) => header(src)?,
    };
    while !rest.is_empty() {
        if rest.starts_with(&MAGIC) {
            rest = header(rest)?;
            continue;
        }
        let (length, after) = rest
            .split_first_chunk::<4>()
            .ok_or(Failure::Malformed("a block length is cut"))?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (compressed, after) = after
            .split_at_checked(length)
            .ok_or(Failure::Malformed("a block is cut"))?;
        block(compressed, limit, out)?;
        rest = after;
    }
    Ok(())
}

fn header(src: &[u8]) -> Result<&[u8], Failure> {
    src.get(HEADER_BYTES..)
        .ok_or(Failure::Malformed("the stream header is cut"))
}

/// Decompresses one raw block behind what is in `out` already.
fn block(compressed: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
    const MALFORMED: Failure = Failure::Malformed("not a sound snappy block");
    let size = raw::decompress_len(compressed).map_err(|_| MALFORMED)?;
    if size > compressed.len().saturating_mul(MAX_RATIO) {
        return Err(MALFORMED);
    }
    let start = out.len();
    if size > limit - start {
        return Err(Failure::TooLarge);
    }
    out.resize(start + size, 0);
    let written = raw::Decoder::new()
        .decompress(compressed, &mut out[start..])
        .map_err(|_| MALFORMED)?;
    if written == size {
        Ok(())
    } else {
        Err(MALFORMED)
    }
}
