//! What can happen again and again, added up.

use std::collections::HashMap;
use std::time::Duration;

use limpid_telemetry::{Gauge, LabelEnum as _};

use super::record::{Kind, Record, Resource, Who};

/// Most things that are added up one by one; what is beyond is added up by its kind.
pub const REPEATS_MAX: usize = 1_000;
/// Who did what is beyond that.
const FURTHER: &str = "(others)";

/// What makes two records one.
type Key = (Kind, Who, String, String, Option<Resource>);

/// A window of one thing.
struct Window {
    ends: Duration,
    /// What came after the first, which was told at once.
    since: Option<Record>,
}

/// Adds up.
pub struct Repeats {
    window: Duration,
    windows: HashMap<Key, Window>,
    held: Gauge,
}

impl Repeats {
    pub(super) fn new(window: Duration, held: Gauge) -> Self {
        Self {
            window,
            windows: HashMap::new(),
            held,
        }
    }

    /// Takes a record; gives it back when it is to be told at once.
    pub(super) fn add(&mut self, mut record: Record, now: Duration) -> Option<Record> {
        let mut key = key(&record);
        if !self.windows.contains_key(&key) && self.windows.len() >= REPEATS_MAX {
            record = further(record.kind, record.at_ms);
            key = self::key(&record);
        }
        if let Some(window) = self.windows.get_mut(&key) {
            match &mut window.since {
                Some(since) => {
                    since.count += 1;
                    since.at_ms = record.at_ms;
                }
                None => window.since = Some(record),
            }
            return None;
        }
        let ends = now + self.window;
        self.windows.insert(key, Window { ends, since: None });
        self.held.set(self.windows.len() as i64);
        Some(record)
    }

    /// What has added up in windows that are over. What goes on gets another window.
    pub(super) fn over(&mut self, now: Duration) -> Vec<Record> {
        let mut over = Vec::new();
        let window = self.window;
        self.windows.retain(|_, one| {
            if now < one.ends {
                return true;
            }
            one.ends = now + window;
            let goes_on = one.since.is_some();
            over.extend(one.since.take());
            goes_on
        });
        self.held.set(self.windows.len() as i64);
        over
    }
}

fn key(record: &Record) -> Key {
    (
        record.kind,
        record.who.clone(),
        record.action.clone(),
        record.outcome.clone(),
        record.resource.clone(),
    )
}

fn further(kind: Kind, at_ms: i64) -> Record {
    let who = Who {
        principal: FURTHER.to_owned(),
        ..Who::default()
    };
    let mut record = Record::new(kind, who, kind.as_str(), "");
    record.happened(at_ms);
    record
}
