use proptest::prelude::*;
use prost::encoding::{WireType, encode_key, encode_varint};

use super::*;

/// A length-delimited field.
pub(crate) fn message(tag: u32, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_key(tag, WireType::LengthDelimited, &mut out);
    encode_varint(content.len() as u64, &mut out);
    out.extend_from_slice(content);
    out
}

fn number(tag: u32, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    encode_key(tag, WireType::Varint, &mut out);
    encode_varint(value, &mut out);
    out
}

fn fixed(tag: u32, bits: u64) -> Vec<u8> {
    let mut out = Vec::new();
    encode_key(tag, WireType::SixtyFourBit, &mut out);
    out.extend_from_slice(&bits.to_le_bytes());
    out
}

pub(crate) fn attribute(tag: u32, key: &str, value: &str) -> Vec<u8> {
    let value = message(2, &message(1, value.as_bytes()));
    message(tag, &[message(1, key.as_bytes()), value].concat())
}

/// A sum with its parts in an order that makes a reader look twice.
pub(crate) fn sum(name: &str, value: f64, delta: bool, attributes: &[Vec<u8>]) -> Vec<u8> {
    let point = [fixed(4, value.to_bits()), attributes.concat()].concat();
    let temporality = number(2, if delta { 1 } else { 2 });
    let sum = [message(1, &point), temporality, number(3, 1)].concat();
    message(2, &[message(7, &sum), message(1, name.as_bytes())].concat())
}

pub(crate) fn gauge(name: &str, value: i64, attributes: &[Vec<u8>]) -> Vec<u8> {
    let point = [attributes.concat(), fixed(6, value.cast_unsigned())].concat();
    let gauge = message(5, &message(1, &point));
    message(2, &[message(1, name.as_bytes()), gauge].concat())
}

pub(crate) fn metrics_data(resource: &[Vec<u8>], metrics: &[Vec<u8>]) -> Vec<u8> {
    let scope = message(2, &metrics.concat());
    message(1, &[scope, message(1, &resource.concat())].concat())
}

fn sample() -> Vec<u8> {
    let node = attribute(7, "node_id", "node-1");
    metrics_data(
        &[attribute(1, "group_id", "billing")],
        &[
            sum("a.total", 2.5, true, &[node]),
            gauge("b.avg", -7, &[attribute(7, "topic", "t")]),
        ],
    )
}

#[test]
fn every_number_comes_with_its_attributes_and_its_resource() {
    let bytes = sample();
    let mut seen = Vec::new();
    let read = read(&bytes, |resource, point| {
        let text = |attributes: &Attributes<'_>| {
            let pair = |(key, value)| format!("{key}={value}");
            attributes.iter().map(pair).collect::<Vec<_>>().join(",")
        };
        let (delta, monotonic) = (point.is_delta, point.is_monotonic);
        let (of, at) = (text(resource), text(&point.attributes));
        let (name, value) = (point.metric, point.value);
        seen.push(format!("{of}|{name}|{at}|{value}|{delta}|{monotonic}"));
        true
    });
    assert_eq!(read, Ok(()));
    assert_eq!(
        seen,
        [
            "group_id=billing|a.total|node_id=node-1|2.5|true|true",
            "group_id=billing|b.avg|topic=t|-7|false|false",
        ]
    );
}

#[test]
fn the_caller_can_stop() {
    let mut calls = 0;
    let stopped = read(&sample(), |_, _| {
        calls += 1;
        false
    });
    assert_eq!((stopped, calls), (Ok(()), 1));
}

#[test]
fn more_attributes_than_the_limit_are_passed_over() {
    let many: Vec<_> = (0..100)
        .map(|i| attribute(7, "k", &i.to_string()))
        .collect();
    let bytes = metrics_data(&[], &[gauge("x", 1, &many)]);
    let mut counts = Vec::new();
    let read = read(&bytes, |_, point| {
        counts.push(point.attributes.iter().count());
        true
    });
    assert_eq!((read, counts), (Ok(()), vec![ATTRIBUTES_MAX]));
}

#[test]
fn what_is_cut_off_is_an_error() {
    let bytes = sample();
    for length in 1..bytes.len() {
        assert!(read(&bytes[..length], |_, _| true).is_err(), "{length}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _either = read(&bytes, |_, _| true);
    }

    #[test]
    fn a_changed_byte_is_read_without_a_panic(at in 0..sample().len(), to in any::<u8>()) {
        let mut bytes = sample();
        bytes[at] = to;
        let _either = read(&bytes, |_, _| true);
    }
}
