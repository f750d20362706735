//! How a member gets from what it has to what it is to have.
//!
//! ```text
//!             target takes partitions away           they are given up
//!   Stable ─────────────────────────────► Unrevoked ──────────────────┐
//!     ▲  ▲                                                            ▼
//!     │  └──────────────────────────── (next target) ◄────────────────┤
//!     │        all of them are free                                   │ others have some of the
//!     └─────────────────────────────── Unreleased ◄───────────────────┘ target's partitions
//! ```
//! While it is asked to give something up, a member stays in its epoch. Only then it enters the
//! target's, and gets what is free; the rest follows as others let go.

use std::collections::BTreeSet;

use limpid_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use limpid_protocol::{ErrorCode, Uuid};

use super::{ConsumerGroup, Member, MemberState, Owned};
use crate::assignor::Partitions;

/// What a member is to be brought to.
pub(super) struct Goal<'a> {
    pub(super) epoch: i32,
    pub(super) target: &'a Partitions,
    /// The topics that it reads now; those of an older target may be others.
    pub(super) topics: &'a BTreeSet<Uuid>,
    /// The subscription has just changed.
    pub(super) resubscribed: bool,
    /// What the member says it has; `None` if it says nothing.
    pub(super) has: Option<&'a [TopicPartitions]>,
}

impl ConsumerGroup {
    /// The member one step further, or as it is.
    ///
    /// # Errors
    /// It is in a state of a later version: it has to begin anew.
    pub(super) fn reconcile(&self, member: &Member, goal: &Goal<'_>) -> Result<Member, ErrorCode> {
        if !goal.resubscribed && member.is_at(goal.epoch) {
            return Ok(member.clone());
        }
        match member.state {
            MemberState::Stable if member.epoch == goal.epoch => {
                Ok(drop_unsubscribed(member, goal))
            }
            MemberState::Unrevoked if goal.has_any(&member.revoking) => Ok(if goal.resubscribed {
                drop_unsubscribed(member, goal)
            } else {
                member.clone()
            }),
            MemberState::Stable | MemberState::Unrevoked | MemberState::Unreleased => {
                Ok(self.next(member, goal))
            }
            MemberState::Unknown if goal.has.is_some_and(<[_]>::is_empty) => {
                Ok(self.next(member, goal))
            }
            MemberState::Unknown => Err(ErrorCode::FencedMemberEpoch),
        }
    }

    fn next(&self, member: &Member, goal: &Goal<'_>) -> Member {
        let none = BTreeSet::new();
        let (mut assigned, mut revoking, mut gains) = (Owned::new(), Owned::new(), Owned::new());
        let mut must_wait = false;
        let topics: BTreeSet<Uuid> = goal
            .target
            .keys()
            .chain(member.assigned.keys())
            .copied()
            .collect();
        for topic in topics {
            let target = goal.target.get(&topic).unwrap_or(&none);
            let target = if goal.topics.contains(&topic) {
                target
            } else {
                &none
            };
            let has = member.assigned.get(&topic);
            for (partition, epoch) in has.into_iter().flatten() {
                let kept = target.contains(partition);
                let to = if kept { &mut assigned } else { &mut revoking };
                to.entry(topic).or_default().insert(*partition, *epoch);
            }
            for partition in target {
                if has.is_some_and(|has| has.contains_key(partition)) {
                    continue;
                }
                // What it was asked to give up and still has is free for itself.
                let own = member.revoking.get(&topic);
                let own = own.is_some_and(|own| own.contains_key(partition));
                if self.is_taken(topic, *partition) && !own {
                    must_wait = true;
                } else {
                    gains
                        .entry(topic)
                        .or_default()
                        .insert(*partition, goal.epoch);
                }
            }
        }
        let mut next = member.clone();
        next.assigned = assigned;
        if goal.has_any(&revoking) {
            next.state = MemberState::Unrevoked;
            next.advance(member.epoch);
            next.revoking = revoking;
            return next;
        }
        for (topic, partitions) in gains {
            next.assigned.entry(topic).or_default().extend(partitions);
        }
        next.state = if must_wait {
            MemberState::Unreleased
        } else {
            MemberState::Stable
        };
        next.advance(goal.epoch);
        next.revoking.clear();
        next
    }
}

/// Takes away what the member does not read any more, before there is a new target.
fn drop_unsubscribed(member: &Member, goal: &Goal<'_>) -> Member {
    let (kept, gone): (Owned, Owned) = member
        .assigned
        .clone()
        .into_iter()
        .partition(|(topic, _)| goal.topics.contains(topic));
    if gone.is_empty() {
        return member.clone();
    }
    let mut revoking = member.revoking.clone();
    for (topic, partitions) in gone {
        revoking.entry(topic).or_default().extend(partitions);
    }
    let mut next = member.clone();
    next.assigned = kept;
    next.advance(member.epoch);
    if goal.has_any(&revoking) {
        next.state = MemberState::Unrevoked;
        next.revoking = revoking;
    }
    next
}

impl Goal<'_> {
    /// Whether the member (still) has any of these. One that says nothing is believed to have them.
    fn has_any(&self, partitions: &Owned) -> bool {
        if partitions.is_empty() {
            return false;
        }
        let Some(has) = self.has else {
            return true;
        };
        has.iter().any(|topic| {
            let wanted = partitions.get(&topic.topic_id);
            wanted.is_some_and(|wanted| topic.partitions.iter().any(|p| wanted.contains_key(p)))
        })
    }
}
