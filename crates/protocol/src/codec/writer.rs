//! Writing: plain functions over a growing buffer.

use bytes::{Bytes, BytesMut};

use super::{DecodeError, Element, EncodeError, Reader};
use crate::Uuid;

/// Longest string that the format can carry, in bytes of UTF-8.
pub const MAX_STRING_BYTES: usize = 0x7fff;

#[cold]
pub(crate) fn absent(message: &'static str, field: &'static str, version: i16) -> EncodeError {
    EncodeError::NotRepresentable {
        message,
        field,
        version,
    }
}

#[cold]
pub(crate) fn null(message: &'static str, field: &'static str, version: i16) -> EncodeError {
    EncodeError::NullNotAllowed {
        message,
        field,
        version,
    }
}

/// `BufMut`'s ways are a call for each number; this is a comparison and a store.
#[inline]
fn put<const N: usize>(w: &mut BytesMut, bytes: [u8; N]) {
    w.extend_from_slice(&bytes);
}

pub(crate) fn put_bool(w: &mut BytesMut, value: bool) {
    put(w, [u8::from(value)]);
}

pub(crate) fn put_i8(w: &mut BytesMut, value: i8) {
    put(w, value.to_be_bytes());
}

pub(crate) fn put_i16(w: &mut BytesMut, value: i16) {
    put(w, value.to_be_bytes());
}

pub(crate) fn put_u16(w: &mut BytesMut, value: u16) {
    put(w, value.to_be_bytes());
}

pub(crate) fn put_i32(w: &mut BytesMut, value: i32) {
    put(w, value.to_be_bytes());
}

pub(crate) fn put_i64(w: &mut BytesMut, value: i64) {
    put(w, value.to_be_bytes());
}

pub(crate) fn put_f64(w: &mut BytesMut, value: f64) {
    put(w, value.to_be_bytes());
}

/// Appends a UUID, 16 bytes.
pub fn put_uuid(w: &mut BytesMut, value: Uuid) {
    w.extend_from_slice(value.as_bytes());
}

/// Appends a varint without sign, at most 5 bytes.
pub fn put_uvarint(w: &mut BytesMut, value: u32) {
    put_base128(w, u64::from(value));
}

/// Appends a zigzag varint of 32 bits, at most 5 bytes.
pub fn put_varint(w: &mut BytesMut, value: i32) {
    put_base128(w, u64::from(((value << 1) ^ (value >> 31)).cast_unsigned()));
}

/// Appends a zigzag varint of 64 bits, at most 10 bytes.
pub fn put_varlong(w: &mut BytesMut, value: i64) {
    put_base128(w, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

fn put_base128(w: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        put(w, [(value as u8) | 0x80]);
        value >>= 7;
    }
    put(w, [value as u8]);
}

/// Length in front of bytes or of an array.
pub(crate) fn put_array_len(
    w: &mut BytesMut,
    length: usize,
    flexible: bool,
) -> Result<(), EncodeError> {
    let short = i32::try_from(length).map_err(|_| EncodeError::TooLong { length })?;
    if flexible {
        put_uvarint(w, short.cast_unsigned() + 1);
    } else {
        put_i32(w, short);
    }
    Ok(())
}

fn put_null_len(w: &mut BytesMut, flexible: bool) {
    if flexible {
        put(w, [0]);
    } else {
        put_i32(w, -1);
    }
}

pub(crate) fn put_string(w: &mut BytesMut, value: &str, flexible: bool) -> Result<(), EncodeError> {
    if value.len() > MAX_STRING_BYTES {
        return Err(EncodeError::TooLong {
            length: value.len(),
        });
    }
    if flexible {
        put_uvarint(w, value.len() as u32 + 1);
    } else {
        put_u16(w, value.len() as u16);
    }
    w.extend_from_slice(value.as_bytes());
    Ok(())
}

pub(crate) fn put_nullable_string(
    w: &mut BytesMut,
    value: Option<&str>,
    flexible: bool,
) -> Result<(), EncodeError> {
    match value {
        Some(value) => return put_string(w, value, flexible),
        None if flexible => put(w, [0]),
        None => put_i16(w, -1),
    }
    Ok(())
}

pub(crate) fn put_bytes(
    w: &mut BytesMut,
    value: &Bytes,
    flexible: bool,
) -> Result<(), EncodeError> {
    put_array_len(w, value.len(), flexible)?;
    w.extend_from_slice(value);
    Ok(())
}

pub(crate) fn put_nullable_bytes(
    w: &mut BytesMut,
    value: Option<&Bytes>,
    flexible: bool,
) -> Result<(), EncodeError> {
    match value {
        Some(value) => put_bytes(w, value, flexible),
        None => {
            put_null_len(w, flexible);
            Ok(())
        }
    }
}

pub(crate) fn put_array<T: Element>(
    w: &mut BytesMut,
    list: &[T],
    flexible: bool,
    version: i16,
) -> Result<(), EncodeError> {
    put_array_len(w, list.len(), flexible)?;
    for element in list {
        element.write(w, version)?;
    }
    Ok(())
}

pub(crate) fn put_nullable_array<T: Element>(
    w: &mut BytesMut,
    list: Option<&[T]>,
    flexible: bool,
    version: i16,
) -> Result<(), EncodeError> {
    match list {
        Some(list) => put_array(w, list, flexible, version),
        None => {
            put_null_len(w, flexible);
            Ok(())
        }
    }
}

pub(crate) fn put_strings(
    w: &mut BytesMut,
    list: &[String],
    flexible: bool,
) -> Result<(), EncodeError> {
    put_array_len(w, list.len(), flexible)?;
    for element in list {
        put_string(w, element, flexible)?;
    }
    Ok(())
}

pub(crate) fn put_nullable_strings(
    w: &mut BytesMut,
    list: Option<&[String]>,
    flexible: bool,
) -> Result<(), EncodeError> {
    match list {
        Some(list) => put_strings(w, list, flexible),
        None => {
            put_null_len(w, flexible);
            Ok(())
        }
    }
}

/// A structure that may be null is preceded by 1, a null is -1.
pub(crate) fn put_nullable_struct<T: Element>(
    w: &mut BytesMut,
    value: Option<&T>,
    version: i16,
) -> Result<(), EncodeError> {
    match value {
        Some(value) => {
            put_i8(w, 1);
            value.write(w, version)
        }
        None => {
            put_i8(w, -1);
            Ok(())
        }
    }
}

/// In a tagged field a structure that may be null is preceded by 1, a null is 0.
pub(crate) fn put_tagged_struct<T: Element>(
    w: &mut BytesMut,
    value: Option<&T>,
    version: i16,
) -> Result<(), EncodeError> {
    put_bool(w, value.is_some());
    value.map_or(Ok(()), |value| value.write(w, version))
}

/// Starts a tagged field; the value follows, then [`end_tag`] with what this returned.
pub(crate) fn begin_tag(w: &mut BytesMut, tag: u32) -> usize {
    put_uvarint(w, tag);
    w.len()
}

/// Ends a tagged field: puts the value's size, known only now, in front of it.
pub(crate) fn end_tag(w: &mut BytesMut, start: usize) -> Result<(), EncodeError> {
    let end = w.len();
    let length = end - start;
    let size = u32::try_from(length).map_err(|_| EncodeError::TooLong { length })?;
    put_uvarint(w, size);
    // The size was written behind the value: turn the two round.
    let moved = w.len() - end;
    w[start..].rotate_right(moved);
    Ok(())
}

macro_rules! scalar {
    ($type:ty, $read:ident, $write:ident) => {
        impl Element for $type {
            const MIN_SIZE: usize = size_of::<$type>();

            fn read(r: &mut Reader, _version: i16) -> Result<Self, DecodeError> {
                r.$read()
            }

            fn write(&self, w: &mut BytesMut, _version: i16) -> Result<(), EncodeError> {
                $write(w, *self);
                Ok(())
            }
        }
    };
}

scalar!(i8, i8, put_i8);
scalar!(i16, i16, put_i16);
scalar!(u16, u16, put_u16);
scalar!(i32, i32, put_i32);
scalar!(i64, i64, put_i64);
scalar!(Uuid, uuid, put_uuid);
