//! Reading: a cursor over one frame that never trusts a length.

use bytes::Bytes;

use super::lossy::{lossy, lossy_size};
use super::writer::MAX_STRING_BYTES;
use super::{DecodeError, Element};
use crate::Uuid;

mod varints;

/// A decoder may allocate this many bytes per byte of its frame.
///
/// What clients send stays below 4 in all but the oldest versions: there a list of nothing but short
/// names comes to `(40 + length) / (2 + length)` each, which is what the floor is for.
pub const ALLOCATION_FACTOR: usize = 4;

/// A decoder may allocate this many bytes more, whatever the length of the frame: 15,000 names of five
/// characters in those versions. The newest need it too: a topic of six characters has 10 bytes in
/// DescribeConfigs and 62 in memory, so that 10,000 of them come to 220 KB beyond the factor.
pub const ALLOCATION_FLOOR: usize = 256 * 1_024;

/// The same for what a server answers that we chose to ask. Old answers hold more than any request: a
/// fetched partition without records had 30 bytes on the wire, and has 128 in memory.
const ANSWER_FLOOR: usize = 512 * 1_024;

/// The same for a stored record, which is of one thing and not of a cluster: 6,000 names of five characters.
pub const RECORD_FLOOR: usize = 64 * 1_024;

/// What the value of a stored record may allocate per byte: beside what is decoded there is a copy of it.
const RECORD_VALUE_FACTOR: usize = ALLOCATION_FACTOR - 1;

/// What its key may allocate per byte: no key has a list, and its texts are copied once more.
const RECORD_KEY_FACTOR: usize = 2;

/// A cursor over one frame. Byte fields are slices of the frame, not copies.
#[derive(Debug, Clone)]
pub struct Reader {
    frame: Bytes,
    at: usize,
    budget: usize,
    limit: usize,
    #[cfg(any(test, feature = "testing"))]
    pub(super) arbitrary: Option<Box<super::arbitrary::Arbitrary>>,
}

/// The head of a tagged field.
#[derive(Debug, Clone, Copy)]
pub struct Tag {
    /// Number of the field.
    pub id: u32,
    end: usize,
}

/// In tests, lets the reader make values up instead of reading them.
macro_rules! or_arbitrary {
    ($self:ident, $arbitrary:ident => $value:expr) => {
        #[cfg(any(test, feature = "testing"))]
        if let Some($arbitrary) = &mut $self.arbitrary {
            return Ok($value);
        }
    };
}

impl Reader {
    /// A reader at the start of `frame`, with the budget that goes with its length.
    pub fn new(frame: Bytes) -> Self {
        let budget = frame.len().saturating_mul(ALLOCATION_FACTOR);
        Self::with_budget(frame, budget.saturating_add(ALLOCATION_FLOOR))
    }

    /// A reader of what a server answers that we chose to ask.
    pub fn of_answer(frame: Bytes) -> Self {
        let budget = frame.len().saturating_mul(ALLOCATION_FACTOR);
        Self::with_budget(frame, budget.saturating_add(ANSWER_FLOOR))
    }

    /// A reader of the key of a record in a coordinator's topic.
    pub fn of_record_key(key: Bytes) -> Self {
        let budget = key.len().saturating_mul(RECORD_KEY_FACTOR);
        Self::with_budget(key, budget)
    }

    /// A reader of the value of a record in a coordinator's topic or the metadata log.
    pub fn of_record_value(value: Bytes) -> Self {
        let budget = value.len().saturating_mul(RECORD_VALUE_FACTOR);
        Self::with_budget(value, budget.saturating_add(RECORD_FLOOR))
    }

    /// A reader that may allocate `budget` bytes.
    pub fn with_budget(frame: Bytes, budget: usize) -> Self {
        Self {
            frame,
            at: 0,
            budget,
            limit: budget,
            #[cfg(any(test, feature = "testing"))]
            arbitrary: None,
        }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Bytes not yet read.
    pub fn remaining(&self) -> usize {
        self.frame.len() - self.at
    }

    /// The bytes not yet read, as a slice of the frame.
    pub fn rest(&self) -> Bytes {
        self.frame.slice(self.at..)
    }

    /// Bytes charged to the budget so far.
    pub fn allocated(&self) -> usize {
        self.limit - self.budget
    }

    fn need(&self, needed: usize) -> Result<(), DecodeError> {
        if needed <= self.remaining() {
            Ok(())
        } else {
            Err(self.short(needed))
        }
    }

    #[cold]
    fn short(&self, needed: usize) -> DecodeError {
        DecodeError::UnexpectedEnd {
            at: self.at,
            needed,
            left: self.remaining(),
        }
    }

    #[cold]
    fn length(&self, length: i64) -> DecodeError {
        DecodeError::InvalidLength {
            at: self.at,
            length,
        }
    }

    /// Takes what a decoder is about to allocate off its budget.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        match self.budget.checked_sub(bytes) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => Err(DecodeError::AllocationLimit { limit: self.limit }),
        }
    }

    #[inline]
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        or_arbitrary!(self, a => a.fixed());
        match self.frame.get(self.at..).and_then(<[u8]>::first_chunk::<N>) {
            Some(chunk) => {
                self.at += N;
                Ok(*chunk)
            }
            None => Err(self.short(N)),
        }
    }

    /// Reads a boolean; every byte but 0 is true.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        or_arbitrary!(self, a => a.below(2) == 1);
        Ok(self.i8()? != 0)
    }

    /// Reads a signed byte.
    #[inline]
    pub fn i8(&mut self) -> Result<i8, DecodeError> {
        self.fixed().map(i8::from_be_bytes)
    }

    /// Reads two bytes, big-endian.
    #[inline]
    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        self.fixed().map(i16::from_be_bytes)
    }

    /// Reads two bytes without sign, big-endian.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.fixed().map(u16::from_be_bytes)
    }

    /// Reads four bytes, big-endian.
    #[inline]
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        self.fixed().map(i32::from_be_bytes)
    }

    /// Reads eight bytes, big-endian.
    #[inline]
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        self.fixed().map(i64::from_be_bytes)
    }

    /// Reads an IEEE 754 double, big-endian.
    pub fn f64(&mut self) -> Result<f64, DecodeError> {
        or_arbitrary!(self, a => a.f64());
        self.fixed().map(f64::from_be_bytes)
    }

    /// Reads a UUID.
    pub fn uuid(&mut self) -> Result<Uuid, DecodeError> {
        self.fixed().map(Uuid::from_bytes)
    }

    /// Takes the next `length` bytes as a slice of the frame.
    pub fn take(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        self.need(length)?;
        let end = self.at + length;
        let taken = self.frame.slice(self.at..end);
        self.at = end;
        Ok(taken)
    }

    /// Steps over `length` bytes.
    pub fn skip(&mut self, length: usize) -> Result<(), DecodeError> {
        self.need(length)?;
        self.at += length;
        Ok(())
    }

    /// Length in front of a string; `None` for null.
    fn string_length(&mut self, flexible: bool) -> Result<Option<usize>, DecodeError> {
        let length = if flexible {
            i64::from(self.uvarint()?) - 1
        } else {
            i64::from(self.i16()?)
        };
        match usize::try_from(length) {
            Ok(length) if length <= MAX_STRING_BYTES => Ok(Some(length)),
            Err(_) if length == -1 => Ok(None),
            _ => Err(self.length(length)),
        }
    }

    /// Length in front of bytes or of an array; `None` for null.
    fn long_length(&mut self, flexible: bool) -> Result<Option<usize>, DecodeError> {
        let length = if flexible {
            i64::from(self.uvarint()?) - 1
        } else {
            i64::from(self.i32()?)
        };
        match usize::try_from(length) {
            Ok(length) if length <= i32::MAX as usize => Ok(Some(length)),
            Err(_) if length == -1 => Ok(None),
            _ => Err(self.length(length)),
        }
    }

    #[cold]
    fn unexpected_null(&self) -> DecodeError {
        DecodeError::UnexpectedNull { at: self.at }
    }

    /// Reads a string; bytes that are not UTF-8 become replacement characters, as in Kafka.
    pub fn string(&mut self, flexible: bool) -> Result<String, DecodeError> {
        or_arbitrary!(self, a => a.string());
        self.nullable_string(flexible)?
            .ok_or_else(|| self.unexpected_null())
    }

    /// Reads a string or null.
    pub fn nullable_string(&mut self, flexible: bool) -> Result<Option<String>, DecodeError> {
        or_arbitrary!(self, a => a.null().then(|| a.string()));
        let Some(length) = self.string_length(flexible)? else {
            return Ok(None);
        };
        self.need(length)?;
        self.charge(length)?;
        let end = self.at + length;
        let raw = &self.frame[self.at..end];
        let text = match std::str::from_utf8(raw) {
            Ok(text) => text.to_owned(),
            Err(_) => {
                let size = lossy_size(raw);
                // Replacement characters take three bytes in place of one.
                self.charge(size.saturating_sub(length))?;
                lossy(&self.frame[self.at..end], size)
            }
        };
        self.at = end;
        Ok(Some(text))
    }

    /// Reads a byte field as a slice of the frame.
    pub fn bytes(&mut self, flexible: bool) -> Result<Bytes, DecodeError> {
        or_arbitrary!(self, a => a.bytes());
        self.nullable_bytes(flexible)?
            .ok_or_else(|| self.unexpected_null())
    }

    /// Reads a byte field, or null, as a slice of the frame.
    pub fn nullable_bytes(&mut self, flexible: bool) -> Result<Option<Bytes>, DecodeError> {
        or_arbitrary!(self, a => a.null().then(|| a.bytes()));
        match self.long_length(flexible)? {
            Some(length) => self.take(length).map(Some),
            None => Ok(None),
        }
    }

    /// Reads the count in front of an array whose elements take `min_size` bytes at least.
    fn count(&mut self, flexible: bool, min_size: usize) -> Result<Option<usize>, DecodeError> {
        let Some(count) = self.long_length(flexible)? else {
            return Ok(None);
        };
        let left = self.remaining();
        if count > left / min_size.max(1) {
            return Err(DecodeError::TooManyElements {
                at: self.at,
                count,
                left,
            });
        }
        Ok(Some(count))
    }

    /// Makes room for as many elements as were announced and may fit: once, since a list that grows is
    /// there twice while it moves. Room that no element fills is never touched.
    fn room<T>(&mut self, count: usize) -> Result<Vec<T>, DecodeError> {
        self.charge(count.saturating_mul(size_of::<T>()))?;
        Ok(Vec::with_capacity(count))
    }

    /// Reads an array of structures or of fixed-size values.
    pub fn array<T: Element>(
        &mut self,
        flexible: bool,
        version: i16,
    ) -> Result<Vec<T>, DecodeError> {
        or_arbitrary!(self, a => {
            let count = a.count();
            (0..count).map(|_| T::read(self, version)).collect::<Result<_, _>>()?
        });
        self.nullable_array(flexible, version)?
            .ok_or_else(|| self.unexpected_null())
    }

    /// Reads an array, or null, of structures or of fixed-size values.
    pub fn nullable_array<T: Element>(
        &mut self,
        flexible: bool,
        version: i16,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        or_arbitrary!(self, a => {
            if a.null() { return Ok(None); }
            Some(self.array(flexible, version)?)
        });
        let Some(count) = self.count(flexible, T::MIN_SIZE)? else {
            return Ok(None);
        };
        let mut list = self.room(count)?;
        for _ in 0..count {
            list.push(T::read(self, version)?);
        }
        Ok(Some(list))
    }

    /// Reads an array of strings.
    pub fn strings(&mut self, flexible: bool) -> Result<Vec<String>, DecodeError> {
        or_arbitrary!(self, a => {
            let count = a.count();
            (0..count).map(|_| a.string()).collect()
        });
        self.nullable_strings(flexible)?
            .ok_or_else(|| self.unexpected_null())
    }

    /// Reads an array of strings, or null.
    pub fn nullable_strings(&mut self, flexible: bool) -> Result<Option<Vec<String>>, DecodeError> {
        or_arbitrary!(self, a => {
            if a.null() { return Ok(None); }
            Some(self.strings(flexible)?)
        });
        let min_size = if flexible { 1 } else { 2 };
        let Some(count) = self.count(flexible, min_size)? else {
            return Ok(None);
        };
        let mut list = self.room(count)?;
        for _ in 0..count {
            list.push(self.string(flexible)?);
        }
        Ok(Some(list))
    }

    /// Reads the byte in front of a structure that may be null: whether there is one.
    pub fn present(&mut self) -> Result<bool, DecodeError> {
        or_arbitrary!(self, a => !a.null());
        Ok(self.i8()? >= 0)
    }

    /// Like [`Reader::present`], for a structure in a tagged field: there null is a varint of 0.
    pub fn tagged_present(&mut self) -> Result<bool, DecodeError> {
        or_arbitrary!(self, a => !a.null());
        Ok(self.uvarint()? != 0)
    }

    /// Reads the number of tagged fields.
    pub fn tag_count(&mut self) -> Result<u32, DecodeError> {
        or_arbitrary!(self, a => a.below(6));
        let count = self.uvarint()?;
        // A tag and a size take a byte each.
        let left = self.remaining();
        if count as usize > left / 2 {
            return Err(DecodeError::TooManyElements {
                at: self.at,
                count: count as usize,
                left,
            });
        }
        Ok(count)
    }

    /// Reads the head of a tagged field.
    pub fn tag(&mut self) -> Result<Tag, DecodeError> {
        or_arbitrary!(self, a => Tag { id: a.below(8), end: 0 });
        let id = self.uvarint()?;
        let size = self.uvarint()? as usize;
        self.need(size)?;
        Ok(Tag {
            id,
            end: self.at + size,
        })
    }

    /// Steps over a tagged field that is not known.
    pub fn skip_tag(&mut self, tag: &Tag) -> Result<(), DecodeError> {
        or_arbitrary!(self, _a => ());
        self.skip(tag.end.saturating_sub(self.at))
    }

    /// Checks that a tagged field ended where it said it would.
    pub fn end_tag(&mut self, tag: &Tag) -> Result<(), DecodeError> {
        or_arbitrary!(self, _a => ());
        if self.at == tag.end {
            Ok(())
        } else {
            Err(DecodeError::InvalidTag {
                tag: tag.id,
                end: tag.end,
            })
        }
    }

    /// Steps over the tagged fields of a structure that has none of its own.
    pub fn skip_tags(&mut self) -> Result<(), DecodeError> {
        or_arbitrary!(self, _a => ());
        for _ in 0..self.tag_count()? {
            let tag = self.tag()?;
            self.skip_tag(&tag)?;
        }
        Ok(())
    }
}
