//! The answers of DescribeConfigs (KIP-133, KIP-226, KIP-569).
//!
//! For a topic or a broker every entry is listed: the value in force, where it came from, and its
//! synonyms, that is every place that could have set it, the strongest first. Pure functions; the
//! handler picks the keys that were asked for and drops what was not.

use std::collections::BTreeMap;

use crate::broker;
use crate::check::{list_items, parse_boolean, parse_double};
use crate::client_metrics;
use crate::config::{Config, is_sensitive};
use crate::definition::{Definition, Dynamic, Kind, UNKNOWN_KIND_CODE};
use crate::{group, topic};

/// Where a value came from, with Kafka's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum Source {
    /// Set on the topic.
    DynamicTopic = 1,
    /// Altered for this broker.
    DynamicBroker = 2,
    /// Altered for all brokers.
    DynamicDefaultBroker = 3,
    /// File, environment or command line.
    StaticBroker = 4,
    /// Nobody set it.
    Default = 5,
    /// The level of a logger.
    DynamicBrokerLogger = 6,
    /// Set on a subscription of client metrics.
    DynamicClientMetrics = 7,
    /// Set on the group.
    DynamicGroup = 8,
}

impl Source {
    /// The code on the wire.
    pub const fn code(self) -> i8 {
        self as i8
    }
}

/// One place that sets an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym {
    /// The key it is set under.
    pub name: String,
    /// What it is set to; `None` when it must not be shown, or is null.
    pub value: Option<String>,
    /// Which place.
    pub source: Source,
}

/// One entry of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// The key.
    pub name: String,
    /// The value in force; `None` when it must not be shown, or is null.
    pub value: Option<String>,
    /// Where it came from.
    pub source: Source,
    /// Whether it cannot be altered while the broker runs.
    pub read_only: bool,
    /// Whether its value must not be shown.
    pub sensitive: bool,
    /// Every place that sets it, the strongest first.
    pub synonyms: Vec<Synonym>,
    /// Type code, see [`Kind::code`].
    pub kind_code: i8,
    /// One sentence on it; `None` for keys that no table knows.
    pub documentation: Option<&'static str>,
}

impl ConfigEntry {
    /// Whether nobody set it (DescribeConfigs v0's view of the source).
    pub fn is_default(&self) -> bool {
        self.source == Source::Default
    }
}

/// Every entry of a topic that sets these itself, sorted by key.
pub fn topic(config: &Config, overrides: &BTreeMap<String, String>) -> Vec<ConfigEntry> {
    let known = topic::DEFINITIONS.iter().filter(|row| !row.internal);
    let mut entries: Vec<ConfigEntry> = known
        .map(|row| topic_entry(config, overrides, row))
        .collect();
    for (key, value) in overrides {
        if topic::find(key).is_none_or(|row| row.internal) {
            entries.push(unknown_topic_entry(key, value));
        }
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    entries
}

/// Every entry of a group that sets these itself, sorted by key.
pub fn group(config: &Config, overrides: &BTreeMap<String, String>) -> Vec<ConfigEntry> {
    let entry = |row: &'static Definition| {
        let own = overrides.get(row.key).map(|text| canonical(row, text));
        let mut synonyms: Vec<Synonym> = own
            .iter()
            .map(|value| Synonym {
                name: row.key.to_owned(),
                value: Some(value.clone()),
                source: Source::DynamicGroup,
            })
            .collect();
        let inherited = group::server_synonym(row.key);
        match &inherited {
            Some(key) => synonyms.extend(broker_synonyms(config, key)),
            None => synonyms.extend(row.default.map(|value| Synonym {
                name: row.key.to_owned(),
                value: Some(canonical(row, value)),
                source: Source::Default,
            })),
        }
        let broker = inherited.and_then(|key| config.get(&key).map(str::to_owned));
        let default = || row.default.map(str::to_owned);
        ConfigEntry {
            name: row.key.to_owned(),
            value: own.or(broker).or_else(default),
            source: synonyms.first().map_or(Source::Default, |s| s.source),
            read_only: false,
            sensitive: row.sensitive(),
            synonyms,
            kind_code: row.kind.code(),
            documentation: Some(row.doc),
        }
    };
    group::DEFINITIONS.iter().map(entry).collect()
}

/// Every entry of this broker, sorted by key.
pub fn broker(config: &Config) -> Vec<ConfigEntry> {
    let known = broker::DEFINITIONS
        .iter()
        .filter(|row| !row.internal || config.explicit(row.key).is_some());
    let mut entries: Vec<ConfigEntry> = known.map(|row| broker_entry(config, row)).collect();
    let layers = [config.dynamic_broker(), config.dynamic_default()];
    let dynamic = layers.into_iter().flat_map(|layer| layer.keys());
    let mut others: Vec<&String> = config.statics().keys().chain(dynamic).collect();
    others.sort_unstable();
    others.dedup();
    for key in others {
        if broker::find(key).is_none() {
            entries.push(other_broker_entry(config, key));
        }
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    entries
}

/// What was altered for all brokers (the empty resource name), sorted by key.
pub fn broker_defaults(config: &Config) -> Vec<ConfigEntry> {
    let is_default = |synonym: &Synonym| synonym.source == Source::DynamicDefaultBroker;
    let entry = |key: &String| {
        let mut entry = match broker::find(key) {
            Some(row) => broker_entry(config, row),
            None => other_broker_entry(config, key),
        };
        entry.synonyms.retain(is_default);
        entry.value = config
            .dynamic_default()
            .get(key)
            .cloned()
            .filter(|_| !entry.sensitive);
        entry.source = Source::DynamicDefaultBroker;
        entry
    };
    config.dynamic_default().keys().map(entry).collect()
}

/// Every entry of a subscription of client metrics that sets these, sorted by key.
pub fn client_metrics(entries: &BTreeMap<String, String>) -> Vec<ConfigEntry> {
    let entry = |row: &'static Definition| {
        let own = entries.get(row.key).cloned();
        let (source, default) = match own {
            Some(_) => (Source::DynamicClientMetrics, None),
            None => (Source::Default, row.default.map(str::to_owned)),
        };
        let value = own.or(default);
        ConfigEntry {
            name: row.key.to_owned(),
            synonyms: vec![Synonym {
                name: row.key.to_owned(),
                value: value.clone(),
                source,
            }],
            value,
            source,
            read_only: false,
            sensitive: false,
            kind_code: row.kind.code(),
            documentation: Some(row.doc),
        }
    };
    client_metrics::DEFINITIONS.iter().map(entry).collect()
}

fn topic_entry(
    config: &Config,
    overrides: &BTreeMap<String, String>,
    row: &'static Definition,
) -> ConfigEntry {
    let own = overrides.get(row.key);
    let inherited = || topic::broker_value(row.key, &|key| config.explicit(key).map(str::to_owned));
    let value = own
        .cloned()
        .or_else(inherited)
        .or_else(|| row.default.map(str::to_owned));
    let value = value.map(|text| canonical(row, &text));
    let mut synonyms = Vec::new();
    if own.is_some() {
        let name = row.key.to_owned();
        synonyms.push(Synonym {
            name,
            value: value.clone(),
            source: Source::DynamicTopic,
        });
    }
    if let Some(synonym) = topic::server_synonyms(row.key).first() {
        synonyms.extend(broker_synonyms(config, synonym.key));
    }
    ConfigEntry {
        name: row.key.to_owned(),
        value,
        source: synonyms
            .first()
            .map_or(Source::Default, |synonym| synonym.source),
        read_only: false,
        sensitive: row.sensitive(),
        synonyms,
        kind_code: row.kind.code(),
        documentation: Some(row.doc),
    }
}

fn unknown_topic_entry(key: &str, value: &str) -> ConfigEntry {
    let sensitive = is_sensitive(key);
    let value = (!sensitive).then(|| value.to_owned());
    ConfigEntry {
        name: key.to_owned(),
        value: value.clone(),
        source: Source::DynamicTopic,
        read_only: false,
        sensitive,
        synonyms: vec![Synonym {
            name: key.to_owned(),
            value,
            source: Source::DynamicTopic,
        }],
        kind_code: UNKNOWN_KIND_CODE,
        documentation: None,
    }
}

fn broker_entry(config: &Config, row: &'static Definition) -> ConfigEntry {
    let sensitive = row.sensitive();
    let value = config.get(row.key).map(|text| canonical(row, text));
    let synonyms = broker_synonyms(config, row.key);
    ConfigEntry {
        name: row.key.to_owned(),
        value: value.filter(|_| !sensitive),
        source: synonyms
            .first()
            .map_or(Source::Default, |synonym| synonym.source),
        read_only: row.dynamic == Dynamic::ReadOnly,
        sensitive,
        synonyms,
        kind_code: row.kind.code(),
        documentation: Some(row.doc),
    }
}

/// A key outside the table: one for a single listener, or one that only exists dynamically. What
/// nobody knows may hold anything, a secret as well: its value is never shown.
fn other_broker_entry(config: &Config, key: &str) -> ConfigEntry {
    let row = broker::find_alterable(key).or_else(|| broker::find_for_listener(key));
    let sensitive = row.is_none_or(Definition::sensitive);
    let mut synonyms = broker_synonyms(config, key);
    if sensitive {
        synonyms.iter_mut().for_each(|synonym| synonym.value = None);
    }
    ConfigEntry {
        name: key.to_owned(),
        value: config
            .explicit(key)
            .filter(|_| !sensitive)
            .map(str::to_owned),
        source: synonyms
            .first()
            .map_or(Source::Default, |synonym| synonym.source),
        read_only: broker::find_alterable(key).is_none(),
        sensitive,
        synonyms,
        kind_code: row.map_or(UNKNOWN_KIND_CODE, |row| row.kind.code()),
        documentation: row.map(|row| row.doc),
    }
}

/// Every place that sets a broker entry or one of the entries that stand in for it: first all of
/// them as altered for this broker, then for all brokers, then static, then defaults.
fn broker_synonyms(config: &Config, key: &str) -> Vec<Synonym> {
    let names = stand_ins(key);
    let mut synonyms = Vec::new();
    let mut add = |name: &str, value: Option<&str>, source: Source| {
        if let Some(value) = value {
            let value = (!is_sensitive(name)).then(|| value.to_owned());
            synonyms.push(Synonym {
                name: name.to_owned(),
                value,
                source,
            });
        }
    };
    let text = |map: &'_ BTreeMap<String, String>, name: &str| map.get(name).cloned();
    for name in &names {
        add(
            name,
            text(config.dynamic_broker(), name).as_deref(),
            Source::DynamicBroker,
        );
    }
    for name in &names {
        add(
            name,
            text(config.dynamic_default(), name).as_deref(),
            Source::DynamicDefaultBroker,
        );
    }
    for name in &names {
        let setting = config
            .statics()
            .get(*name)
            .map(|setting| setting.value.as_str());
        add(name, setting, Source::StaticBroker);
    }
    for name in &names {
        add(
            name,
            broker::find(name).and_then(|row| row.default),
            Source::Default,
        );
    }
    // a stand-in alone, without anything of the key's own, is not listed; as in Kafka
    let own = synonyms.iter().position(|synonym| synonym.name == key);
    synonyms.drain(..own.unwrap_or(synonyms.len()));
    synonyms
}

/// The entries that can set the same thing, in the order in which they win.
fn stand_ins(key: &str) -> Vec<&str> {
    match key {
        "log.roll.ms" | "log.roll.hours" => vec!["log.roll.ms", "log.roll.hours"],
        "log.roll.jitter.ms" | "log.roll.jitter.hours" => {
            vec!["log.roll.jitter.ms", "log.roll.jitter.hours"]
        }
        "log.flush.interval.ms" => vec!["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
        "log.retention.ms" | "log.retention.minutes" | "log.retention.hours" => {
            vec![
                "log.retention.ms",
                "log.retention.minutes",
                "log.retention.hours",
            ]
        }
        other => vec![other],
    }
}

/// The value as Kafka would print it after parsing.
fn canonical(row: &Definition, text: &str) -> String {
    let trimmed = text.trim();
    match row.kind {
        Kind::Boolean => parse_boolean(text).map_or_else(|| text.to_owned(), |b| b.to_string()),
        Kind::Int | Kind::Short | Kind::Long => trimmed
            .parse::<i64>()
            .map_or_else(|_| text.to_owned(), |n| n.to_string()),
        Kind::Double => parse_double(text).map_or_else(|| text.to_owned(), java_double),
        Kind::List => list_items(text).collect::<Vec<_>>().join(","),
        Kind::String | Kind::Class | Kind::Password => trimmed.to_owned(),
    }
}

/// `Double.toString`: at least one digit after the point, exponents from 10^7 and below 10^-3.
fn java_double(number: f64) -> String {
    let magnitude = number.abs();
    if number == 0.0 || (1e-3..1e7).contains(&magnitude) {
        let plain = number.to_string();
        if plain.contains('.') {
            plain
        } else {
            format!("{plain}.0")
        }
    } else {
        let text = format!("{number:E}");
        match text.split_once('E') {
            Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
            _ => text,
        }
    }
}

#[cfg(test)]
mod tests;
