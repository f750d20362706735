//! Who is in the group.

use std::collections::HashSet;

use super::{Case, Draft};
use crate::group::{GroupState, GroupStatus};
use crate::verdict::Severity;
use crate::words;

/// So many generations within ten minutes are a loop.
pub(super) const GENERATIONS_MAX: u32 = 5;

pub(super) fn no_members(case: &Case<'_>) -> Option<Draft> {
    let group = case.group;
    if !group.members.is_empty() || group.state != GroupState::Empty {
        return None;
    }
    if group.protocol_type.is_empty() && group.status != GroupStatus::Stopped {
        // Its readers assign themselves: they are no members, and it is not late.
        return None;
    }
    let unread = group.lag_records();
    let seconds = case.since(group.state_since_ms);
    let since = words::seconds(seconds);
    let mut draft = if unread > 0 {
        Draft::finding(format!(
            "Nobody reads: it has had no members for {since}, and {} wait.",
            words::counted(unread, "record")
        ))
        .next("whether its processes run, and what they logged last")
    } else {
        Draft::note(format!(
            "It has had no members for {since}; nothing waits for it."
        ))
    };
    if let Some(last) = &group.activity.last_rebalance {
        let began = last.cause.replace('_', " ");
        draft = draft
            .shown(format!("the last rebalance began with {began}"))
            .text("last_rebalance_cause", last.cause.clone());
    }
    Some(
        draft
            .number("empty_seconds", seconds)
            .count("lag_records", unread),
    )
}

pub(super) fn rebalance_loop(case: &Case<'_>) -> Option<Draft> {
    let group = case.group;
    let generations = group.lately.generations;
    let suffers = case.lags || group.status == GroupStatus::NeverCommitted;
    if generations < GENERATIONS_MAX || !suffers || group.members.is_empty() {
        return None;
    }
    let mut draft = Draft::finding(format!(
        "It rebalances again and again, {generations} generations in 10 min; each time its members stop \
         reading.",
    ))
    .count("generations", generations.into())
    .number("window_seconds", 600.0);
    let counted = group.activity.rebalances.iter().filter(|(_, n)| *n > 0);
    let by_cause: Vec<String> = counted
        .map(|(cause, n)| format!("{} {}", cause.replace('_', " "), words::count(*n)))
        .collect();
    if !by_cause.is_empty() {
        draft = draft.shown(format!("since the start: {}", by_cause.join(", ")));
    }
    if let Some(last) = &group.activity.last_rebalance {
        draft = draft
            .shown(format!(
                "the last one took {}",
                words::seconds(last.took_seconds())
            ))
            .text("last_rebalance_cause", last.cause.clone());
    }
    Some(draft.next("members that crash or restart, max.poll.interval.ms, session.timeout.ms"))
}

pub(super) fn idle(case: &Case<'_>) -> Option<Draft> {
    let group = case.group;
    if group.state != GroupState::Stable {
        return None;
    }
    let owners: HashSet<&str> = group
        .partitions()
        .filter_map(|(_, p)| p.owner.as_deref())
        .collect();
    let idle = group.members.iter().filter(|m| {
        !owners.contains(m.id.as_str()) && m.assignment.iter().all(|(_, p)| p.is_empty())
    });
    let idle = idle.count() as u64;
    if idle == 0 {
        return None;
    }
    let partitions = group.partitions().filter(|(_, p)| p.owner.is_some());
    let partitions = partitions.count() as u64;
    let members = group.members.len() as u64;
    let draft = Draft::note(format!(
        "{} {} no partition: {} for {}, so more members do not help.",
        words::counted(idle, "member"),
        if idle == 1 { "has" } else { "have" },
        words::counted(members, "member"),
        words::counted(partitions, "partition"),
    ))
    .count("idle_members", idle)
    .count("members", members)
    .count("partitions", partitions);
    Some(if case.lags {
        draft
            .of(Severity::Attention)
            .next("more partitions, or less time per record in the members that have some")
    } else {
        draft
    })
}

pub(super) fn never_committed(case: &Case<'_>) -> Option<Draft> {
    let group = case.group;
    let owned = group.uncommitted_partitions() as u64;
    if group.members.is_empty() || owned == 0 {
        return None;
    }
    let any = group.last_commit_ms().is_some();
    let sentence = if any {
        "Some of its partitions have not been committed yet; their lag is not known, and not 0."
    } else {
        "It has not committed yet: a crash before its first commit makes it start anew by \
         auto.offset.reset, and its lag is not known."
    };
    let severity = match group.status {
        GroupStatus::NeverCommitted => Severity::Attention,
        _ => Severity::Ok,
    };
    let evidence = format!(
        "{} owned by a member, without a commit",
        words::counted(owned, "partition")
    );
    Some(
        Draft::new(severity, sentence)
            .shown(evidence)
            .count("uncommitted_partitions", owned)
            .next("enable.auto.commit, or the place where the application commits"),
    )
}
