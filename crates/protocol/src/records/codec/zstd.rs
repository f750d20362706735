//! Zstandard frames (RFC 8878).
//!
//! ```text
//! frame:       magic u32 = 0xFD2FB528 | descriptor | blocks | [checksum u32]
//! descriptor:  flags u8 | [window u8] | [dictionary 1, 2, 4] | [content size 1, 2, 4, 8]
//! block:       last: 1 bit | type: 2 bits | size: 21 bits | bytes
//! skippable:   magic u32 = 0x184D2A50 … 5F | size u32 | bytes
//! ```
//! A streaming decoder would have to trust the window size of the frame and allocate up to
//! 128 MiB for it. So the block headers are added up first (they bound what can come out), and
//! the frames are then decompressed in one go, straight into the target, without a window.

use zstd::zstd_safe::{self, DCtx};

use super::{CompressError, Failure};

const MAGIC: u32 = 0xFD2F_B528;
const SKIPPABLE_MAGIC: u32 = 0x184D_2A50;
const MAX_BLOCK_BYTES: u64 = 128 * 1024;
/// Largest window that Java's reader accepts.
const MAX_WINDOW_BYTES: u64 = 1 << 27;

pub(super) fn compress(
    src: &[u8],
    level: Option<i32>,
    out: &mut Vec<u8>,
) -> Result<(), CompressError> {
    let level = level.unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL);
    let compressed = zstd::bulk::compress(src, level).map_err(|_| CompressError)?;
    out.extend_from_slice(&compressed);
    Ok(())
}

pub(super) fn decompress(src: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
    let bound = bound(src)?;
    let room = usize::try_from(bound).unwrap_or(usize::MAX).min(limit);
    out.reserve(room);
    let mut context = DCtx::try_create().ok_or(Failure::Malformed("out of memory"))?;
    match context.decompress(out, src) {
        // The vector may have been larger than the limit before.
        Ok(_) if out.len() > limit => Err(Failure::TooLarge),
        Ok(_) => Ok(()),
        Err(code) if bound > limit as u64 && is_out_of_room(code) => Err(Failure::TooLarge),
        Err(_) => Err(Failure::Malformed("not a sound zstd frame")),
    }
}

fn is_out_of_room(code: zstd_safe::ErrorCode) -> bool {
    zstd_safe::get_error_name(code) == "Destination buffer is too small"
}

/// The most bytes that the frames in `src` can decompress to.
fn bound(src: &[u8]) -> Result<u64, Failure> {
    let mut rest = src;
    let mut sum = 0u64;
    while !rest.is_empty() {
        let magic = take_u32(&mut rest)?;
        sum = sum.saturating_add(if magic == MAGIC {
            frame_bound(&mut rest)?
        } else if magic & !0xf == SKIPPABLE_MAGIC {
            let size = take_u32(&mut rest)?;
            take(&mut rest, size as usize)?;
            0
        } else {
            return Err(Failure::Malformed("not a zstd frame"));
        });
    }
    Ok(sum)
}

fn frame_bound(rest: &mut &[u8]) -> Result<u64, Failure> {
    let flags = take(rest, 1)?[0];
    let single_segment = flags & (1 << 5) != 0;
    let has_checksum = flags & (1 << 2) != 0;
    let mut window = MAX_BLOCK_BYTES;
    if !single_segment {
        let descriptor = take(rest, 1)?[0];
        let base = 1u64 << (10 + (descriptor >> 3));
        window = base + base / 8 * u64::from(descriptor & 7);
        if window > MAX_WINDOW_BYTES {
            return Err(Failure::Malformed("the zstd window is larger than 128 MiB"));
        }
    }
    take(rest, [0, 1, 2, 4][usize::from(flags & 3)])?;
    let size_bytes = match flags >> 6 {
        0 => usize::from(single_segment),
        n => 1 << n,
    };
    take(rest, size_bytes)?;
    let mut sum = 0u64;
    loop {
        let header = take(rest, 3)?;
        let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let size = header >> 3;
        let (stored, out) = match (header >> 1) & 3 {
            0 => (size, u64::from(size)),
            1 => (1, u64::from(size)),
            2 => (size, window.min(MAX_BLOCK_BYTES)),
            _ => return Err(Failure::Malformed("reserved zstd block type")),
        };
        take(rest, stored as usize)?;
        sum = sum.saturating_add(out);
        if header & 1 != 0 {
            break;
        }
    }
    if has_checksum {
        take(rest, 4)?;
    }
    Ok(sum)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Failure> {
    let (bytes, after) = rest
        .split_at_checked(length)
        .ok_or(Failure::Malformed("the zstd frame is cut"))?;
    *rest = after;
    Ok(bytes)
}

fn take_u32(rest: &mut &[u8]) -> Result<u32, Failure> {
    let bytes = take(rest, 4)?;
    Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}
