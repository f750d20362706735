//! Settings that a group can have for itself (resources of type GROUP).
//!
//! Keys, types, defaults and validators are those of Apache Kafka 4.3.0 (`GroupConfig`); the
//! sentences are ours. What a group does not set comes from the broker, under another key, and
//! whatever it sets is kept within the broker's bounds.

mod offset_reset;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use self::offset_reset::OffsetReset;
use crate::config::Config;
use crate::definition::Definition;

/// Every entry, sorted by key.
pub const DEFINITIONS: &[Definition] = table::ROWS;

/// What holds for one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// `consumer.session.timeout.ms`.
    pub consumer_session_timeout_ms: i32,
    /// `consumer.heartbeat.interval.ms`.
    pub consumer_heartbeat_interval_ms: i32,
    /// `consumer.assignment.interval.ms`.
    pub consumer_assignment_interval_ms: i32,
    /// Those of share groups.
    pub share: ShareSettings,
}

/// What holds for one share group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareSettings {
    /// `share.session.timeout.ms`.
    pub session_timeout_ms: i32,
    /// `share.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: i32,
    /// `share.assignment.interval.ms`.
    pub assignment_interval_ms: i32,
    /// `share.record.lock.duration.ms`.
    pub record_lock_ms: i32,
    /// `share.delivery.count.limit`.
    pub deliveries_max: i32,
    /// `share.partition.max.record.locks`.
    pub record_locks_max: i32,
    /// `share.auto.offset.reset`.
    pub offset_reset: OffsetReset,
    /// `share.isolation.level`.
    pub read_committed: bool,
    /// `share.renew.acknowledge.enable`.
    pub may_renew: bool,
}

/// The entry with this key.
pub fn find(key: &str) -> Option<&'static Definition> {
    DEFINITIONS
        .binary_search_by_key(&key, |row| row.key)
        .ok()
        .map(|index| &DEFINITIONS[index])
}

/// The broker's key behind a group's, if there is one.
pub fn server_synonym(key: &str) -> Option<String> {
    let (_, synonym) = table::WITHOUT_SYNONYM
        .iter()
        .find(|(without, _)| *without == key)
        .copied()
        .unwrap_or(("", true));
    (synonym && find(key).is_some()).then(|| format!("group.{key}"))
}

/// The broker's bounds of a number that a group sets.
fn bounds(config: &Config, key: &str) -> Option<(i64, i64)> {
    // `consumer.session.timeout.ms` is bounded by `group.consumer.min.session.timeout.ms`.
    let (kind, rest) = bounded(key)?;
    let bound = |which: &str| {
        let value = config.get(&format!("group.{kind}.{which}.{rest}"))?;
        value.trim().parse::<i64>().ok()
    };
    match (bound("min"), bound("max")) {
        (None, None) => None,
        (low, high) => Some((low.unwrap_or(i64::MIN), high.unwrap_or(i64::MAX))),
    }
}

/// A type of groups, and what the broker's bounds of its setting are called.
fn bounded(key: &str) -> Option<(&str, &str)> {
    match key {
        // A bound of a number of things, and not of `num.`.
        "streams.num.standby.replicas" => Some(("streams", "standby.replicas")),
        _ => key.split_once('.'),
    }
}

/// What holds for a group that sets these itself.
pub fn resolve(config: &Config, overrides: &BTreeMap<String, String>) -> GroupSettings {
    let number = |key: &str| {
        let own = overrides
            .get(key)
            .and_then(|value| value.trim().parse().ok());
        let value: i64 = own.or_else(|| inherited(config, key)).unwrap_or(0);
        let value = match bounds(config, key) {
            // Bounds may have moved since it was set.
            Some((low, high)) if own.is_some() && low <= high => value.clamp(low, high),
            _ => value,
        };
        i32::try_from(value).unwrap_or(i32::MAX)
    };
    let text = |key: &str| {
        let own = overrides.get(key).map(String::as_str);
        own.or_else(|| find(key)?.default)
            .unwrap_or_default()
            .trim()
    };
    GroupSettings {
        consumer_session_timeout_ms: number("consumer.session.timeout.ms"),
        consumer_heartbeat_interval_ms: number("consumer.heartbeat.interval.ms"),
        consumer_assignment_interval_ms: number("consumer.assignment.interval.ms"),
        share: ShareSettings {
            session_timeout_ms: number("share.session.timeout.ms"),
            heartbeat_interval_ms: number("share.heartbeat.interval.ms"),
            assignment_interval_ms: number("share.assignment.interval.ms"),
            record_lock_ms: number("share.record.lock.duration.ms"),
            deliveries_max: number("share.delivery.count.limit"),
            record_locks_max: number("share.partition.max.record.locks"),
            offset_reset: OffsetReset::parse(text("share.auto.offset.reset"))
                .unwrap_or(OffsetReset::Latest),
            read_committed: text("share.isolation.level").eq_ignore_ascii_case("read_committed"),
            may_renew: !text("share.renew.acknowledge.enable").eq_ignore_ascii_case("false"),
        },
    }
}

fn inherited(config: &Config, key: &str) -> Option<i64> {
    let value = config.get(&server_synonym(key)?)?;
    value.trim().parse().ok()
}

/// Whether a group may have these settings.
///
/// # Errors
/// What is wrong, for the one who wanted to set it.
pub fn validate(config: &Config, overrides: &BTreeMap<String, String>) -> Result<(), String> {
    for (key, value) in overrides {
        let row = find(key).ok_or_else(|| format!("Unknown group config name: {key}"))?;
        row.validate(value)
            .map_err(|reason| format!("Invalid value {value} for configuration {key}: {reason}"))?;
        let Some((low, high)) = bounds(config, key) else {
            continue;
        };
        let number: i64 = value.trim().parse().unwrap_or(low);
        let (kind, rest) = bounded(key).unwrap_or((key, ""));
        if number < low {
            return Err(format!(
                "{key} must be greater than or equal to group.{kind}.min.{rest}"
            ));
        }
        if number > high {
            return Err(format!(
                "{key} must be less than or equal to group.{kind}.max.{rest}"
            ));
        }
    }
    let both = resolve(config, overrides);
    if both.consumer_session_timeout_ms <= both.consumer_heartbeat_interval_ms {
        return Err(
            "consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms"
                .to_owned(),
        );
    }
    if both.share.session_timeout_ms <= both.share.heartbeat_interval_ms {
        return Err(
            "share.session.timeout.ms must be greater than share.heartbeat.interval.ms".to_owned(),
        );
    }
    Ok(())
}
