//! What happened to a group.

use std::collections::BTreeMap;

use super::{EventKind, Found};
use crate::group::{Group, Member};

/// Most members that are named in one event.
const NAMED_MAX: usize = 4;

pub(super) fn compare(before: Option<&Group>, now: &Group, found: &mut Found) {
    let Some(before) = before else {
        let members = now.members.len();
        return found.add(
            EventKind::Created,
            None,
            format!("seen first, with {members} members"),
        );
    };
    if before.state != now.state {
        let what = format!("{} became {}", before.state.as_str(), now.state.as_str());
        found.add(EventKind::StateChanged, None, what);
    }
    members(before, now, found);
    if before.activity.last_rebalance != now.activity.last_rebalance
        && let Some(last) = &now.activity.last_rebalance
    {
        let what = format!(
            "generation {} after {} ms, begun by {}, with {} members",
            now.generation, last.took_ms, last.cause, last.members
        );
        found.add(EventKind::Rebalanced, None, what);
    }
    offsets(before, now, found);
    if before.status != now.status {
        let what = format!("{} became {}", before.status.as_str(), now.status.as_str());
        found.add(EventKind::StatusChanged, None, what);
    }
}

fn members(before: &Group, now: &Group, found: &mut Found) {
    let missing = |of: &Group, from: &Group| -> Vec<String> {
        let there = |member: &Member| from.members.iter().any(|one| one.id == member.id);
        let missing = of.members.iter().filter(|member| !there(member));
        missing
            .map(|one| format!("{} from {}", one.client_id, one.host))
            .collect()
    };
    for (kind, names) in [
        (EventKind::MembersJoined, missing(now, before)),
        (EventKind::MembersLeft, missing(before, now)),
    ] {
        if names.is_empty() {
            continue;
        }
        let more = names.len().saturating_sub(NAMED_MAX);
        let mut what = names
            .iter()
            .take(NAMED_MAX)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        if more > 0 {
            what.push_str(&format!(" and {more} more"));
        }
        found.add(kind, None, what);
    }
}

fn offsets(before: &Group, now: &Group, found: &mut Found) {
    let commits = |group: &Group| -> BTreeMap<(String, i32), i64> {
        let committed = group.partitions().filter_map(|(topic, partition)| {
            let offset = partition.committed.as_ref()?.offset;
            Some(((topic.to_owned(), partition.partition), offset))
        });
        committed.collect()
    };
    let nobody_read = before.members.is_empty() && now.members.is_empty();
    let (was, is) = (commits(before), commits(now));
    for ((topic, partition), offset) in &was {
        let what = match is.get(&(topic.clone(), *partition)) {
            None => {
                let what = format!("the commit of {topic}-{partition} at {offset} is gone");
                found.add(EventKind::OffsetsGone, Some(*partition), what);
                continue;
            }
            Some(new) if new < offset => format!("{topic}-{partition} from {offset} back to {new}"),
            Some(new) if new > offset && nobody_read => {
                format!("{topic}-{partition} from {offset} on to {new}, without members")
            }
            Some(_) => continue,
        };
        found.add(EventKind::OffsetReset, Some(*partition), what);
    }
}
