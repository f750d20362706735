//! What the demo consists of. Rates are functions of time, so that the charts have shapes.

use std::time::Duration;

use limpid_protocol::records::Codec;

/// What all names begin with.
pub(crate) const PREFIX: &str = "demo.";
/// Records per second of the slow group, unless told otherwise.
pub const SLOW_RATE_DEFAULT: f64 = 20.0;
/// Where the pace of the slow group is changed while the demo runs.
pub(crate) const CONTROL_TOPIC: &str = "demo.control";
/// How long records stay.
pub(crate) const RETENTION_MS: i64 = 6 * 3600 * 1000;
/// Size of segments: retention works in whole ones.
pub(crate) const SEGMENT_BYTES: i64 = 16 * 1024 * 1024;

/// How fast the slow group reads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// So many records per second.
    RecordsPerSecond(f64),
    /// As fast as it can.
    Unlimited,
}

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RecordsPerSecond(rate) => write!(f, "{rate}"),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

impl std::str::FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        let rate: Option<f64> = text.parse().ok();
        rate.filter(|rate| rate.is_finite() && *rate > 0.0)
            .map(Self::RecordsPerSecond)
            .ok_or_else(|| format!("{text:?} is neither records per second nor `unlimited`"))
    }
}

/// A service that writes its log to a topic.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) topic: &'static str,
    pub(crate) partitions: i32,
    pub(crate) codec: Codec,
    /// Records per second, so long after the start.
    pub(crate) rate: fn(Duration) -> f64,
    pub(crate) shape: &'static str,
}

/// The services.
pub(crate) const SERVICES: [Service; 3] = [
    Service {
        name: "checkout",
        topic: "demo.logs.checkout",
        partitions: 6,
        codec: Codec::Lz4,
        rate: wave,
        shape: "20 to 60 records/s in a wave of 4 minutes, lz4",
    },
    Service {
        name: "payments",
        topic: "demo.logs.payments",
        partitions: 3,
        codec: Codec::Zstd,
        rate: bursts,
        shape: "10 records/s, for 15 s of every 90 it is 120, zstd",
    },
    Service {
        name: "search",
        topic: "demo.logs.search",
        partitions: 4,
        codec: Codec::Snappy,
        rate: stairs,
        shape: "40 to 100 records/s, up a stair each minute, snappy",
    },
];

fn wave(since: Duration) -> f64 {
    40.0 + 20.0 * (since.as_secs_f64() / 240.0 * std::f64::consts::TAU).sin()
}

fn bursts(since: Duration) -> f64 {
    // Not at once, so that the first minute shows both.
    if (30..45).contains(&(since.as_secs() % 90)) {
        120.0
    } else {
        10.0
    }
}

fn stairs(since: Duration) -> f64 {
    let stair = since.as_secs() / 60 % 4;
    40.0 + 20.0 * stair as f64
}

/// The groups.
pub(crate) const HEALTHY: Group = Group {
    id: "demo.indexer",
    topics: &[
        "demo.logs.checkout",
        "demo.logs.payments",
        "demo.logs.search",
    ],
    shows: "healthy: two members, lag near 0",
};
pub(crate) const SLOW: Group = Group {
    id: "demo.archiver",
    topics: &["demo.logs.search"],
    shows: "too slow for its topic: its lag grows, until it is sped up (below)",
};
pub(crate) const RESTLESS: Group = Group {
    id: "demo.autoscaler",
    topics: &["demo.logs.checkout", "demo.logs.payments"],
    shows: "members come and go: a rebalance every 20 s or so",
};
pub(crate) const CRASHED: Group = Group {
    id: "demo.fraud-check",
    topics: &["demo.logs.payments"],
    shows: "crashes before its first commit, again and again: no lag is known, it is not 0",
};
/// All of them.
pub(crate) const GROUPS: [&Group; 4] = [&HEALTHY, &SLOW, &RESTLESS, &CRASHED];

/// A group and what it shows.
pub(crate) struct Group {
    pub(crate) id: &'static str,
    pub(crate) topics: &'static [&'static str],
    pub(crate) shows: &'static str,
}

/// The topics, with their partitions.
pub(crate) fn topics() -> impl Iterator<Item = (&'static str, i32)> {
    let services = SERVICES.iter().map(|s| (s.topic, s.partitions));
    services.chain([(CONTROL_TOPIC, 1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_the_prefix_and_every_topic_read_is_written() {
        let written: Vec<&str> = topics().map(|(name, _)| name).collect();
        assert!(written.iter().all(|name| name.starts_with(PREFIX)));
        for group in GROUPS {
            assert!(group.id.starts_with(PREFIX));
            assert!(group.topics.iter().all(|topic| written.contains(topic)));
        }
    }

    #[test]
    fn rates_change_and_the_slow_group_is_always_too_slow() {
        for service in &SERVICES {
            let rates: Vec<f64> = (0..600)
                .map(|s| (service.rate)(Duration::from_secs(s)))
                .collect();
            let least = rates.iter().copied().fold(f64::MAX, f64::min);
            let most = rates.iter().copied().fold(0.0, f64::max);
            assert!(least >= 10.0 && most <= 120.0 && most >= 2.0 * least);
        }
        let search = SERVICES.iter().find(|s| s.topic == SLOW.topics[0]);
        let search = search.expect("a service writes what the slow group reads");
        assert!((0..600).all(|s| (search.rate)(Duration::from_secs(s)) > 1.5 * SLOW_RATE_DEFAULT));
    }

    #[test]
    fn a_pace_is_a_rate_or_unlimited() {
        for text in ["20", "0.5", "unlimited"] {
            assert_eq!(
                text.parse::<Pace>().map(|p| p.to_string()),
                Ok(text.to_owned())
            );
        }
        for text in ["", "0", "-1", "NaN", "inf", "fast"] {
            assert!(text.parse::<Pace>().is_err(), "{text}");
        }
    }
}
