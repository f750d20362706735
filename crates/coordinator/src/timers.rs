//! Deadlines, in the order in which they come.
//!
//! A heartbeat moves its member's deadline far more often than any deadline comes, so that it only
//! stores a number: the entry stays where it is, and when its time comes it is put back at the
//! deadline that holds by then. Each member has at most one entry, each group one more.

use std::collections::BTreeMap;
use std::sync::Arc;

/// What a deadline is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimerKey {
    /// The session of a member, or the time a pending member has to come back.
    Member(Arc<str>, Arc<str>),
    /// A phase of the group's rebalance.
    Phase(Arc<str>),
    /// What a member of a consumer group has to do.
    Task(Arc<str>, Arc<str>),
}

impl TimerKey {
    pub(crate) fn group(&self) -> &Arc<str> {
        match self {
            Self::Member(group, _) | Self::Phase(group) | Self::Task(group, _) => group,
        }
    }
}

/// Where an entry is in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    due_ms: u64,
    number: u64,
}

/// A member's deadline and its entry.
#[derive(Debug, Default)]
pub(crate) struct Deadline {
    at_ms: u64,
    slot: Option<Slot>,
}

impl Deadline {
    /// Whether the deadline that holds has come.
    pub(crate) fn has_come(&self, mono_ms: u64) -> bool {
        self.at_ms <= mono_ms
    }
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: BTreeMap<Slot, TimerKey>,
    number: u64,
}

impl Timers {
    pub(crate) fn insert(&mut self, due_ms: u64, key: TimerKey) -> Slot {
        let number = self.number;
        self.number += 1;
        let slot = Slot { due_ms, number };
        self.queue.insert(slot, key);
        slot
    }

    pub(crate) fn remove(&mut self, slot: Slot) {
        self.queue.remove(&slot);
    }

    /// Moves a deadline; the entry is touched only if it would come too late.
    pub(crate) fn set(&mut self, deadline: &mut Deadline, at_ms: u64, key: impl Fn() -> TimerKey) {
        deadline.at_ms = at_ms;
        match deadline.slot {
            Some(slot) if slot.due_ms <= at_ms => {}
            before => {
                if let Some(slot) = before {
                    self.remove(slot);
                }
                deadline.slot = Some(self.insert(at_ms, key()));
            }
        }
    }

    pub(crate) fn clear(&mut self, deadline: &mut Deadline) {
        if let Some(slot) = deadline.slot.take() {
            self.remove(slot);
        }
    }

    /// After the entry of `deadline` was popped: puts it back if its time has not come yet.
    pub(crate) fn put_back(&mut self, deadline: &mut Deadline, mono_ms: u64, key: TimerKey) {
        deadline.slot = None;
        if !deadline.has_come(mono_ms) {
            deadline.slot = Some(self.insert(deadline.at_ms, key));
        }
    }

    /// When the first entry comes.
    pub(crate) fn next(&self) -> Option<u64> {
        self.queue.first_key_value().map(|(slot, _)| slot.due_ms)
    }

    /// The first entry, if its time has come.
    pub(crate) fn pop(&mut self, mono_ms: u64) -> Option<TimerKey> {
        let first = self.queue.first_entry()?;
        (first.key().due_ms <= mono_ms).then(|| first.remove())
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }
}
