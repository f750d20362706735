//! One step of a group: what it changes is done at once and can be taken back.

use std::sync::Arc;

use super::{ConsumerGroup, Member, target_value};
use crate::after::{After, ConsumerAfter, Then};
use crate::assignor::Partitions;
use crate::cause::Cause;
use crate::limits::{Limits, Now};
use crate::out::Out;
use crate::record::{ConsumerChange, Record};
use crate::topics::Topics;
use crate::turn::Turn;

/// A step.
pub(super) struct Step<'a> {
    pub(super) id: Arc<str>,
    pub(super) group: &'a mut ConsumerGroup,
    pub(super) now: Now,
    pub(super) limits: &'a Limits,
    pub(super) topics: &'a Topics,
    records: Vec<Record>,
    undo: Vec<ConsumerChange>,
    /// Why the group's epoch went up.
    pub(super) cause: Option<Cause>,
}

impl<'a> Step<'a> {
    pub(super) fn new(id: &Arc<str>, group: &'a mut ConsumerGroup, turn: &Turn<'a>) -> Self {
        Self {
            id: Arc::clone(id),
            group,
            now: turn.now,
            limits: turn.limits,
            topics: turn.topics,
            records: Vec::new(),
            undo: Vec::new(),
            cause: None,
        }
    }

    pub(super) fn change(&mut self, change: ConsumerChange) {
        self.undo.push(self.group.inverse(&change));
        self.group.apply(&change);
        self.records.push(Record::Consumer {
            group: Arc::clone(&self.id),
            change,
        });
    }

    pub(super) fn set_metadata(&mut self, member: &Member) {
        let value = Box::new(member.metadata());
        self.change(ConsumerChange::Member(Arc::clone(&member.id), Some(value)));
    }

    pub(super) fn set_current(&mut self, member: &Member) {
        let value = member.current();
        self.change(ConsumerChange::Current(Arc::clone(&member.id), Some(value)));
    }

    pub(super) fn set_target(&mut self, member: &Arc<str>, partitions: &Partitions) {
        let value = target_value(partitions);
        self.change(ConsumerChange::Target(Arc::clone(member), Some(value)));
    }

    /// Removes a member and what it has.
    pub(super) fn remove(&mut self, member: &Arc<str>) {
        self.change(ConsumerChange::Current(Arc::clone(member), None));
        self.change(ConsumerChange::Target(Arc::clone(member), None));
        self.change(ConsumerChange::Member(Arc::clone(member), None));
    }

    /// Asks for what was changed to be written; `then` is done after that.
    pub(super) fn finish(self, out: &mut Out, then: Then) {
        let after = ConsumerAfter {
            group: self.id,
            undo: self.undo,
            then,
            cause: self.cause,
        };
        out.write(self.records, After::Consumer(Box::new(after)));
    }

    /// Whether there is nothing to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Takes everything back.
    pub(super) fn abandon(self) {
        self.group.undo(self.undo);
    }
}

impl ConsumerGroup {
    /// Takes changes back that were not written, the last one first.
    pub(crate) fn undo(&mut self, changes: Vec<ConsumerChange>) {
        for change in changes.iter().rev() {
            self.apply(change);
        }
        // Whatever was compared with the topics is compared again.
        self.topics_version = 0;
        self.matched.clear();
    }
}
