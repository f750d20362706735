//! gzip, one or more members.

use std::io::{Read, Write};

use flate2::{Compression, bufread::MultiGzDecoder, write::GzEncoder};

use super::{CompressError, Failure};

/// Deflate cannot expand a byte to more than this many.
const MAX_RATIO: usize = 1032;

pub(super) fn compress(
    src: &[u8],
    level: Option<i32>,
    out: &mut Vec<u8>,
) -> Result<(), CompressError> {
    let level = match level {
        Some(level @ 1..=9) => Compression::new(level as u32),
        _ => Compression::default(),
    };
    let mut encoder = GzEncoder::new(out, level);
    encoder.write_all(src).map_err(|_| CompressError)?;
    encoder.finish().map_err(|_| CompressError)?;
    Ok(())
}

pub(super) fn decompress(src: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
    out.reserve(expected_size(src).min(limit));
    // One byte more than allowed is asked for, to tell "just fits" from "goes on".
    let most = (limit as u64).saturating_add(1);
    let read = MultiGzDecoder::new(src).take(most).read_to_end(out);
    if out.len() > limit {
        return Err(Failure::TooLarge);
    }
    read.map(|_| ())
        .map_err(|_| Failure::Malformed("not a sound gzip stream"))
}

/// The size that the last four bytes claim, if the bytes before could hold as much.
fn expected_size(src: &[u8]) -> usize {
    let claim = src
        .last_chunk::<4>()
        .map_or(0, |claim| u32::from_le_bytes(*claim)) as usize;
    claim.min(src.len().saturating_mul(MAX_RATIO))
}
