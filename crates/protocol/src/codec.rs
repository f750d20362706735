//! The primitives under every message: what can go wrong, how a message is read and written.
//!
//! Reading is bounded twice. Every count is checked against the bytes that are left, and every
//! allocation is charged to a budget that grows with the frame ([`ALLOCATION_FACTOR`],
//! [`ALLOCATION_FLOOR`]), so that no frame can make the decoder allocate more than a few times its
//! own size. Nothing here panics on input and nothing recurses deeper than the message's own shape.

mod lossy;
mod reader;
mod writer;

#[cfg(any(test, feature = "testing"))]
pub(crate) mod arbitrary;

pub use reader::{ALLOCATION_FACTOR, ALLOCATION_FLOOR, RECORD_FLOOR, Reader, Tag};
pub use writer::{MAX_STRING_BYTES, put_uuid, put_uvarint, put_varint, put_varlong};
pub(crate) use writer::{
    absent, begin_tag, end_tag, null, put_array, put_array_len, put_bool, put_bytes, put_f64,
    put_i8, put_i16, put_i32, put_i64, put_nullable_array, put_nullable_bytes, put_nullable_string,
    put_nullable_strings, put_nullable_struct, put_string, put_strings, put_tagged_struct, put_u16,
};

use bytes::BytesMut;

/// Why bytes from the network or the disk are not the message they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The codec does not know this version of the message.
    #[error("{message} has no version {version}")]
    InvalidVersion {
        /// Name of the message.
        message: &'static str,
        /// Version asked for.
        version: i16,
    },
    /// The frame ends inside a value.
    #[error("frame ends at byte {at}: {needed} bytes needed, {left} left")]
    UnexpectedEnd {
        /// Position in the frame, in bytes.
        at: usize,
        /// Bytes that the value needs.
        needed: usize,
        /// Bytes that are left.
        left: usize,
    },
    /// A length is negative or larger than its type allows.
    #[error("invalid length {length} at byte {at}")]
    InvalidLength {
        /// Position after the length, in bytes.
        at: usize,
        /// The length as read.
        length: i64,
    },
    /// A varint runs over its 5 (or 10) bytes.
    #[error("varint too long at byte {at}")]
    InvalidVarint {
        /// Position in the frame, in bytes.
        at: usize,
    },
    /// A null where this version of the message does not allow one.
    #[error("null at byte {at} where a value is required")]
    UnexpectedNull {
        /// Position after the null, in bytes.
        at: usize,
    },
    /// An array claims more elements than the rest of the frame could hold.
    #[error("{count} elements at byte {at}, but {left} bytes left")]
    TooManyElements {
        /// Position after the count, in bytes.
        at: usize,
        /// Elements claimed.
        count: usize,
        /// Bytes that are left.
        left: usize,
    },
    /// A tagged field is longer or shorter than it claims to be.
    #[error("tagged field {tag} does not end at byte {end}")]
    InvalidTag {
        /// Number of the tag.
        tag: u32,
        /// Where the field said it would end, in bytes.
        end: usize,
    },
    /// Decoding the frame would allocate more than its budget.
    #[error("decoding would allocate more than {limit} bytes")]
    AllocationLimit {
        /// The budget, in bytes.
        limit: usize,
    },
}

/// Why a message cannot be written in a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The codec does not know this version of the message.
    #[error("{message} has no version {version}")]
    InvalidVersion {
        /// Name of the message.
        message: &'static str,
        /// Version asked for.
        version: i16,
    },
    /// A field that the version lacks, and that may not be left out silently, has a value.
    #[error("{field} of {message} cannot be expressed in version {version}")]
    NotRepresentable {
        /// Name of the structure.
        message: &'static str,
        /// Name of the field.
        field: &'static str,
        /// Version asked for.
        version: i16,
    },
    /// A field is null in a version that does not allow it.
    #[error("{field} of {message} must not be null in version {version}")]
    NullNotAllowed {
        /// Name of the structure.
        message: &'static str,
        /// Name of the field.
        field: &'static str,
        /// Version asked for.
        version: i16,
    },
    /// A string or byte field is longer than the format can say.
    #[error("value of {length} bytes is too long")]
    TooLong {
        /// Length in bytes.
        length: usize,
    },
    /// A part of the message is elsewhere, and room can't be left for it.
    #[error("bytes of {message} are not in memory")]
    NotInMemory {
        /// Name of the structure.
        message: &'static str,
    },
}

/// A structure inside a message: what arrays are made of.
///
/// Versions are not checked here; [`Message`] does that once, at the top.
#[doc(hidden)]
pub trait Element: Sized {
    /// The fewest bytes that a value takes in any version; at least 1.
    const MIN_SIZE: usize;

    /// Reads one value.
    fn read(r: &mut Reader, version: i16) -> Result<Self, DecodeError>;

    /// Appends the value.
    fn write(&self, w: &mut BytesMut, version: i16) -> Result<(), EncodeError>;
}

/// A request, a response or a stored record of Kafka's.
pub trait Message: Element + Default + Clone + std::fmt::Debug + PartialEq {
    /// Kafka's name of the message.
    const NAME: &'static str;
    /// Lowest version that the codec reads and writes.
    const MIN_VERSION: i16;
    /// Highest version that the codec reads and writes.
    const MAX_VERSION: i16;
    /// Highest version that Kafka calls stable: do not advertise a higher one.
    const STABLE_MAX_VERSION: i16 = Self::MAX_VERSION;

    /// Reads the message. Bytes behind it are left in the reader.
    fn decode(r: &mut Reader, version: i16) -> Result<Self, DecodeError> {
        if (Self::MIN_VERSION..=Self::MAX_VERSION).contains(&version) {
            Self::read(r, version)
        } else {
            Err(DecodeError::InvalidVersion {
                message: Self::NAME,
                version,
            })
        }
    }

    /// Appends the message. After an error the buffer holds a part of it.
    fn encode(&self, w: &mut BytesMut, version: i16) -> Result<(), EncodeError> {
        if (Self::MIN_VERSION..=Self::MAX_VERSION).contains(&version) {
            self.write(w, version)
        } else {
            Err(EncodeError::InvalidVersion {
                message: Self::NAME,
                version,
            })
        }
    }
}

/// A message that asks for another.
pub trait Request: Message {
    /// The API that the request calls.
    const KEY: crate::ApiKey;
    /// The message that answers it.
    type Response: Response;
}

/// A message that answers another.
pub trait Response: Message {
    /// Whether it has a field that tells a client for how long it is held back.
    const THROTTLES: bool = false;

    /// Tells the client for how long it is held back; nothing where there is no such field.
    fn set_throttle_time_ms(&mut self, _ms: i32) {}
}

/// A record of the `__cluster_metadata` log.
pub trait MetadataRecordMessage: Message {
    /// The number that stands for the record's type on disk.
    const API_KEY: i16;
}

/// The key or the value of a record of a coordinator's topic.
///
/// On disk a key starts with its record type as int16, a value with its version as int16.
pub trait CoordinatorRecordMessage: Message {
    /// The number that stands for the record's type on disk.
    const RECORD_TYPE: i16;
}
