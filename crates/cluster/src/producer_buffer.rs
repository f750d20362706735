//! The buffers of producers, as they tell of them (KIP-714).
//!
//! A producer keeps records in `buffer.memory` until the broker took them. When that is full its callers
//! stand still, and no number of the broker's shows it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::client::Pushed;

const TOTAL: &str = "org.apache.kafka.producer.buffer.total.bytes";
const AVAILABLE: &str = "org.apache.kafka.producer.buffer.available.bytes";
const WAIT: &str = "org.apache.kafka.producer.bufferpool.wait.ratio";
/// Fuller than this a producer's buffer is short; alerts/ has the same limit.
const USED_HIGH: f64 = 0.9;
/// Its callers wait for more than this part of the time: the same.
const WAIT_HIGH: f64 = 0.1;

/// The buffer of a producer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct ProducerBuffer {
    /// `client.id`, as the client chose it.
    pub client_id: String,
    /// Which of the clients of this id it is.
    pub instance: String,
    /// Name and version of its library.
    pub software: String,
    /// Where it connects from.
    pub host: String,
    /// `buffer.memory`.
    pub total_bytes: Option<f64>,
    /// What is left of it.
    pub available_bytes: Option<f64>,
    /// Part of it that is taken, 0 to 1.
    pub used: Option<f64>,
    /// Part of the time that its callers wait for room.
    pub wait: Option<f64>,
}

impl ProducerBuffer {
    /// What KIP-714 calls the numbers that tell of it.
    pub const METRICS: [&str; 3] = [TOTAL, AVAILABLE, WAIT];

    /// Takes in one of [`Self::METRICS`].
    pub fn note(&mut self, metric: &str, value: f64) {
        match metric {
            TOTAL => self.total_bytes = Some(value),
            AVAILABLE => self.available_bytes = Some(value),
            WAIT => self.wait = Some(value),
            _ => return,
        }
        self.used = match (self.total_bytes, self.available_bytes) {
            (Some(total), Some(free)) if total > 0.0 => Some((1.0 - free / total).clamp(0.0, 1.0)),
            _ => None,
        };
    }

    /// Whether there is too little of it.
    pub fn is_short(&self) -> bool {
        self.used.is_some_and(|used| used > USED_HIGH) || self.waits().is_some()
    }

    /// Part of the time that its callers wait, if that is much.
    pub(crate) fn waits(&self) -> Option<f64> {
        self.wait.filter(|wait| *wait > WAIT_HIGH)
    }

    /// The larger, the worse: who waits comes before who is about to.
    pub fn shortness(&self) -> f64 {
        self.waits().map_or(0.0, |wait| 1.0 + wait) + self.used.unwrap_or(0.0)
    }

    /// Those that the clients of an id tell of, by instance.
    pub fn of(client_id: &str, pushed: &[Pushed]) -> Vec<Self> {
        let mut found: BTreeMap<&str, Self> = BTreeMap::new();
        for number in pushed {
            if !Self::METRICS.contains(&number.metric.as_str()) {
                continue;
            }
            let buffer = found.entry(&number.instance).or_insert_with(|| Self {
                client_id: client_id.to_owned(),
                instance: number.instance.clone(),
                software: number.software.clone(),
                host: number.host.clone(),
                ..Self::default()
            });
            buffer.note(&number.metric, number.value);
        }
        found.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(instance: &str, metric: &str, value: f64) -> Pushed {
        Pushed {
            instance: instance.to_owned(),
            software: "apache-kafka-java 4.3.0".to_owned(),
            host: "10.0.0.7".to_owned(),
            metric: metric.to_owned(),
            about: String::new(),
            value,
        }
    }

    #[test]
    fn a_buffer_is_as_full_as_its_producer_tells() {
        let pushed = [
            number("a", TOTAL, 1_000.0),
            number("a", AVAILABLE, 50.0),
            number("b", TOTAL, 0.0),
            number("b", AVAILABLE, 0.0),
            number("c", WAIT, 0.25),
            number("c", "org.apache.kafka.producer.record.size.avg", 7.0),
            number("d", "org.apache.kafka.consumer.poll.idle.ratio.avg", 0.5),
        ];
        let found = ProducerBuffer::of("orders", &pushed);
        let told: Vec<_> = found
            .iter()
            .map(|b| {
                let used = b.used.map(|used| (used * 100.0).round());
                (b.instance.as_str(), used, b.is_short())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("a", Some(95.0), true),
                ("b", None, false),
                ("c", None, true)
            ]
        );
        assert!(found[2].shortness() > found[0].shortness());
    }
}
