//! The deadlines of members: their sessions, and what they have to do by when.

use std::collections::HashMap;
use std::sync::Arc;

use super::ConsumerGroup;
use crate::after::Then;
use crate::limits::Limits;
use crate::timers::{Deadline, Slot, TimerKey, Timers};
use crate::turn::Turn;

/// What a member must do before its rebalance timeout is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Give partitions up, in this epoch.
    Revoke {
        /// The member's.
        epoch: i32,
    },
    /// Join again, over the classic protocol.
    Join,
    /// Fetch its assignment, over the classic protocol.
    Sync,
}

/// The deadlines of all members.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    members: HashMap<Arc<str>, Clock>,
}

#[derive(Debug, Default)]
struct Clock {
    session: Deadline,
    task: Option<(Task, Slot)>,
}

impl Clocks {
    fn keep_alive(&mut self, turn: &mut Turn<'_>, group: &Arc<str>, member: &Arc<str>, in_ms: i32) {
        let at = turn
            .now
            .mono_ms
            .saturating_add(u64::try_from(in_ms).unwrap_or(0));
        let clock = self.members.entry(Arc::clone(member)).or_default();
        let key = || TimerKey::Member(Arc::clone(group), Arc::clone(member));
        turn.timers.set(&mut clock.session, at, key);
    }

    /// Sets what a member must do next.
    fn set_task(
        &mut self,
        turn: &mut Turn<'_>,
        group: &Arc<str>,
        member: &Arc<str>,
        (task, in_ms): (Task, i32),
    ) {
        self.clear_task(turn.timers, member);
        let at = turn
            .now
            .mono_ms
            .saturating_add(u64::try_from(in_ms).unwrap_or(0));
        let key = TimerKey::Task(Arc::clone(group), Arc::clone(member));
        let slot = turn.timers.insert(at, key);
        self.members.entry(Arc::clone(member)).or_default().task = Some((task, slot));
    }

    fn clear_task(&mut self, timers: &mut Timers, member: &str) {
        if let Some(clock) = self.members.get_mut(member)
            && let Some((_, slot)) = clock.task.take()
        {
            timers.remove(slot);
        }
    }

    fn forget(&mut self, timers: &mut Timers, member: &str) {
        self.clear_task(timers, member);
        if let Some(mut clock) = self.members.remove(member) {
            timers.clear(&mut clock.session);
        }
    }

    /// The timer of a task went off.
    pub(super) fn task_over(&mut self, member: &str) -> Option<Task> {
        let (task, _) = self.members.get_mut(member)?.task.take()?;
        Some(task)
    }

    /// The timer of a session went off; true if the session is over by now.
    pub(super) fn session_over(
        &mut self,
        turn: &mut Turn<'_>,
        group: &Arc<str>,
        member: &Arc<str>,
    ) -> bool {
        let Some(clock) = self.members.get_mut(member) else {
            return false;
        };
        let key = TimerKey::Member(Arc::clone(group), Arc::clone(member));
        turn.timers
            .put_back(&mut clock.session, turn.now.mono_ms, key);
        clock.session.has_come(turn.now.mono_ms)
    }
}

impl ConsumerGroup {
    /// Sets the deadlines that follow from a step.
    pub(crate) fn clocks_after(&mut self, turn: &mut Turn<'_>, group: &Arc<str>, then: Then) {
        match then {
            Then::Nothing => {}
            Then::Beat {
                member,
                session_timeout_ms,
                moved,
            } => {
                self.clocks
                    .keep_alive(turn, group, &member, session_timeout_ms);
                if moved {
                    self.set_revoke_task(turn, group, &member);
                }
            }
            Then::Joined {
                member,
                session_timeout_ms,
                ..
            } => {
                self.clocks
                    .keep_alive(turn, group, &member, session_timeout_ms);
                let known = self.members.get(&member);
                let in_ms = known.map_or(session_timeout_ms, |m| m.rebalance_timeout_ms);
                self.clocks
                    .set_task(turn, group, &member, (Task::Sync, in_ms));
            }
            Then::Gone { members } => {
                for member in members {
                    self.clocks.forget(turn.timers, &member);
                }
            }
        }
        // A static member that was replaced, too.
        self.forget_strangers(turn);
    }

    fn forget_strangers(&mut self, turn: &mut Turn<'_>) {
        if self.clocks.members.len() <= self.members.len() {
            return;
        }
        let known = |id: &Arc<str>| self.members.contains_key(id);
        let gone = self.clocks.members.keys().filter(|id| !known(id));
        for member in gone.cloned().collect::<Vec<_>>() {
            self.clocks.forget(turn.timers, &member);
        }
    }

    fn set_revoke_task(&mut self, turn: &mut Turn<'_>, group: &Arc<str>, member: &Arc<str>) {
        match self.members.get(member) {
            Some(known) if known.must_revoke() => {
                let task = Task::Revoke { epoch: known.epoch };
                let in_ms = known.rebalance_timeout_ms;
                self.clocks.set_task(turn, group, member, (task, in_ms));
            }
            _ => self.clocks.clear_task(turn.timers, member),
        }
    }

    /// A member of the classic protocol is told to join again.
    pub(super) fn must_join(&mut self, turn: &mut Turn<'_>, group: &Arc<str>, member: &Arc<str>) {
        let clock = self.clocks.members.get(member);
        if clock.is_none_or(|clock| clock.task.is_none()) {
            let known = self.members.get(member);
            let in_ms = known.map_or(0, |m| m.rebalance_timeout_ms);
            self.clocks
                .set_task(turn, group, member, (Task::Join, in_ms));
        }
    }

    /// A member of the classic protocol has fetched its assignment.
    pub(super) fn synced(&mut self, turn: &mut Turn<'_>, member: &Arc<str>) {
        self.clocks.clear_task(turn.timers, member);
    }

    pub(super) fn keep_alive(&mut self, turn: &mut Turn<'_>, group: &Arc<str>, member: &Arc<str>) {
        let in_ms = self.session_timeout_ms(group, member, turn.limits);
        self.clocks.keep_alive(turn, group, member, in_ms);
    }

    fn session_timeout_ms(&self, group: &str, member: &str, limits: &Limits) -> i32 {
        let classic = self.members.get(member).and_then(|m| m.classic.as_ref());
        match classic {
            Some(classic) => classic.session_timeout_ms,
            None => limits.consumer_of(group).session_timeout_ms,
        }
    }

    /// All members are given a full session, as after a restart.
    pub(crate) fn sessions_begin(&mut self, turn: &mut Turn<'_>, group: &Arc<str>) {
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for member in &ids {
            self.keep_alive(turn, group, member);
            self.set_revoke_task(turn, group, member);
        }
    }

    /// Members that could not be removed stay for another session.
    pub(crate) fn give_time(
        &mut self,
        turn: &mut Turn<'_>,
        group: &Arc<str>,
        members: &[Arc<str>],
    ) {
        for member in members {
            self.keep_alive(turn, group, member);
        }
    }

    /// Lets go of all timers.
    pub(crate) fn stop_clocks(&mut self, timers: &mut Timers) {
        let ids: Vec<Arc<str>> = self.clocks.members.keys().cloned().collect();
        for member in ids {
            self.clocks.forget(timers, &member);
        }
    }
}
