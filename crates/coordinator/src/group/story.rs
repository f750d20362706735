//! What happened to a group since the process started.

use std::collections::BTreeMap;

use crate::cause::Cause;
use crate::group::{Group, Kind, Turn};
use crate::out::Event;
use crate::view::RebalanceView;

/// Counters, the rebalance that runs, and the last one that ended.
#[derive(Debug, Default)]
pub(crate) struct Story {
    pub(crate) commits: u64,
    pub(crate) rebalances: BTreeMap<Cause, u64>,
    pub(crate) last: Option<RebalanceView>,
    running: Option<(Cause, u64)>,
}

impl Group {
    /// A rebalance begins, or one that runs begins anew: that is one more, but the time is counted
    /// from the first.
    pub(super) fn rebalance_began(&mut self, turn: &mut Turn<'_>, cause: Cause) {
        *self.story.rebalances.entry(cause).or_default() += 1;
        if self.story.running.is_none() {
            self.story.running = Some((cause, turn.now.mono_ms));
        }
        turn.out.events.push(Event::RebalanceBegan {
            group: self.id.clone(),
            group_type: self.group_type(),
            cause,
        });
    }

    pub(super) fn rebalance_ended(&mut self, turn: &mut Turn<'_>) {
        let Some((cause, began_ms)) = self.story.running.take() else {
            return;
        };
        let took_ms = turn.now.mono_ms.saturating_sub(began_ms);
        let members = self.members.len();
        self.story.last = Some(RebalanceView {
            ended_at_ms: turn.now.wall_ms,
            took_ms,
            cause,
            members: u32::try_from(members).unwrap_or(u32::MAX),
        });
        turn.out.events.push(Event::RebalanceEnded {
            group: self.id.clone(),
            cause,
            took_ms,
            members,
            is_synced: matches!(self.kind, Kind::Classic) && members > 0,
        });
    }
}
