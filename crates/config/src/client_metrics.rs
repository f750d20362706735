//! Subscriptions of client metrics (KIP-714): which clients are asked to push which of their metrics.
//!
//! Keys, defaults and limits are those of Apache Kafka 4.3.0 (`ClientMetricsConfigs`).

use std::collections::BTreeMap;

use regex_lite::Regex;

use crate::check::list_items;
use crate::definition::Importance::Medium;
use crate::definition::Kind::{Int, List};
use crate::definition::{Definition, define};

/// Every entry of a subscription, sorted by key.
pub const DEFINITIONS: &[Definition] = &[
    define(
        "interval.ms",
        Int,
        Medium,
        "How often a client pushes its metrics.",
    )
    .default("300000")
    .between(100, 3_600_000)
    .honoured(),
    define(
        "match",
        List,
        Medium,
        "Which clients: selector=pattern pairs that must all fit the whole text; none fits all.",
    )
    .default("")
    .honoured(),
    define(
        "metrics",
        List,
        Medium,
        "Prefixes of the metrics' names that clients push; * is all of them.",
    )
    .default("")
    .honoured(),
];
/// Longest pattern of a selector.
const PATTERN_BYTES_MAX: usize = 1_024;

/// The definition of a key.
pub fn find(key: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|row| row.key == key)
}

/// What a selector looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector {
    /// `client_instance_id`
    InstanceId,
    /// `client_id`
    ClientId,
    /// `client_software_name`
    SoftwareName,
    /// `client_software_version`
    SoftwareVersion,
    /// `client_source_address`
    SourceAddress,
    /// `client_source_port`
    SourcePort,
}

impl Selector {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "client_instance_id" => Self::InstanceId,
            "client_id" => Self::ClientId,
            "client_software_name" => Self::SoftwareName,
            "client_software_version" => Self::SoftwareVersion,
            "client_source_address" => Self::SourceAddress,
            "client_source_port" => Self::SourcePort,
            _ => return None,
        })
    }
}

/// Why entries are no subscription.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionError {
    /// An entry that there is none of, or with a value that it can't have.
    #[error("{0}")]
    Entry(String),
    /// `match` has a selector that is none.
    #[error("{0}")]
    Selector(String),
}

/// One subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Prefixes of names; the empty prefix is every metric.
    pub metrics: Vec<String>,
    /// Milliseconds between two pushes.
    pub interval_ms: i32,
    selectors: Vec<(Selector, Regex)>,
}

impl Subscription {
    /// From its entries.
    ///
    /// # Errors
    /// An entry that is none, with what is wrong with it.
    pub fn new(entries: &BTreeMap<String, String>) -> Result<Self, SubscriptionError> {
        for (key, value) in entries {
            let unknown = || format!("Unknown client metrics configuration: {key}");
            let row = find(key).ok_or_else(|| SubscriptionError::Entry(unknown()))?;
            row.validate(value).map_err(|why| {
                let why = format!("Invalid value {value} for configuration {key}: {why}");
                SubscriptionError::Entry(why)
            })?;
        }
        let value = |key: &str| {
            let default = find(key).and_then(|row| row.default).unwrap_or_default();
            entries.get(key).map_or(default, String::as_str)
        };
        let prefix = |name: &str| if name == "*" { "" } else { name }.to_owned();
        Ok(Self {
            metrics: list_items(value("metrics")).map(prefix).collect(),
            interval_ms: value("interval.ms").trim().parse().unwrap_or(i32::MAX),
            selectors: list_items(value("match"))
                .map(|item| selector(item).map_err(SubscriptionError::Selector))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Whether a client is asked, by what `property` says of it.
    pub fn fits<'a>(&self, property: impl Fn(Selector) -> &'a str) -> bool {
        let fits = |(selector, pattern): &(Selector, Regex)| pattern.is_match(property(*selector));
        self.selectors.iter().all(fits)
    }
}

fn selector(item: &str) -> Result<(Selector, Regex), String> {
    let (name, pattern) = item
        .split_once('=')
        .ok_or_else(|| format!("Illegal client matching pattern: {item}"))?;
    let selector = Selector::named(name.trim())
        .ok_or_else(|| format!("Illegal client matching pattern: {item}"))?;
    let pattern = pattern.trim();
    let whole = format!("^(?:{pattern})$");
    let pattern = Regex::new(&whole).ok();
    let pattern = pattern.filter(|_| whole.len() <= PATTERN_BYTES_MAX);
    let pattern = pattern.ok_or_else(|| format!("Illegal client matching pattern: {item}"))?;
    Ok((selector, pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(entries: &[(&str, &str)]) -> Result<Subscription, SubscriptionError> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Subscription::new(&entries.iter().map(owned).collect())
    }

    #[test]
    fn without_entries_it_asks_everybody_for_nothing() {
        let all = subscription(&[]).unwrap();
        assert!(all.metrics.is_empty() && all.fits(|_| "anything"));
        assert_eq!(all.interval_ms, 300_000);
    }

    #[test]
    fn every_selector_must_fit_the_whole_text() {
        let some = [
            ("metrics", "org.apache.kafka.producer.,*"),
            (
                "match",
                "client_id=web-[0-9]+,client_software_name=librdkafka",
            ),
        ];
        let some = subscription(&some).unwrap();
        assert_eq!(some.metrics, ["org.apache.kafka.producer.", ""]);
        let client = |id: &'static str| {
            move |selector| match selector {
                Selector::ClientId => id,
                _ => "librdkafka",
            }
        };
        assert!(some.fits(client("web-12")));
        assert!(!some.fits(client("my-web-12")) && !some.fits(client("web-12b")));
        assert!(!some.fits(|_| "web-12"), "another library");
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for entries in [
            [("no.such", "1")],
            [("interval.ms", "99")],
            [("interval.ms", "soon")],
        ] {
            let refused = subscription(&entries).unwrap_err();
            assert!(
                matches!(refused, SubscriptionError::Entry(_)),
                "{entries:?}"
            );
        }
        for selector in ["client_id", "host=a", "client_id=("] {
            let refused = subscription(&[("match", selector)]).unwrap_err();
            assert!(
                matches!(refused, SubscriptionError::Selector(_)),
                "{selector}"
            );
        }
    }
}
