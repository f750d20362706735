//! What is written where: places, and values that tell who wrote them.

use crate::chance::mix;

/// A topic of the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Idempotent producers; acknowledged once appended.
    Plain,
    /// Idempotent producers; acknowledged once the disk has it.
    Flushed,
    /// Transactions over several partitions.
    Whole,
    /// What the relay makes of `Whole`, in transactions with its offsets.
    Relayed,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Flushed, Self::Whole, Self::Relayed];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Flushed => "flushed",
            Self::Whole => "whole",
            Self::Relayed => "relayed",
        }
    }

    /// The topic of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// How many partitions it has.
    #[must_use]
    pub const fn partitions(self) -> i32 {
        match self {
            Self::Flushed => 2,
            Self::Plain => 3,
            Self::Whole | Self::Relayed => 4,
        }
    }

    /// Whether all in it is written in transactions: only such a log has offsets without records.
    #[must_use]
    pub const fn is_transactional(self) -> bool {
        matches!(self, Self::Whole | Self::Relayed)
    }

    /// Its settings.
    #[must_use]
    pub const fn configs(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Flushed => &[("flush.messages", "1")],
            _ => &[],
        }
    }
}

/// A partition of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The topic.
    pub topic: Topic,
    /// The number of the partition.
    pub partition: i32,
}

impl Place {
    /// Every partition of every topic.
    pub fn all() -> impl Iterator<Item = Self> {
        let of =
            |topic: Topic| (0..topic.partitions()).map(move |partition| Self { topic, partition });
        Topic::ALL.into_iter().flat_map(of)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.topic.name(), self.partition)
    }
}

/// Who wrote a record, and as which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value {
    /// The writer.
    pub writer: u32,
    /// Counts what the writer sent to the place.
    pub number: u64,
    /// The writer's transaction.
    pub txn: Option<u64>,
    /// The offset, in the partition of the same number, that the relay made it of.
    pub source: Option<i64>,
}

/// Values differ in length by up to this.
const LENGTHS: u64 = 400;

impl Value {
    /// Its bytes: the fields as text, then a pattern that depends on them.
    #[must_use]
    pub fn encode(&self, place: Place) -> Vec<u8> {
        let Self {
            writer,
            number,
            txn,
            source,
        } = *self;
        let show = |field: Option<String>| field.unwrap_or_else(|| "-".to_owned());
        let (txn, source) = (
            show(txn.map(|t| t.to_string())),
            show(source.map(|o| o.to_string())),
        );
        let mut bytes = format!("{place} {writer} {number} {txn} {source} ").into_bytes();
        let seed = mix(number ^ u64::from(writer) << 48);
        let length = bytes.len() + (seed % LENGTHS) as usize;
        while bytes.len() < length {
            let at = bytes.len() as u64;
            bytes.push((seed.rotate_left((at % 64) as u32) ^ at) as u8);
        }
        bytes
    }

    /// The value of these bytes, if every byte is as written.
    #[must_use]
    pub fn decode(place: Place, bytes: &[u8]) -> Option<Self> {
        let mut parts = bytes.splitn(6, |byte| *byte == b' ');
        let mut text = || std::str::from_utf8(parts.next()?).ok();
        text()?;
        let value = Self {
            writer: text()?.parse().ok()?,
            number: text()?.parse().ok()?,
            txn: optional(text()?)?,
            source: optional(text()?)?,
        };
        (value.encode(place) == bytes).then_some(value)
    }
}

/// `-`, or a number.
fn optional<T: std::str::FromStr>(text: &str) -> Option<Option<T>> {
    match text {
        "-" => Some(None),
        number => number.parse().ok().map(Some),
    }
}
