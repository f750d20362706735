//! Flight recorders: the last of what happened to each partition, topic and group.
//!
//! What can be seen by comparing two snapshots is (`cluster::events`), once a second and off the data
//! path; what was changed on request is told by `connection::audit`.

use std::collections::HashMap;
use std::sync::Arc;

use limpid_cluster::ClusterSnapshot;
use limpid_cluster::events::{self, Event, EventKind, Subject};
use limpid_platform::clock::Clock;
use limpid_telemetry::ring::{Ring, RingMetrics, RingStats};
use limpid_telemetry::{Counter, Gauge};
use parking_lot::Mutex;

use crate::audit::changes::Change;

/// Most events that are kept of one partition, and of what concerns a topic or a group as a whole.
pub const EVENTS_MAX: usize = 32;
/// Most partitions, topics and groups that have a recorder; it is made with the first event.
pub const RECORDERS_MAX: usize = 4_096;

/// What metrics call these recorders.
const EVENTS: &str = "events";

/// Where an event belongs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Place {
    Topic(Box<str>, Option<i32>),
    Group(Box<str>),
}

/// All recorders.
pub struct Recorder {
    rings: Mutex<HashMap<Place, Arc<Ring<Event>>>>,
    stats: RingStats,
    refused: Counter,
    count: Gauge,
    clock: Arc<dyn Clock>,
}

impl Recorder {
    /// Nothing has happened yet.
    pub fn new(metrics: &RingMetrics, clock: Arc<dyn Clock>) -> Arc<Self> {
        metrics.recorders_max.bind(EVENTS).set(RECORDERS_MAX as i64);
        Arc::new(Self {
            rings: Mutex::default(),
            stats: RingStats::new(metrics, EVENTS),
            refused: metrics.refused.bind(EVENTS),
            count: metrics.recorders.bind(EVENTS),
            clock,
        })
    }

    /// Notes what happened between two snapshots, and forgets what belongs to nothing any more.
    pub fn follow(&self, before: &ClusterSnapshot, now: &ClusterSnapshot) {
        for (subject, event) in events::between(before, now) {
            let place = match subject {
                Subject::Topic(name) => Place::Topic(name.into(), event.partition),
                // Partitions of a group are those of its topics.
                Subject::Group(id) => Place::Group(id.into()),
            };
            self.note(place, event);
        }
        let gone_topic = before
            .topics
            .iter()
            .any(|topic| now.topic(&topic.name).is_none());
        if gone_topic
            || before
                .groups
                .iter()
                .any(|group| now.group(&group.id).is_none())
        {
            let mut rings = self.rings.lock();
            rings.retain(|place, _| match place {
                Place::Topic(name, _) => now.topic(name).is_some(),
                Place::Group(id) => now.group(id).is_some(),
            });
            self.count.set(rings.len() as i64);
        }
    }

    /// Notes a change that somebody made.
    pub fn changed(&self, change: &Change, by: &str) {
        if change.error.is_some() || change.what == "create" || change.what == "delete" {
            return;
        }
        let place = match change.resource {
            "topic" => Place::Topic(change.name.as_str().into(), None),
            "group" => Place::Group(change.name.as_str().into()),
            _ => return,
        };
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "unset".to_owned());
        let what = match &change.key {
            Some(key) => {
                let (before, after) = (shown(&change.before), shown(&change.after));
                format!("{key}: {before} became {after}, by {by}")
            }
            None => format!("{} {}, by {by}", change.what, shown(&change.after)),
        };
        let event = Event {
            at_ms: self.clock.wall_ms(),
            kind: EventKind::Changed,
            partition: None,
            what,
        };
        self.note(place, event);
    }

    fn note(&self, place: Place, event: Event) {
        let mut rings = self.rings.lock();
        if !rings.contains_key(&place) && rings.len() >= RECORDERS_MAX {
            drop(rings);
            return self.refused.inc();
        }
        let ring = rings.entry(place);
        let ring = ring.or_insert_with(|| Arc::new(Ring::new(EVENTS_MAX, self.stats.clone())));
        let ring = Arc::clone(ring);
        self.count.set(rings.len() as i64);
        drop(rings);
        ring.push(event);
    }

    /// What happened to a topic and its partitions, newest first.
    pub fn topic(&self, name: &str) -> Vec<Arc<Event>> {
        self.of(|place| matches!(place, Place::Topic(topic, _) if **topic == *name))
    }

    /// What happened to a group, newest first.
    pub fn group(&self, id: &str) -> Vec<Arc<Event>> {
        self.of(|place| matches!(place, Place::Group(group) if **group == *id))
    }

    fn of(&self, wanted: impl Fn(&Place) -> bool) -> Vec<Arc<Event>> {
        let rings = self.rings.lock();
        let found = rings.iter().filter(|(place, _)| wanted(place));
        let found: Vec<Arc<Ring<Event>>> = found.map(|(_, ring)| Arc::clone(ring)).collect();
        drop(rings);
        let mut events: Vec<Arc<Event>> = found.iter().flat_map(|ring| ring.newest()).collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.at_ms));
        events
    }
}
