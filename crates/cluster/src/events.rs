//! What happened to topics and groups, told from two looks at a cluster: pure, and the same for a
//! cluster of ours and for a foreign one. What began and ended between two looks is not seen.

mod groups;
mod topics;

use schemars::JsonSchema;
use serde::Serialize;

use crate::snapshot::ClusterSnapshot;

/// Most events of one topic or group between two looks.
pub const EVENTS_PER_LOOK_MAX: usize = 32;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Event {
    /// When it was seen, ms since the Unix epoch.
    pub at_ms: i64,
    /// What it was, in one word.
    pub kind: EventKind,
    /// The partition that it happened to, if it was one.
    pub partition: Option<i32>,
    /// What it was, for people.
    pub what: String,
}

/// What happened, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The topic or group is new.
    Created,
    /// Partitions were added.
    PartitionsAdded,
    /// A partition has another leader, or none.
    LeaderChanged,
    /// A partition has another leader epoch.
    EpochChanged,
    /// Replicas came into sync, or fell out.
    IsrChanged,
    /// A segment was begun.
    SegmentRolled,
    /// Records went from the beginning: retention, or somebody deleted them.
    RecordsDeleted,
    /// Records went from the end.
    Truncated,
    /// Produce requests were refused.
    ProduceRefused,
    /// Fetch requests were refused.
    FetchRefused,
    /// Somebody changed it.
    Changed,
    /// A group is in another state.
    StateChanged,
    /// A rebalance ended.
    Rebalanced,
    /// Members came.
    MembersJoined,
    /// Members went.
    MembersLeft,
    /// A commit went backwards, or was moved while nobody read.
    OffsetReset,
    /// Commits are gone.
    OffsetsGone,
    /// What a group does about its topics is another word.
    StatusChanged,
}

impl EventKind {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::PartitionsAdded => "partitions added",
            Self::LeaderChanged => "leader changed",
            Self::EpochChanged => "epoch changed",
            Self::IsrChanged => "ISR changed",
            Self::SegmentRolled => "segment rolled",
            Self::RecordsDeleted => "records deleted",
            Self::Truncated => "truncated",
            Self::ProduceRefused => "produce refused",
            Self::FetchRefused => "fetch refused",
            Self::Changed => "changed",
            Self::StateChanged => "state changed",
            Self::Rebalanced => "rebalanced",
            Self::MembersJoined => "members joined",
            Self::MembersLeft => "members left",
            Self::OffsetReset => "offset reset",
            Self::OffsetsGone => "offsets gone",
            Self::StatusChanged => "status changed",
        }
    }
}

/// What an event happened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A topic, by name.
    Topic(String),
    /// A group, by id.
    Group(String),
}

/// What happened between two looks; nothing if `before` is no look at all.
pub fn between(before: &ClusterSnapshot, now: &ClusterSnapshot) -> Vec<(Subject, Event)> {
    let mut all = Vec::new();
    if before.taken_at_ms == 0 {
        return all;
    }
    for topic in &now.topics {
        let last = before.topic(&topic.name);
        if last.is_some_and(|last| std::sync::Arc::ptr_eq(last, topic)) {
            continue;
        }
        let mut found = Found::new(now.taken_at_ms);
        topics::compare(last.map(AsRef::as_ref), topic, &mut found);
        let subject = || Subject::Topic(topic.name.clone());
        all.extend(found.events.into_iter().map(|event| (subject(), event)));
    }
    for group in &now.groups {
        let last = before.group(&group.id);
        if last.is_some_and(|last| std::sync::Arc::ptr_eq(last, group)) {
            continue;
        }
        let mut found = Found::new(now.taken_at_ms);
        groups::compare(last.map(AsRef::as_ref), group, &mut found);
        let subject = || Subject::Group(group.id.clone());
        all.extend(found.events.into_iter().map(|event| (subject(), event)));
    }
    all
}

/// What happened to one thing, within a limit.
struct Found {
    at_ms: i64,
    events: Vec<Event>,
}

impl Found {
    fn new(at_ms: i64) -> Self {
        Self {
            at_ms,
            events: Vec::new(),
        }
    }

    fn add(&mut self, kind: EventKind, partition: Option<i32>, what: String) {
        if self.events.len() < EVENTS_PER_LOOK_MAX {
            self.events.push(Event {
                at_ms: self.at_ms,
                kind,
                partition,
                what,
            });
        }
    }
}

#[cfg(test)]
mod tests;
