//! LZ4 frames.
//!
//! ```text
//! frame:       magic u32 = 0x184D2204 | descriptor | blocks | u32 = 0 | [content checksum u32]
//! descriptor:  flags u8 | block size u8 | [content size u64] | [dictionary u32] | checksum u8
//! block:       size u32, top bit = stored | bytes | [checksum u32]
//! ```
//! All numbers are little-endian, all checksums xxHash32. The frame is taken apart here, and not
//! by the reader of lz4_flex, which takes a frame without its end for a whole one and buffers
//! every block once more; only the blocks are lz4_flex's.

use std::io::Write;

use lz4_flex::block::{DecompressError, decompress_into, decompress_into_with_dict};
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use twox_hash::XxHash32;

use super::{CompressError, Failure, Readers};

const MAGIC: u32 = 0x184D_2204;
const FLAG_DICTIONARY: u8 = 1;
const FLAG_RESERVED: u8 = 1 << 1;
const FLAG_CONTENT_CHECKSUM: u8 = 1 << 2;
const FLAG_CONTENT_SIZE: u8 = 1 << 3;
const FLAG_BLOCK_CHECKSUM: u8 = 1 << 4;
const FLAG_INDEPENDENT: u8 = 1 << 5;
const STORED: u32 = 1 << 31;
/// A linked block may refer to this many bytes before itself.
const WINDOW_BYTES: usize = 64 * 1024;
/// A byte that goes on a match length stands for at most this many bytes.
const MAX_RATIO: usize = 255;

pub(super) fn compress(src: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError> {
    let info = FrameInfo::new()
        .block_size(BlockSize::Max64KB)
        .block_mode(BlockMode::Independent);
    let mut encoder = FrameEncoder::with_frame_info(info, out);
    encoder.write_all(src).map_err(|_| CompressError)?;
    encoder.finish().map_err(|_| CompressError)?;
    Ok(())
}

pub(super) fn decompress(
    src: &[u8],
    limit: usize,
    readers: Readers,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let mut rest = frame(src, limit, readers, out)?;
    while !rest.is_empty() {
        // Java's reader stops after the first frame, others go on or fail: nobody's records
        // are safe behind it.
        if readers == Readers::Every {
            return Err(Failure::Malformed("bytes follow the lz4 frame"));
        }
        rest = frame(rest, limit, readers, out)?;
    }
    Ok(())
}

struct Descriptor {
    flags: u8,
    block_bytes: usize,
    content_size: Option<u64>,
}

impl Descriptor {
    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Decompresses one frame behind what is in `out` already; returns what follows it.
fn frame<'a>(
    src: &'a [u8],
    limit: usize,
    readers: Readers,
    out: &mut Vec<u8>,
) -> Result<&'a [u8], Failure> {
    let mut rest = src;
    let descriptor = descriptor(&mut rest)?;
    if readers == Readers::Every && !descriptor.has(FLAG_INDEPENDENT) {
        return Err(Failure::Malformed("lz4 blocks depend on each other"));
    }
    let start = out.len();
    loop {
        let size = take_u32(&mut rest)?;
        if size == 0 {
            break;
        }
        let length = (size & !STORED) as usize;
        if length > descriptor.block_bytes {
            return Err(Failure::Malformed(
                "an lz4 block is larger than its frame allows",
            ));
        }
        let bytes = take(&mut rest, length)?;
        if descriptor.has(FLAG_BLOCK_CHECKSUM)
            && XxHash32::oneshot(0, bytes) != take_u32(&mut rest)?
        {
            return Err(Failure::Malformed("an lz4 block checksum does not fit"));
        }
        if size & STORED != 0 {
            if length > limit - out.len() {
                return Err(Failure::TooLarge);
            }
            out.extend_from_slice(bytes);
        } else {
            block(bytes, start, &descriptor, limit, out)?;
        }
    }
    if descriptor
        .content_size
        .is_some_and(|size| size != (out.len() - start) as u64)
    {
        return Err(Failure::Malformed("the lz4 content size does not fit"));
    }
    if descriptor.has(FLAG_CONTENT_CHECKSUM)
        && XxHash32::oneshot(0, &out[start..]) != take_u32(&mut rest)?
    {
        return Err(Failure::Malformed("the lz4 content checksum does not fit"));
    }
    Ok(rest)
}

/// Decompresses one block behind what is in `out` already; its frame began at `frame_start`.
fn block(
    bytes: &[u8],
    frame_start: usize,
    descriptor: &Descriptor,
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    let position = out.len();
    let can_be = descriptor
        .block_bytes
        .min(bytes.len().saturating_mul(MAX_RATIO));
    let room = can_be.min(limit - position);
    out.resize(position + room, 0);
    let (before, target) = out.split_at_mut(position);
    let result = if descriptor.has(FLAG_INDEPENDENT) {
        decompress_into(bytes, target)
    } else {
        let window = frame_start.max(position.saturating_sub(WINDOW_BYTES));
        decompress_into_with_dict(bytes, target, &before[window..])
    };
    match result {
        Ok(written) => {
            out.truncate(position + written);
            Ok(())
        }
        Err(DecompressError::OutputTooSmall { .. }) if room < can_be => Err(Failure::TooLarge),
        Err(_) => Err(Failure::Malformed("not a sound lz4 block")),
    }
}

fn descriptor(rest: &mut &[u8]) -> Result<Descriptor, Failure> {
    if take_u32(rest)? != MAGIC {
        return Err(Failure::Malformed("not an lz4 frame"));
    }
    let from = *rest;
    let &[flags, block_size] = take(rest, 2)? else {
        return Err(CUT);
    };
    if flags >> 6 != 1 || flags & FLAG_RESERVED != 0 || block_size & 0x8f != 0 {
        return Err(Failure::Malformed("unknown lz4 frame version"));
    }
    let block_bytes = match block_size >> 4 {
        size @ 4..=7 => 1 << (8 + 2 * usize::from(size)),
        _ => return Err(Failure::Malformed("unknown lz4 block size")),
    };
    let mut content_size = None;
    if flags & FLAG_CONTENT_SIZE != 0 {
        let (low, high) = (take_u32(rest)?, take_u32(rest)?);
        content_size = Some(u64::from(high) << 32 | u64::from(low));
    }
    if flags & FLAG_DICTIONARY != 0 {
        return Err(Failure::Malformed("lz4 dictionaries are not supported"));
    }
    let covered = &from[..from.len() - rest.len()];
    let checksum = (XxHash32::oneshot(0, covered) >> 8) as u8;
    if take(rest, 1)? != [checksum] {
        return Err(Failure::Malformed("the lz4 header checksum does not fit"));
    }
    Ok(Descriptor {
        flags,
        block_bytes,
        content_size,
    })
}

const CUT: Failure = Failure::Malformed("the lz4 frame is cut");

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Failure> {
    let (bytes, after) = rest.split_at_checked(length).ok_or(CUT)?;
    *rest = after;
    Ok(bytes)
}

fn take_u32(rest: &mut &[u8]) -> Result<u32, Failure> {
    let (bytes, after) = rest.split_first_chunk::<4>().ok_or(CUT)?;
    *rest = after;
    Ok(u32::from_le_bytes(*bytes))
}
