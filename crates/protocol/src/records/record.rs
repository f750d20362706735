//! Records, read in place.
//!
//! ```text
//! record:  length varint | attributes i8 | timestamp delta varint64 | offset delta varint |
//!          key length varint, -1 = null | key | value length varint, -1 = null | value |
//!          header count varint | headers
//! header:  key length varint | key | value length varint, -1 = null | value
//! ```
//! The length counts the bytes after itself. No bit of the record attributes is in use.

use super::header::{BatchHeader, TimestampType};
use super::{RecordsError, varint};

/// One record; key, value and headers point into the batch (or its decompressed payload).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordView<'a> {
    /// Offset in the partition.
    pub offset: i64,
    /// Milliseconds since the epoch, -1 for none. The append time in a batch stamped by the
    /// broker.
    pub timestamp: i64,
    /// The key, if there is one.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, already known to parse.
    pub headers: Headers<'a>,
    /// Bytes of the record in uncompressed form, its length field included.
    pub size: usize,
}

/// One header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderView<'a> {
    /// The name; clients write UTF-8, but nobody checks.
    pub key: &'a [u8],
    /// The value, if there is one.
    pub value: Option<&'a [u8]>,
}

/// Iterator over the headers of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Headers<'a> {
    rest: &'a [u8],
    count: i32,
}

impl<'a> Iterator for Headers<'a> {
    type Item = HeaderView<'a>;

    fn next(&mut self) -> Option<HeaderView<'a>> {
        if self.count <= 0 {
            return None;
        }
        self.count -= 1;
        take_header(&mut self.rest).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // A header has at least two bytes, so the bytes left bound what a forged count claims.
        let most = usize::try_from(self.count)
            .unwrap_or(0)
            .min(self.rest.len() / 2);
        (0, Some(most))
    }
}

/// Iterator over the records of a payload; ends after the first error.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    rest: &'a [u8],
    header: BatchHeader,
    index: i32,
    done: bool,
}

impl<'a> Records<'a> {
    /// Walks `payload`: what follows the header of an uncompressed batch, or its decompressed
    /// form.
    pub(super) fn new(header: BatchHeader, payload: &'a [u8]) -> Self {
        Self {
            rest: payload,
            header,
            index: 0,
            done: false,
        }
    }

    /// Goes on behind so many records of a batch that was checked: over each by its length, without a look at
    /// what is in it. What it can't go over is left to be told of next.
    #[must_use]
    pub fn after(mut self, count: usize) -> Self {
        for _ in 0..count {
            let mut body = self.rest;
            let length = varint::take_i32(&mut body).map(usize::try_from);
            let Some(rest) = length.and_then(|length| body.get(length.ok()?..)) else {
                break;
            };
            self.rest = rest;
            self.index += 1;
        }
        self
    }

    #[inline(always)]
    fn view(&self, raw: &RawRecord<'a>) -> RecordView<'a> {
        let timestamp = match self.header.attributes.timestamp_type() {
            TimestampType::LogAppendTime => self.header.max_timestamp,
            TimestampType::CreateTime => {
                self.header.base_timestamp.wrapping_add(raw.timestamp_delta)
            }
        };
        RecordView {
            offset: self
                .header
                .base_offset
                .wrapping_add(i64::from(raw.offset_delta)),
            timestamp,
            key: raw.key,
            value: raw.value,
            headers: raw.headers,
            size: raw.size,
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<RecordView<'a>, RecordsError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        if self.index >= self.header.records_count {
            self.done = true;
            let (count, bytes) = (self.header.records_count, self.rest.len());
            return (bytes > 0).then_some(Err(RecordsError::TrailingBytes { count, bytes }));
        }
        match take_record(&mut self.rest) {
            Ok(raw) => {
                self.index += 1;
                Some(Ok(self.view(&raw)))
            }
            Err(reason) => {
                self.done = true;
                Some(Err(RecordsError::BadRecord {
                    index: self.index,
                    reason,
                }))
            }
        }
    }
}

/// A record before the batch header's numbers are added to its deltas.
pub(super) struct RawRecord<'a> {
    pub timestamp_delta: i64,
    pub offset_delta: i32,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
    pub size: usize,
}

/// Takes one record off the front of `rest`, checked to its last header.
#[inline(always)]
pub(super) fn take_record<'a>(rest: &mut &'a [u8]) -> Result<RawRecord<'a>, &'static str> {
    let before = rest.len();
    let length = varint::take_i32(rest).ok_or("length is cut or too long")?;
    let length = usize::try_from(length).map_err(|_| "length is negative")?;
    let (mut body, after) = rest
        .split_at_checked(length)
        .ok_or("ends after the batch")?;
    *rest = after;
    body = body.split_first().ok_or("has no attributes")?.1;
    let timestamp_delta = varint::take_i64(&mut body).ok_or("timestamp delta is cut")?;
    let offset_delta = varint::take_i32(&mut body).ok_or("offset delta is cut")?;
    let key = take_nullable(&mut body).ok_or("key is cut")?;
    let value = take_nullable(&mut body).ok_or("value is cut")?;
    let count = varint::take_i32(&mut body).ok_or("header count is cut")?;
    let headers = Headers { rest: body, count };
    if count != 0 {
        check_headers(headers)?;
    } else if !body.is_empty() {
        return Err("is longer than its fields");
    }
    let size = before - rest.len();
    Ok(RawRecord {
        timestamp_delta,
        offset_delta,
        key,
        value,
        headers,
        size,
    })
}

#[inline(always)]
fn take_nullable<'a>(body: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let length = varint::take_i32(body)?;
    if length < 0 {
        return Some(None);
    }
    let (bytes, rest) = body.split_at_checked(length as usize)?;
    *body = rest;
    Some(Some(bytes))
}

fn check_headers(headers: Headers<'_>) -> Result<(), &'static str> {
    let Headers { mut rest, count } = headers;
    if count < 0 {
        return Err("header count is negative");
    }
    for _ in 0..count {
        take_header(&mut rest)?;
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err("is longer than its fields")
    }
}

fn take_header<'a>(rest: &mut &'a [u8]) -> Result<HeaderView<'a>, &'static str> {
    let key = take_nullable(rest)
        .ok_or("header key is cut")?
        .ok_or("header key is null")?;
    let value = take_nullable(rest).ok_or("header value is cut")?;
    Ok(HeaderView { key, value })
}
