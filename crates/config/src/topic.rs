//! The table of topic entries, and which broker entries stand behind them.
//!
//! Keys, types, defaults and validators are those of Apache Kafka 4.3.0 (`LogConfig`,
//! `ServerTopicConfigSynonyms`); the sentences are ours.

use std::collections::BTreeMap;

use crate::definition::Definition;

mod table;

/// Every topic entry, sorted by key.
pub const DEFINITIONS: &[Definition] = table::ROWS;

/// Least `segment.bytes` of a topic.
pub(crate) const SEGMENT_BYTES_MIN: i64 = 1_048_576;

/// The `segment.bytes` of topics that the broker makes for itself. Kafka takes smaller ones, too, and
/// then can't make the topic.
pub(crate) const OWN_SEGMENT_BYTES: [&str; 3] = [
    "offsets.topic.segment.bytes",
    "share.coordinator.state.topic.segment.bytes",
    "transaction.state.log.segment.bytes",
];

/// A broker entry behind a topic entry, with what turns its unit into milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerSynonym {
    /// The broker's key.
    pub key: &'static str,
    /// 1, or milliseconds per unit of the broker entry.
    pub factor: i64,
}

const fn synonym(key: &'static str) -> ServerSynonym {
    ServerSynonym { key, factor: 1 }
}

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

const SYNONYMS: &[(&str, &[ServerSynonym])] = &[
    ("cleanup.policy", &[synonym("log.cleanup.policy")]),
    (
        "compression.gzip.level",
        &[synonym("compression.gzip.level")],
    ),
    ("compression.lz4.level", &[synonym("compression.lz4.level")]),
    ("compression.type", &[synonym("compression.type")]),
    (
        "compression.zstd.level",
        &[synonym("compression.zstd.level")],
    ),
    (
        "delete.retention.ms",
        &[synonym("log.cleaner.delete.retention.ms")],
    ),
    (
        "file.delete.delay.ms",
        &[synonym("log.segment.delete.delay.ms")],
    ),
    ("flush.messages", &[synonym("log.flush.interval.messages")]),
    (
        "flush.ms",
        &[
            synonym("log.flush.interval.ms"),
            synonym("log.flush.scheduler.interval.ms"),
        ],
    ),
    (
        "index.interval.bytes",
        &[synonym("log.index.interval.bytes")],
    ),
    (
        "local.retention.bytes",
        &[synonym("log.local.retention.bytes")],
    ),
    ("local.retention.ms", &[synonym("log.local.retention.ms")]),
    (
        "max.compaction.lag.ms",
        &[synonym("log.cleaner.max.compaction.lag.ms")],
    ),
    ("max.message.bytes", &[synonym("message.max.bytes")]),
    (
        "message.timestamp.after.max.ms",
        &[synonym("log.message.timestamp.after.max.ms")],
    ),
    (
        "message.timestamp.before.max.ms",
        &[synonym("log.message.timestamp.before.max.ms")],
    ),
    (
        "message.timestamp.type",
        &[synonym("log.message.timestamp.type")],
    ),
    (
        "min.cleanable.dirty.ratio",
        &[synonym("log.cleaner.min.cleanable.ratio")],
    ),
    (
        "min.compaction.lag.ms",
        &[synonym("log.cleaner.min.compaction.lag.ms")],
    ),
    ("min.insync.replicas", &[synonym("min.insync.replicas")]),
    ("preallocate", &[synonym("log.preallocate")]),
    ("retention.bytes", &[synonym("log.retention.bytes")]),
    (
        "retention.ms",
        &[
            synonym("log.retention.ms"),
            ServerSynonym {
                key: "log.retention.minutes",
                factor: MINUTE_MS,
            },
            ServerSynonym {
                key: "log.retention.hours",
                factor: HOUR_MS,
            },
        ],
    ),
    ("segment.bytes", &[synonym("log.segment.bytes")]),
    (
        "segment.index.bytes",
        &[synonym("log.index.size.max.bytes")],
    ),
    (
        "segment.jitter.ms",
        &[
            synonym("log.roll.jitter.ms"),
            ServerSynonym {
                key: "log.roll.jitter.hours",
                factor: HOUR_MS,
            },
        ],
    ),
    (
        "segment.ms",
        &[
            synonym("log.roll.ms"),
            ServerSynonym {
                key: "log.roll.hours",
                factor: HOUR_MS,
            },
        ],
    ),
    (
        "unclean.leader.election.enable",
        &[synonym("unclean.leader.election.enable")],
    ),
];

/// The entry with this key.
pub fn find(key: &str) -> Option<&'static Definition> {
    DEFINITIONS
        .binary_search_by_key(&key, |row| row.key)
        .ok()
        .map(|index| &DEFINITIONS[index])
}

/// The broker entries that give a topic entry its default, the strongest first.
pub fn server_synonyms(key: &str) -> &'static [ServerSynonym] {
    SYNONYMS
        .iter()
        .find(|(topic_key, _)| *topic_key == key)
        .map_or(&[], |(_, keys)| keys)
}

/// What the broker's own entries give a topic entry, in the topic entry's unit; `None` when no
/// broker entry behind it is set.
pub fn broker_value(key: &str, broker: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    server_synonyms(key).iter().find_map(|synonym| {
        let value = broker(synonym.key)?;
        if synonym.factor == 1 {
            return Some(value);
        }
        let number: i64 = value.trim().parse().ok()?;
        let scaled = if number < 0 {
            number
        } else {
            number.saturating_mul(synonym.factor)
        };
        Some(scaled.to_string())
    })
}

/// A topic entry that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InvalidTopicConfig {
    /// The key.
    pub key: String,
    /// The sentence for the client, with key and value.
    pub message: String,
}

/// Checks the entries a client wants to give a topic, each and together.
///
/// The message goes to the client with INVALID_CONFIG.
pub fn validate_topic_config(entries: &BTreeMap<String, String>) -> Result<(), InvalidTopicConfig> {
    for (key, value) in entries {
        validate_entry(key, value)?;
    }
    let number = |key: &str| {
        let value = entries.get(key).map(String::as_str);
        let value = value.or_else(|| find(key).and_then(|row| row.default));
        value
            .and_then(|text| text.trim().parse::<i64>().ok())
            .unwrap_or_default()
    };
    if number("min.compaction.lag.ms") > number("max.compaction.lag.ms") {
        let message = format!(
            "Invalid value {} for configuration min.compaction.lag.ms: it is larger than \
             max.compaction.lag.ms ({})",
            number("min.compaction.lag.ms"),
            number("max.compaction.lag.ms")
        );
        return Err(InvalidTopicConfig {
            key: "min.compaction.lag.ms".into(),
            message,
        });
    }
    if entries
        .get("remote.storage.enable")
        .is_some_and(|v| v.trim().eq_ignore_ascii_case("true"))
    {
        let message = "Invalid value true for configuration remote.storage.enable: tiered storage \
                       is not available on this broker";
        return Err(InvalidTopicConfig {
            key: "remote.storage.enable".into(),
            message: message.into(),
        });
    }
    Ok(())
}

fn validate_entry(key: &str, value: &str) -> Result<(), InvalidTopicConfig> {
    let refuse = |message: String| {
        Err(InvalidTopicConfig {
            key: key.to_owned(),
            message,
        })
    };
    let Some(row) = find(key) else {
        return refuse(format!(
            "Unknown topic config name: {key}{}",
            did_you_mean(key)
        ));
    };
    match row.validate(value) {
        Ok(()) => Ok(()),
        Err(reason) => refuse(format!(
            "Invalid value {value} for configuration {key}: {reason}"
        )),
    }
}

fn did_you_mean(key: &str) -> String {
    match crate::nearest(key, DEFINITIONS.iter().map(|row| row.key)) {
        Some(near) => format!(" (did you mean {near}?)"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
