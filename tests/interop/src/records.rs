//! Records as the tests think of them, the text form in which helper programs take and give
//! them, and the oracle: which partition a key belongs to and whether what was read is what was
//! written, per partition, in order, byte for byte.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// The codecs a producer can be told to use, in Kafka's spelling.
pub const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

/// One record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The key, if it has one.
    pub key: Option<Vec<u8>>,
    /// The value; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers in order; names may repeat and values may be null.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Record {
    /// A record without headers.
    #[must_use]
    pub fn new(key: &[u8], value: &[u8]) -> Self {
        Self {
            key: Some(key.to_vec()),
            value: Some(value.to_vec()),
            headers: Vec::new(),
        }
    }

    /// A record without a key.
    #[must_use]
    pub fn unkeyed(value: &[u8]) -> Self {
        Self {
            key: None,
            value: Some(value.to_vec()),
            headers: Vec::new(),
        }
    }

    fn to_json(&self, partition: i32) -> Value {
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(k, v)| json!([k, hex(v)]))
            .collect();
        json!({
            "partition": partition,
            "key": hex(&self.key),
            "value": hex(&self.value),
            "headers": headers,
        })
    }

    fn from_json(line: &Value) -> Result<Self> {
        let headers = line["headers"].as_array().context("no headers")?;
        let headers = headers.iter().map(|pair| {
            Ok((
                pair[0].as_str().context("no name")?.to_owned(),
                unhex(&pair[1])?,
            ))
        });
        Ok(Self {
            key: unhex(&line["key"])?,
            value: unhex(&line["value"])?,
            headers: headers.collect::<Result<_>>()?,
        })
    }
}

fn hex(bytes: &Option<Vec<u8>>) -> Option<String> {
    bytes.as_ref().map(|bytes| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string");
            text
        })
    })
}

fn unhex(value: &Value) -> Result<Option<Vec<u8>>> {
    if value.is_null() {
        return Ok(None);
    }
    let text = value.as_str().context("not a text")?;
    let bytes = (0..text.len()).step_by(2).map(|at| {
        let digits = text.get(at..at + 2).context("half a byte")?;
        u8::from_str_radix(digits, 16).with_context(|| format!("no hex byte: {digits}"))
    });
    bytes.collect::<Result<Vec<_>>>().map(Some)
}

/// The records of a topic by partition, in the order in which each partition got them.
pub type Partitions = Vec<Vec<Record>>;

/// What was read: per partition the offsets and records in order of arrival.
pub type Received = BTreeMap<i32, Vec<(i64, Record)>>;

/// Spreads keyed records over `count` partitions as Kafka's Java producer does.
///
/// # Panics
/// When a record has no key: where those go is the producer's own choice.
#[must_use]
pub fn by_key(records: &[Record], count: usize) -> Partitions {
    let mut partitions = vec![Vec::new(); count];
    for record in records {
        let key = record.key.as_ref().expect("a record with a key");
        partitions[partition_of(key, count)].push(record.clone());
    }
    partitions
}

/// The partition that Kafka's Java producer gives a key.
#[must_use]
pub fn partition_of(key: &[u8], count: usize) -> usize {
    (murmur2(key) & 0x7fff_ffff) as usize % count
}

/// The 32-bit murmur2 hash with the seed Kafka's producers use.
#[must_use]
pub fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let mut hash = SEED ^ u32::try_from(data.len()).expect("a key below 4 GiB");
    let words = data.chunks_exact(4);
    let rest = words.remainder();
    for word in words {
        let mut k = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        let last = rest
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u32::from(*byte));
        hash = (hash ^ last).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}

/// A set of keyed records with everything that is easily got wrong: empty and null values, empty
/// and binary keys, a large value, headers with repeated names and null, empty and binary values.
#[must_use]
pub fn awkward(seed: &str) -> Vec<Record> {
    let mut records: Vec<Record> = (0..40)
        .map(|n| {
            Record::new(
                format!("{seed}-{n}").as_bytes(),
                format!("value {n}").as_bytes(),
            )
        })
        .collect();
    records.push(Record::new(b"", b"empty key"));
    records.push(Record::new(b"\xff\xfe\x80key", b"binary key"));
    records.push(Record::new(b"empty value", b""));
    records.push(Record {
        key: Some(b"tombstone".to_vec()),
        ..Record::default()
    });
    records.push(Record::new(b"every byte", &(0..=255).collect::<Vec<u8>>()));
    records.push(Record::new(
        b"large",
        &(0..60_000_u32).flat_map(noise).collect::<Vec<u8>>(),
    ));
    records.push(Record::new("schlüssel".as_bytes(), "größe ☃".as_bytes()));
    records.push(Record {
        headers: vec![
            ("first".into(), Some(b"1".to_vec())),
            ("twice".into(), Some(b"a".to_vec())),
            ("twice".into(), Some(b"b".to_vec())),
            ("null".into(), None),
            ("empty".into(), Some(Vec::new())),
            ("binary".into(), Some(vec![0xff, 0x01, 0x80])),
        ],
        ..Record::new(b"with headers", b"value")
    });
    records
}

/// Two bytes that compress badly.
fn noise(n: u32) -> [u8; 2] {
    let mixed = n.wrapping_mul(2_654_435_761);
    [(mixed >> 24) as u8, (mixed >> 13) as u8]
}

/// Records as lines for a helper program: the partition is the index of the outer list.
#[must_use]
pub fn to_lines(partitions: &Partitions) -> String {
    let mut text = String::new();
    for (partition, records) in partitions.iter().enumerate() {
        for record in records {
            let partition = i32::try_from(partition).expect("few partitions");
            writeln!(text, "{}", record.to_json(partition)).expect("writing to a string");
        }
    }
    text
}

/// Keyed records as lines for a helper program that is to choose the partitions itself (-1).
#[must_use]
pub fn to_lines_unassigned(records: &[Record]) -> String {
    records
        .iter()
        .map(|record| format!("{}\n", record.to_json(-1)))
        .collect()
}

/// Reads a helper program's lines back.
///
/// # Errors
/// When a line is not of the agreed form.
pub fn from_lines(text: &str) -> Result<Received> {
    let mut received = Received::new();
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).with_context(|| format!("line {line:?}"))?;
        let number = |name: &str| value[name].as_i64().with_context(|| format!("no {name}"));
        let partition = i32::try_from(number("partition")?)?;
        let record = Record::from_json(&value).with_context(|| format!("line {line:?}"))?;
        received
            .entry(partition)
            .or_default()
            .push((number("offset")?, record));
    }
    Ok(received)
}

/// Fails unless `received` is exactly `written`: every partition complete, in order, offsets from
/// 0 without a gap, every byte the same.
///
/// # Errors
/// Naming the first difference.
pub fn compare(topic: &str, written: &Partitions, received: &Received) -> Result<()> {
    for (partition, expected) in written.iter().enumerate() {
        let nothing = Vec::new();
        let got = received.get(&i32::try_from(partition)?).unwrap_or(&nothing);
        for (at, record) in expected.iter().enumerate() {
            let Some((offset, read)) = got.get(at) else {
                bail!(
                    "{topic}-{partition}: {} of {} records came",
                    got.len(),
                    expected.len()
                );
            };
            ensure!(
                *offset == i64::try_from(at)?,
                "{topic}-{partition}: offset {offset} where {at} was expected"
            );
            ensure!(
                read == record,
                "{topic}-{partition}@{offset}: written {record:?}, read {read:?}"
            );
        }
        ensure!(
            got.len() == expected.len(),
            "{topic}-{partition}: {} records came, {} were written",
            got.len(),
            expected.len()
        );
    }
    let known = i32::try_from(written.len())?;
    let stray = received.keys().find(|partition| **partition >= known);
    ensure!(
        stray.is_none(),
        "{topic}: records from partition {stray:?} of {known}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Record, awkward, by_key, compare, from_lines, murmur2};

    /// Hashes known from Apache Kafka's own client.
    #[test]
    fn murmur2_agrees_with_the_java_client() {
        assert_eq!(murmur2(b"21"), (-973_932_308_i32).cast_unsigned());
        assert_eq!(murmur2(b"foobar"), (-790_332_482_i32).cast_unsigned());
        assert_eq!(
            murmur2(b"a-little-bit-long-string"),
            (-985_981_536_i32).cast_unsigned()
        );
    }

    #[test]
    fn the_comparison_notices_every_kind_of_difference() {
        let written = by_key(&awkward("x"), 3);
        let right: super::Received = written
            .iter()
            .enumerate()
            .map(|(p, records)| (p as i32, (0..).zip(records.iter().cloned()).collect()))
            .collect();
        compare("t", &written, &right).unwrap();
        type Change = fn(&mut Vec<(i64, Record)>);
        let changes: [Change; 5] = [
            |records| drop(records.pop()),
            |records| records.push(records[0].clone()),
            |records| records.swap(0, 1),
            |records| records[1].0 += 1,
            |records| records[0].1.value.as_mut().unwrap()[0] ^= 1,
        ];
        for change in changes {
            let mut wrong = right.clone();
            change(wrong.get_mut(&0).unwrap());
            compare("t", &written, &wrong).unwrap_err();
        }
    }

    #[test]
    fn lines_of_helpers_are_read_back() {
        let line = r#"{"partition":2,"offset":5,"key":null,"value":"00ff","headers":[["h",""]]}"#;
        let received = from_lines(line).unwrap();
        let record = Record {
            headers: vec![("h".into(), Some(Vec::new()))],
            ..Record::unkeyed(&[0, 255])
        };
        assert_eq!(received[&2], vec![(5, record)]);
    }
}
