//! The sessions of members.

use std::sync::Arc;

use super::ShareGroup;
use crate::after::ShareThen;
use crate::timers::{TimerKey, Timers};
use crate::turn::Turn;

impl ShareGroup {
    /// Sets the deadlines that follow from a step.
    pub(crate) fn clocks_after(&mut self, turn: &mut Turn<'_>, group: &Arc<str>, then: ShareThen) {
        match then {
            ShareThen::Nothing => {}
            ShareThen::Beat { member } => self.keep_alive(turn, group, &member),
            ShareThen::Gone { member } => self.stop_clock(turn.timers, &member),
        }
    }

    /// A member is given a full session.
    pub(crate) fn keep_alive(&mut self, turn: &mut Turn<'_>, group: &Arc<str>, member: &Arc<str>) {
        let in_ms = turn.limits.share_of(group).session_timeout_ms;
        let in_ms = u64::try_from(in_ms).unwrap_or(0);
        let at = turn.now.mono_ms.saturating_add(in_ms);
        let deadline = self.sessions.entry(Arc::clone(member)).or_default();
        let key = || TimerKey::Member(Arc::clone(group), Arc::clone(member));
        turn.timers.set(deadline, at, key);
    }

    /// The timer of a session went off; true if the session is over by now.
    pub(crate) fn session_over(
        &mut self,
        turn: &mut Turn<'_>,
        group: &Arc<str>,
        member: &Arc<str>,
    ) -> bool {
        let Some(deadline) = self.sessions.get_mut(member) else {
            return false;
        };
        let key = TimerKey::Member(Arc::clone(group), Arc::clone(member));
        turn.timers.put_back(deadline, turn.now.mono_ms, key);
        deadline.has_come(turn.now.mono_ms) && self.members.contains_key(member)
    }

    /// All members are given a full session, as after a restart.
    pub(crate) fn sessions_begin(&mut self, turn: &mut Turn<'_>, group: &Arc<str>) {
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        for member in &ids {
            self.keep_alive(turn, group, member);
        }
    }

    /// Lets go of all timers.
    pub(crate) fn stop_clocks(&mut self, timers: &mut Timers) {
        for (_, mut deadline) in self.sessions.drain() {
            timers.clear(&mut deadline);
        }
    }

    fn stop_clock(&mut self, timers: &mut Timers, member: &str) {
        if let Some(mut deadline) = self.sessions.remove(member) {
            timers.clear(&mut deadline);
        }
    }
}
