//! Tests of the topic table.

use super::*;
use crate::broker;
use crate::topic_config::{CleanupPolicy, CompressionType, TimestampType, TopicConfig};

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn refused(key: &str, value: &str) -> String {
    let error = validate_topic_config(&map(&[(key, value)])).unwrap_err();
    assert_eq!(error.key, key);
    error.message
}

#[test]
fn tables_are_sorted_and_their_defaults_valid() {
    assert!(DEFINITIONS.is_sorted_by_key(|row| row.key));
    assert_eq!(DEFINITIONS.len(), 34, "Kafka 4.3 has 34 topic entries");
    let all = || broker::DEFINITIONS.iter().chain(DEFINITIONS);
    for row in all() {
        if let Some(default) = row.default {
            assert_eq!(row.validate(default), Ok(()), "{}", row.key);
        }
    }
    assert!(
        broker::DEFINITIONS
            .windows(2)
            .all(|pair| pair[0].key < pair[1].key)
    );
    assert_eq!(
        broker::DEFINITIONS.len() - broker::limpid_definitions().count(),
        360,
        "Kafka 4.3 has 360 broker entries"
    );
    for row in broker::limpid_definitions() {
        assert!(row.key.starts_with(broker::LIMPID_PREFIX), "{}", row.key);
        assert_eq!(row.effect, crate::Effect::Honoured, "{}", row.key);
    }
}

#[test]
fn every_synonym_exists_and_agrees_on_the_default() {
    for (key, synonyms) in SYNONYMS {
        let row = find(key).unwrap();
        for synonym in *synonyms {
            let server = broker::find(synonym.key).unwrap();
            let Some(default) = server.default else {
                continue;
            };
            let scaled = match synonym.factor {
                1 => default.to_owned(),
                factor => (default.parse::<i64>().unwrap() * factor).to_string(),
            };
            assert_eq!(
                row.default,
                Some(scaled.as_str()),
                "{key} and {}",
                synonym.key
            );
        }
    }
}

#[test]
fn wrong_values_are_named_with_key_value_and_reason() {
    assert_eq!(
        refused("retention.ms", "-2"),
        "Invalid value -2 for configuration retention.ms: must be at least -1"
    );
    for (key, value) in [
        ("retention.ms", "abc"),
        ("cleanup.policy", "shrink"),
        ("compression.type", "x"),
        ("segment.bytes", "99999999999"),
        ("segment.bytes", "1024"),
        ("min.cleanable.dirty.ratio", "1.5"),
        ("preallocate", "maybe"),
        ("compression.gzip.level", "0"),
        ("compression.zstd.level", "50"),
        ("leader.replication.throttled.replicas", "a:b"),
        ("message.timestamp.type", "now"),
        ("max.message.bytes", "-1"),
        ("flush.ms", "1.5"),
    ] {
        let message = refused(key, value);
        assert!(
            message.contains(key) && message.contains(value),
            "{message}"
        );
    }
    assert!(validate_topic_config(&map(&[("cleanup.policy", "")])).is_ok());
    assert!(validate_topic_config(&map(&[("retention.ms", " 5 ")])).is_ok());
}

#[test]
fn unknown_keys_are_refused_and_the_nearest_named() {
    let message = refused("retention.mss", "5");
    assert!(
        message.starts_with("Unknown topic config name: retention.mss"),
        "{message}"
    );
    assert!(message.contains("did you mean retention.ms?"), "{message}");
    assert_eq!(refused("zzz", "5"), "Unknown topic config name: zzz");
}

#[test]
fn entries_must_be_right_together() {
    let entries = map(&[
        ("min.compaction.lag.ms", "6"),
        ("max.compaction.lag.ms", "5"),
    ]);
    assert_eq!(
        validate_topic_config(&entries).unwrap_err().key,
        "min.compaction.lag.ms"
    );
    assert!(refused("remote.storage.enable", "true").contains("not available"));
    assert!(validate_topic_config(&map(&[("remote.storage.enable", "false")])).is_ok());
}

#[test]
fn typed_defaults_are_kafkas() {
    let config = TopicConfig::default();
    assert_eq!(
        config.cleanup_policy,
        CleanupPolicy {
            delete: true,
            compact: false
        }
    );
    assert_eq!(config.compression_type, CompressionType::Producer);
    assert_eq!(config.message_timestamp_type, TimestampType::CreateTime);
    assert_eq!(config.max_message_bytes, 1_048_588);
    assert_eq!(config.retention_ms, 604_800_000);
    assert_eq!(config.segment_ms, 604_800_000);
    assert_eq!(config.segment_bytes, 1 << 30);
    assert_eq!(config.flush_ms, None);
    assert_eq!(config.min_insync_replicas, 1);
    assert!((config.min_cleanable_dirty_ratio - 0.5).abs() < f64::EPSILON);
}

#[test]
fn a_topic_wins_over_the_broker_and_milliseconds_over_hours() {
    let broker = |entries: &'static [(&'static str, &'static str)]| {
        move |key: &str| {
            let found = entries.iter().find(|(name, _)| *name == key);
            found.map(|(_, value)| (*value).to_owned())
        }
    };
    let hours = broker(&[("log.retention.hours", "2"), ("log.roll.jitter.hours", "1")]);
    let none = BTreeMap::new();
    assert_eq!(TopicConfig::resolve(&hours, &none).retention_ms, 7_200_000);
    assert_eq!(
        TopicConfig::resolve(&hours, &none).segment_jitter_ms,
        3_600_000
    );
    let own = map(&[("retention.ms", "9")]);
    assert_eq!(TopicConfig::resolve(&hours, &own).retention_ms, 9);
    let minutes = broker(&[("log.retention.hours", "2"), ("log.retention.minutes", "1")]);
    assert_eq!(TopicConfig::resolve(&minutes, &none).retention_ms, 60_000);
    let forever = broker(&[("log.retention.hours", "-1")]);
    assert_eq!(TopicConfig::resolve(&forever, &none).retention_ms, -1);
    let flush = broker(&[("log.flush.scheduler.interval.ms", "7")]);
    assert_eq!(TopicConfig::resolve(&flush, &none).flush_ms, Some(7));
    // a stored value that this version cannot read does not take the broker down
    let strange = map(&[("retention.ms", "soon")]);
    assert_eq!(
        TopicConfig::resolve(&hours, &strange).retention_ms,
        7_200_000
    );
}
