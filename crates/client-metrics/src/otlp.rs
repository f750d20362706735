//! Reading OpenTelemetry's `MetricsData` (opentelemetry-proto, `metrics/v1`), as far as clients of
//! Kafka send it: gauges and sums.
//!
//! The bytes are a stranger's. They are walked where they lie, field by field, and each number is
//! handed to the caller: nothing is allocated, however many fields a message claims to have.

use prost::encoding::{WireType, decode_key, decode_varint};

/// Most attributes of a data point or a resource that are looked at.
pub const ATTRIBUTES_MAX: usize = 16;

/// Field numbers of the messages on the way to a number.
pub(crate) mod tag {
    pub(crate) const RESOURCE_METRICS: u32 = 1;
    pub(crate) const RESOURCE: u32 = 1;
    pub(super) const SCOPE_METRICS: u32 = 2;
    pub(crate) const RESOURCE_ATTRIBUTES: u32 = 1;
    pub(super) const METRICS: u32 = 2;
    pub(super) const NAME: u32 = 1;
    pub(super) const GAUGE: u32 = 5;
    pub(super) const SUM: u32 = 7;
    pub(super) const DATA_POINTS: u32 = 1;
    pub(super) const TEMPORALITY: u32 = 2;
    pub(super) const IS_MONOTONIC: u32 = 3;
    pub(super) const AS_DOUBLE: u32 = 4;
    pub(super) const AS_INT: u32 = 6;
    pub(super) const POINT_ATTRIBUTES: u32 = 7;
    pub(crate) const KEY: u32 = 1;
    pub(crate) const VALUE: u32 = 2;
    pub(crate) const STRING_VALUE: u32 = 1;
    pub(super) const INT_VALUE: u32 = 3;
}
/// `AGGREGATION_TEMPORALITY_DELTA`.
const DELTA: u64 = 1;

/// The bytes are no `MetricsData`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not OpenTelemetry metrics: {0}")]
pub struct Malformed(&'static str);

/// One number.
#[derive(Debug, Clone, PartialEq)]
pub struct Point<'a> {
    /// Name of the metric, e.g. `org.apache.kafka.producer.record.queue.time.avg`.
    pub metric: &'a str,
    /// The number is what came to it since the last push, and not a total.
    pub is_delta: bool,
    /// The number never falls.
    pub is_monotonic: bool,
    /// The number.
    pub value: f64,
    /// The point's attributes.
    pub attributes: Attributes<'a>,
}

/// Attributes with a text, the first [`ATTRIBUTES_MAX`] of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attributes<'a> {
    pairs: [(&'a str, Text<'a>); ATTRIBUTES_MAX],
    len: usize,
}

/// The value of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'a> {
    /// A string.
    Str(&'a str),
    /// A whole number.
    Int(i64),
}

impl Default for Text<'_> {
    fn default() -> Self {
        Text::Str("")
    }
}

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Text::Str(text) => f.write_str(text),
            Text::Int(number) => number.fmt(f),
        }
    }
}

impl<'a> Attributes<'a> {
    /// Name and value of each.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Text<'a>)> {
        self.pairs[..self.len].iter().copied()
    }

    /// Takes in a `KeyValue`; what is neither text nor whole number is passed over.
    fn add(&mut self, key_value: &'a [u8]) -> Result<(), Malformed> {
        let Some(pair) = self.pairs.get_mut(self.len) else {
            return Ok(());
        };
        let key = string(bytes_of(key_value, tag::KEY)?.unwrap_or_default())?;
        let mut text = None;
        if let Some(value) = bytes_of(key_value, tag::VALUE)? {
            each(value, |tag, field| {
                match (tag, field) {
                    (tag::STRING_VALUE, Field::Bytes(bytes)) => {
                        text = Some(Text::Str(string(bytes)?));
                    }
                    (tag::INT_VALUE, Field::Varint(number)) => {
                        text = Some(Text::Int(number.cast_signed()));
                    }
                    _ => {}
                }
                Ok(())
            })?;
        }
        if let Some(text) = text {
            *pair = (key, text);
            self.len += 1;
        }
        Ok(())
    }
}

/// A field as it lies on the wire.
pub(crate) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    /// Four bytes: nothing that is read here.
    Fixed32,
}

/// Walks `bytes` and hands out each number: (attributes of the resource, the point). The caller ends
/// the walk by answering false.
///
/// # Errors
/// The bytes are no `MetricsData`; what was handed out before that was well-formed.
pub fn read<'a>(
    bytes: &'a [u8],
    mut found: impl FnMut(&Attributes<'a>, Point<'a>) -> bool,
) -> Result<(), Malformed> {
    messages(bytes, tag::RESOURCE_METRICS, |resource_metrics| {
        let mut resource = Attributes::default();
        if let Some(bytes) = bytes_of(resource_metrics, tag::RESOURCE)? {
            messages(bytes, tag::RESOURCE_ATTRIBUTES, |pair| {
                resource.add(pair).map(|()| true)
            })?;
        }
        messages(resource_metrics, tag::SCOPE_METRICS, |scope| {
            messages(scope, tag::METRICS, |metric| {
                read_metric(metric, |point| found(&resource, point))
            })
        })
    })
    .map(|_ended| ())
}

fn read_metric<'a>(
    metric: &'a [u8],
    mut found: impl FnMut(Point<'a>) -> bool,
) -> Result<bool, Malformed> {
    let name = string(bytes_of(metric, tag::NAME)?.unwrap_or_default())?;
    for (kind, tag) in [(Kind::Gauge, tag::GAUGE), (Kind::Sum, tag::SUM)] {
        let Some(data) = bytes_of(metric, tag)? else {
            continue;
        };
        let (mut is_delta, mut is_monotonic) = (false, false);
        if kind == Kind::Sum {
            each(data, |tag, field| {
                match (tag, field) {
                    (tag::TEMPORALITY, Field::Varint(which)) => is_delta = which == DELTA,
                    (tag::IS_MONOTONIC, Field::Varint(flag)) => is_monotonic = flag != 0,
                    _ => {}
                }
                Ok(())
            })?;
        }
        let goes_on = messages(data, tag::DATA_POINTS, |point| {
            let (value, attributes) = read_point(point)?;
            Ok(value.is_none_or(|value| {
                found(Point {
                    metric: name,
                    is_delta,
                    is_monotonic,
                    value,
                    attributes,
                })
            }))
        })?;
        if !goes_on {
            return Ok(false);
        }
    }
    Ok(true)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gauge,
    Sum,
}

fn read_point(point: &[u8]) -> Result<(Option<f64>, Attributes<'_>), Malformed> {
    let (mut value, mut attributes) = (None, Attributes::default());
    each(point, |tag, field| {
        match (tag, field) {
            (tag::AS_DOUBLE, Field::Fixed64(bits)) => value = Some(f64::from_bits(bits)),
            (tag::AS_INT, Field::Fixed64(bits)) => value = Some(bits.cast_signed() as f64),
            (tag::POINT_ATTRIBUTES, Field::Bytes(pair)) => attributes.add(pair)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok((value, attributes))
}

/// The embedded messages with this field number, until `found` answers false; whether it never did.
fn messages<'a>(
    bytes: &'a [u8],
    wanted: u32,
    mut found: impl FnMut(&'a [u8]) -> Result<bool, Malformed>,
) -> Result<bool, Malformed> {
    let mut goes_on = true;
    each(bytes, |tag, field| {
        if let (true, Field::Bytes(message)) = (goes_on && tag == wanted, field) {
            goes_on = found(message)?;
        }
        Ok(())
    })?;
    Ok(goes_on)
}

/// The last field with this number, which is the one that counts.
fn bytes_of(bytes: &[u8], wanted: u32) -> Result<Option<&[u8]>, Malformed> {
    let mut last = None;
    each(bytes, |tag, field| {
        if let (true, Field::Bytes(found)) = (tag == wanted, field) {
            last = Some(found);
        }
        Ok(())
    })?;
    Ok(last)
}

/// Every field of one message.
pub(crate) fn each<'a>(
    mut rest: &'a [u8],
    mut found: impl FnMut(u32, Field<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    while !rest.is_empty() {
        let (tag, wire) = decode_key(&mut rest).map_err(|_| Malformed("a field without a key"))?;
        let field = match wire {
            WireType::Varint => Field::Varint(varint(&mut rest)?),
            WireType::SixtyFourBit => {
                let (bits, after) = rest.split_first_chunk().ok_or(CUT_OFF)?;
                rest = after;
                Field::Fixed64(u64::from_le_bytes(*bits))
            }
            WireType::LengthDelimited => {
                let length = usize::try_from(varint(&mut rest)?).map_err(|_| CUT_OFF)?;
                let (bytes, after) = rest.split_at_checked(length).ok_or(CUT_OFF)?;
                rest = after;
                Field::Bytes(bytes)
            }
            WireType::ThirtyTwoBit => {
                rest = rest.get(4..).ok_or(CUT_OFF)?;
                Field::Fixed32
            }
            WireType::StartGroup | WireType::EndGroup => return Err(Malformed("a group")),
        };
        found(tag, field)?;
    }
    Ok(())
}

const CUT_OFF: Malformed = Malformed("a field that is cut off");

fn varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    decode_varint(rest).map_err(|_| Malformed("a broken number"))
}

fn string(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed("text that is not UTF-8"))
}

#[cfg(test)]
pub(crate) mod tests;
