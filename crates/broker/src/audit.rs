//! The audit: who changed what, who was not let in, who read what is in records.
//!
//! Each record is a line of the log, on a target of its own, and, with `limpid.audit.topic`, a record
//! of that topic. docs/audit.md is its schema. Nothing waits for it: what finds the queue of the topic
//! full is counted and in the log alone.
//!
//! What anybody can cause again and again (a denial, a failed login) is told once at once, and after
//! that once for each `limpid.audit.window.ms`, with how often it happened.
//!
//! What must never be here: payloads, passwords, credentials, tokens, values of sensitive settings.

pub mod changes;
pub mod record;
mod repeats;
mod text;
pub mod topic;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use limpid_platform::clock::Clock;
use limpid_telemetry::{Counter, Table};
use parking_lot::Mutex;
use tokio::sync::mpsc;

pub use self::changes::{Change, Changes};
pub use self::record::{Kind, Record, Resource, Who};
use self::repeats::Repeats;
use crate::metrics::AuditMetrics;

/// Where the lines go: a target of its own, so that they can be kept apart.
const TARGET: &str = "limpid::audit";

/// Takes records of all that watches over something.
pub struct Audit {
    clock: Arc<dyn Clock>,
    counted: Table<Counter, Kind>,
    dropped: Counter,
    repeats: Mutex<Repeats>,
    queue: OnceLock<mpsc::Sender<Bytes>>,
}

impl Audit {
    /// Writes to the log; [`Audit::attach`] adds the topic. `window` is how long what repeats is added
    /// up before it is told again.
    pub fn new(metrics: &AuditMetrics, window: Duration, clock: Arc<dyn Clock>) -> Arc<Self> {
        metrics.repeats_max.set(repeats::REPEATS_MAX as i64);
        Arc::new(Self {
            clock,
            counted: metrics.records.table(),
            dropped: metrics.dropped.clone(),
            repeats: Mutex::new(Repeats::new(window, metrics.repeats.clone())),
            queue: OnceLock::new(),
        })
    }

    /// From now on records are put into a queue as well, that of a topic.
    pub fn attach(&self, queue: mpsc::Sender<Bytes>) {
        let first = self.queue.set(queue).is_ok();
        debug_assert!(first, "an audit has one topic");
    }

    /// Tells of something.
    pub fn tell(&self, mut record: Record) {
        record.happened(self.clock.wall_ms());
        self.write(&record);
    }

    /// Tells of something that can happen again and again: at once if it is new, else once a window.
    pub fn tell_of_repeated(&self, mut record: Record) {
        record.happened(self.clock.wall_ms());
        let new = self.repeats.lock().add(record, self.clock.monotonic());
        if let Some(record) = new {
            self.write(&record);
        }
    }

    /// Tells what has added up; to be called about once a second.
    pub fn tick(&self) {
        let over = self.repeats.lock().over(self.clock.monotonic());
        over.iter().for_each(|record| self.write(record));
    }

    fn write(&self, record: &Record) {
        self.counted.get(record.kind).inc();
        line(record);
        let Some(queue) = self.queue.get() else {
            return;
        };
        if queue.try_send(record.json().into()).is_err() {
            self.dropped.inc();
        }
    }
}

fn line(record: &Record) {
    let resource = record.resource.as_ref();
    tracing::info!(
        target: TARGET,
        kind = limpid_telemetry::LabelEnum::as_str(record.kind),
        action = record.action,
        outcome = record.outcome,
        reason = record.reason,
        principal = record.who.principal,
        client.id = record.who.client_id,
        listener = record.who.listener,
        client.address = record.who.address,
        resource.kind = resource.map(|resource| resource.kind),
        resource.name = resource.map(|resource| resource.name.as_str()),
        changes = record.changes_json(),
        count = record.count,
        "audit"
    );
}

#[cfg(test)]
mod tests;
