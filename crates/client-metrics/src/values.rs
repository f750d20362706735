//! The newest value of each series that a client pushed.
//!
//! Strangers choose how many there are, so there are limits for one push, for one client and for all.
//! A client that said goodbye is forgotten at once, and one that went silent after three intervals.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use limpid_protocol::Uuid;
use parking_lot::Mutex;

use crate::client::{Client, shortened};
use crate::otlp::{self, Attributes, Malformed, Point};

/// Numbers of one push that are looked at.
pub const POINTS_OF_PUSH_MAX: usize = 10_000;
/// Series of one client.
pub const SERIES_OF_CLIENT_MAX: usize = 1_000;
/// Series of all clients.
pub const SERIES_MAX: usize = 100_000;
/// Memory of one client's series: 1,000 of Java's come to 200 KB, one with all texts as long as they may
/// be to 1.4 KB.
pub const SERIES_BYTES_OF_CLIENT_MAX: usize = 512 << 10;
/// Memory of all clients' series.
pub const SERIES_BYTES_MAX: usize = 64 << 20;
/// Pushes that may be missing before a client counts as gone.
const MISSED_PUSHES: u32 = 3;

/// What a number is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// Name of the metric.
    pub metric: Box<str>,
    /// Which broker the client means.
    pub node: Box<str>,
    /// Topic.
    pub topic: Box<str>,
    /// Partition.
    pub partition: Box<str>,
    /// Other attributes as `name=value`, separated by commas.
    pub rest: Box<str>,
}

impl Series {
    /// What it takes of the memory for series, its place in the map included.
    fn bytes(&self) -> usize {
        let texts = [
            &self.metric,
            &self.node,
            &self.topic,
            &self.partition,
            &self.rest,
        ];
        2 * size_of::<(Self, f64)>() + texts.map(|text| text.len()).iter().sum::<usize>()
    }

    /// No series of this metric comes before it.
    fn first_of(metric: &str) -> Self {
        let none = || Box::from("");
        Series {
            metric: metric.into(),
            node: none(),
            topic: none(),
            partition: none(),
            rest: none(),
        }
    }

    fn of(point: &Point<'_>) -> Self {
        let (mut node, mut topic, mut partition) = <(String, String, String)>::default();
        let mut rest = String::new();
        for (name, value) in point.attributes.iter() {
            // librdkafka and Java write the same names differently.
            match name {
                "node_id" | "node.id" | "node-id" => node = value.to_string(),
                "topic" => topic = value.to_string(),
                "partition" => partition = value.to_string(),
                // It is a label already.
                "client_id" | "client.id" | "client-id" => {}
                _ => {
                    let comma = if rest.is_empty() { "" } else { "," };
                    rest.push_str(&format!("{comma}{name}={value}"));
                }
            }
        }
        Series {
            metric: shortened(point.metric).into(),
            node: shortened(&node).into(),
            topic: shortened(&topic).into(),
            partition: shortened(&partition).into(),
            rest: shortened(&rest).into(),
        }
    }
}

/// What became of the numbers of a push.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Kept.
    pub kept: u64,
    /// Left out because of a limit.
    pub left_out: u64,
}

struct OfClient {
    client: Arc<Client>,
    series: BTreeMap<Series, f64>,
    /// Memory of the series.
    bytes: usize,
    pushed: Duration,
    interval: Duration,
}

impl OfClient {
    fn is_silent(&self, now: Duration) -> bool {
        now.saturating_sub(self.pushed) > self.interval * MISSED_PUSHES
    }
}

/// All of them.
#[derive(Default)]
pub struct Values {
    clients: Mutex<HashMap<Uuid, OfClient>>,
}

impl Values {
    /// Takes in a push: `bytes` are OpenTelemetry's `MetricsData`, not compressed.
    ///
    /// # Errors
    /// They are not; the numbers before the fault count.
    pub fn take(
        &self,
        client: Arc<Client>,
        bytes: &[u8],
        interval: Duration,
        now: Duration,
    ) -> (Taken, Result<(), Malformed>) {
        let mut clients = self.clients.lock();
        clients.retain(|_, of_client| !of_client.is_silent(now));
        let (room, room_bytes) = room(&clients, client.instance);
        let entry = clients.entry(client.instance);
        let of_client = entry.or_insert_with(|| OfClient {
            client: Arc::clone(&client),
            series: BTreeMap::new(),
            bytes: 0,
            pushed: now,
            interval,
        });
        of_client.client = client;
        (of_client.pushed, of_client.interval) = (now, interval);
        // What is not pushed any more is not shown any more, except for sums of differences.
        let before = std::mem::take(&mut of_client.series);
        of_client.bytes = 0;
        let (mut taken, mut points) = (Taken::default(), 0);
        let read = otlp::read(bytes, |_resource: &Attributes<'_>, point| {
            points += 1;
            if points > POINTS_OF_PUSH_MAX {
                taken.left_out += 1;
                return false;
            }
            // Java says so of what it has not measured yet.
            if !point.value.is_finite() {
                return true;
            }
            let series = Series::of(&point);
            if !of_client.series.contains_key(&series) {
                let bytes = of_client.bytes + series.bytes();
                if of_client.series.len() >= room || bytes > room_bytes {
                    taken.left_out += 1;
                    return true;
                }
                of_client.bytes = bytes;
            }
            let base = match point.is_delta {
                true => before.get(&series).copied().unwrap_or_default(),
                false => 0.0,
            };
            of_client.series.insert(series, base + point.value);
            taken.kept += 1;
            true
        });
        (taken, read)
    }

    /// Forgets a client that won't push any more.
    pub fn forget(&self, instance: Uuid) {
        self.clients.lock().remove(&instance);
    }

    /// Clients with values, and their series.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        let clients = self.clients.lock();
        let series = clients.values().map(|of_client| of_client.series.len());
        (clients.len(), series.sum())
    }

    /// Hands out the values of some metrics, of the clients that still push: client by client.
    pub fn each_of(
        &self,
        now: Duration,
        metrics: &[&str],
        mut found: impl FnMut(&Client, &Series, f64),
    ) {
        let firsts: Vec<Series> = metrics.iter().map(|name| Series::first_of(name)).collect();
        let clients = self.clients.lock();
        let live = clients
            .values()
            .filter(|of_client| !of_client.is_silent(now));
        for of_client in live {
            for first in &firsts {
                let from = of_client.series.range(first..);
                let same = from.take_while(|(series, _)| series.metric == first.metric);
                same.for_each(|(series, value)| found(&of_client.client, series, *value));
            }
        }
    }

    /// Hands out every value of the clients that still push.
    pub fn each(&self, now: Duration, mut found: impl FnMut(&Client, &Series, f64)) {
        let clients = self.clients.lock();
        let live = clients
            .values()
            .filter(|of_client| !of_client.is_silent(now));
        for of_client in live {
            for (series, value) in &of_client.series {
                found(&of_client.client, series, *value);
            }
        }
    }
}

/// How many series the client may have, and their memory: less, when the others have much.
fn room(clients: &HashMap<Uuid, OfClient>, client: Uuid) -> (usize, usize) {
    let others = clients.iter().filter(|(id, _)| **id != client);
    let (series, bytes) = others.fold((0, 0), |(series, bytes), (_, other)| {
        (series + other.series.len(), bytes + other.bytes)
    });
    (
        SERIES_OF_CLIENT_MAX.min(SERIES_MAX.saturating_sub(series)),
        SERIES_BYTES_OF_CLIENT_MAX.min(SERIES_BYTES_MAX.saturating_sub(bytes)),
    )
}

#[cfg(test)]
mod tests;
