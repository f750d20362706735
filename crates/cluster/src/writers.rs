//! Who writes to a topic, and under which keys.

use schemars::JsonSchema;
use serde::Serialize;

/// The largest writers of a topic and its most frequent keys, of the last minutes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct TopicWriters {
    /// The largest first.
    pub writers: Vec<Writer>,
    /// Keys of its records, by a sample.
    pub keys: HotKeys,
}

impl TopicWriters {
    /// Share of the bytes that the largest writer sent.
    pub fn largest_share(&self) -> Option<f64> {
        self.writers.first().map(|writer| writer.share)
    }
}

/// Somebody who writes to a topic.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Writer {
    /// `client.id`, as the client chose it.
    pub client_id: String,
    /// Whom it acts for.
    pub principal: String,
    /// Where it connects from, without port.
    pub host: String,
    /// Name and version of its library, if it told.
    pub software: Option<String>,
    /// Share of the topic's bytes in the last minutes, 0 to 1; at least that much.
    pub share: f64,
    /// Over the last ten seconds or so.
    pub bytes_per_second: f64,
    /// Over the last ten seconds or so.
    pub records_per_second: f64,
    /// Bytes since it is watched.
    pub bytes: u64,
    /// Records since it is watched.
    pub records: u64,
    /// Batches since it is watched.
    pub batches: u64,
    /// Batches that were refused since it is watched.
    pub refused: u64,
}

impl Writer {
    /// Mean size of its batches.
    pub fn batch_bytes(&self) -> Option<u64> {
        self.bytes.checked_div(self.batches)
    }
}

/// The most frequent keys of a topic, by a sample of its records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct HotKeys {
    /// Records that were looked at.
    pub sampled: u64,
    /// Share of records without a key, 0 to 1.
    pub keyless: f64,
    /// The most frequent first.
    pub keys: Vec<HotKey>,
}

impl HotKeys {
    /// Fewer records say nothing of shares.
    pub const SAMPLED_MIN: u64 = 100;

    /// Share of the records that have the most frequent key, once enough were looked at.
    pub fn hottest_share(&self) -> Option<f64> {
        let enough = self.sampled >= Self::SAMPLED_MIN;
        let first = self.keys.first().filter(|_| enough)?;
        Some(first.share)
    }
}

/// A key that many records have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct HotKey {
    /// Stands for the key while the process lives; says nothing of it.
    pub hash: String,
    /// The key, perhaps its beginning only. It is payload: never part of what is written out
    /// without asking whether the reader may see it.
    #[serde(skip)]
    pub key: Vec<u8>,
    /// Share of the records that have it, 0 to 1; at least that much.
    pub share: f64,
}
