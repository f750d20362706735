//! Compression codecs: whole payloads, in memory, never beyond a limit.
//!
//! | codec | bytes in the batch |
//! |---|---|
//! | gzip | one or more gzip members |
//! | snappy | one raw block (librdkafka), or the framing of Java's SnappyOutputStream |
//! | lz4 | an LZ4 frame with independent blocks |
//! | zstd | one or more zstd frames, window up to 128 MiB |
//!
//! Memory while decompressing is bounded by the limit and by what the compressed bytes can
//! expand to, whatever the frames claim about themselves.

mod gzip;
mod lz4;
mod snappy;
mod zstd;

use super::RecordsError;

/// A compression codec of Kafka, in the numbering of the batch attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Codec {
    /// Not compressed.
    #[default]
    None = 0,
    /// gzip (RFC 1952).
    Gzip = 1,
    /// Snappy.
    Snappy = 2,
    /// LZ4.
    Lz4 = 3,
    /// Zstandard (KIP-110).
    Zstd = 4,
}

/// Who must be able to read a payload for it to be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    /// Every client, Java's included: what would poison a consumer is refused.
    Every,
    /// Us: concatenated LZ4 frames and linked LZ4 blocks are read as well.
    Us,
}

/// What a decompressor reports; [`Codec`] turns it into a [`RecordsError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    TooLarge,
    Malformed(&'static str),
}

/// The compressor itself failed (out of memory, a level out of range).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("compressor failed")]
pub struct CompressError;

impl Codec {
    /// All codecs in the order of their ids.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec with this id in the batch attributes.
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id)).copied()
    }

    /// Id in the batch attributes.
    pub fn id(self) -> u8 {
        self as u8
    }

    /// The name in `compression.type` (`none` is called `uncompressed` there).
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The codec with this name; `uncompressed` is accepted for `none`.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "uncompressed" {
            return Some(Self::None);
        }
        Self::ALL.into_iter().find(|codec| codec.name() == name)
    }

    /// Appends `src` to `out` in compressed form, as Java's producer would write it.
    ///
    /// `level` is Kafka's `compression.<codec>.level` (KIP-390); LZ4 is always written by its
    /// fast compressor, whatever the level.
    pub fn compress(
        self,
        src: &[u8],
        level: Option<i32>,
        out: &mut Vec<u8>,
    ) -> Result<(), CompressError> {
        match self {
            Self::None => {
                out.extend_from_slice(src);
                Ok(())
            }
            Self::Gzip => gzip::compress(src, level, out),
            Self::Snappy => snappy::compress(src, out),
            Self::Lz4 => lz4::compress(src, out),
            Self::Zstd => zstd::compress(src, level, out),
        }
    }

    /// Replaces the content of `out` by `src` decompressed, at most `limit` bytes.
    ///
    /// Reads everything that is readable at all; what producers may send is narrower, see
    /// [`validate`](super::validate).
    pub fn decompress(
        self,
        src: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), RecordsError> {
        self.decompress_for(src, limit, Readers::Us, out)
    }

    pub(super) fn decompress_for(
        self,
        src: &[u8],
        limit: usize,
        readers: Readers,
        out: &mut Vec<u8>,
    ) -> Result<(), RecordsError> {
        out.clear();
        let result = match self {
            Self::None if src.len() > limit => Err(Failure::TooLarge),
            Self::None => {
                out.extend_from_slice(src);
                Ok(())
            }
            Self::Gzip => gzip::decompress(src, limit, out),
            Self::Snappy => snappy::decompress(src, limit, out),
            Self::Lz4 => lz4::decompress(src, limit, readers, out),
            Self::Zstd => zstd::decompress(src, limit, out),
        };
        debug_assert!(
            result.is_err() || out.len() <= limit,
            "{self} passed its limit"
        );
        result.map_err(|failure| match failure {
            Failure::TooLarge => RecordsError::DecompressedTooLarge { limit },
            Failure::Malformed(reason) => RecordsError::BadCompression {
                codec: self,
                reason,
            },
        })
    }
}

impl std::fmt::Display for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
