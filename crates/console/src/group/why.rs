//! A group for a shell: `limpid why GROUP`.

use limpid_cluster::words;

use super::GroupPage;
use crate::text::{Text, capital, cut, maybe};

/// Partitions that are listed.
const PARTITIONS_MAX: usize = 8;
/// Members that are listed.
const MEMBERS_MAX: usize = 8;

/// The group, its causes, its partitions and members.
pub(crate) fn why(group: &GroupPage) -> String {
    let mut text = Text::default();
    let id = if group.id.is_empty() {
        "(empty id)"
    } else {
        &group.id
    };
    text.line(&format!("{id}: {}", group.word));
    text.sentence("  ", &capital(&group.summary));
    text.sentence(
        "  ",
        &format!(
            "State {} for {}, generation {}, numbers of {}.",
            group.state.as_str(),
            words::seconds(group.state_seconds),
            group.generation,
            words::time_of_day(group.taken_at_ms)
        ),
    );
    countdowns(&mut text, group);
    text.head("Why");
    if group.causes.is_empty() {
        text.line("  Nothing stands out.");
    }
    for cause in group.causes.iter().map(|cause| &cause.found) {
        text.sentence("  * ", &cause.sentence);
        for evidence in &cause.evidence {
            text.sentence("      ", evidence);
        }
        if !cause.next.is_empty() {
            text.sentence("    > check ", &cause.next);
        }
    }
    partitions(&mut text, group);
    members(&mut text, group);
    if let Some(last) = &group.activity.last_rebalance {
        text.head("Last rebalance");
        text.sentence(
            "  ",
            &format!(
                "{} ago, began with {}, took {}, left {}",
                words::seconds(group.ago(&last.ended_at_ms)),
                last.cause.replace('_', " "),
                words::seconds(last.took_ms as f64 / 1000.0),
                words::counted(u64::from(last.members), "member")
            ),
        );
    }
    text.done()
}

/// When it has caught up, and what comes first if it does not.
fn countdowns(text: &mut Text, group: &GroupPage) {
    let mut lines = Vec::new();
    if let Some(eta) = group.eta_seconds.filter(|eta| *eta > 0.0) {
        lines.push(format!("It has caught up in {}.", words::seconds(eta)));
    } else if group.eta_seconds.is_none() && group.lag_records.unwrap_or(0) > 0 {
        lines.push("It is not to be seen when it has caught up.".to_owned());
    }
    if let Some(first) = group.first_overtaken() {
        lines.push(format!(
            "Retention reaches what it has not read of {} in {}.",
            first.topic,
            words::seconds(first.seconds)
        ));
    }
    if let Some(at_ms) = group.offsets_expire_at_ms {
        let left = words::seconds(group.until(&at_ms));
        lines.push(format!("Its commits begin to expire in {left}."));
    }
    for line in lines {
        text.sentence("  ", &line);
    }
}

fn partitions(text: &mut Text, group: &GroupPage) {
    if group.partitions.is_empty() {
        return;
    }
    text.head("Partitions, furthest behind first");
    let mut rows = vec![
        ["", "committed", "end", "behind", "oldest waits"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for row in group.partitions.iter().take(PARTITIONS_MAX) {
        let p = &row.partition;
        let offset = |n: i64| words::count(n.unsigned_abs());
        rows.push(vec![
            format!("{}-{}", row.topic, p.partition),
            match &p.committed {
                Some(committed) => offset(committed.offset),
                None => "not yet".to_owned(),
            },
            maybe(p.end_offset, offset),
            maybe(p.lag, |lag| words::count(lag.records)),
            maybe(p.lag.and_then(|lag| lag.seconds), words::seconds),
        ]);
    }
    text.table(&rows);
    let more = group.partition_count.saturating_sub(PARTITIONS_MAX);
    if more > 0 {
        text.line(&format!("  and {more} more"));
    }
}

fn members(text: &mut Text, group: &GroupPage) {
    text.head(&format!("Members: {}", group.members.len()));
    if group.members.is_empty() {
        return;
    }
    let mut rows = vec![
        ["", "host", "partitions", "behind"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for row in group.members.iter().take(MEMBERS_MAX) {
        rows.push(vec![
            row.member.client_id.clone(),
            cut(&row.member.host, 24),
            row.partitions.to_string(),
            maybe(row.lag_records, words::count),
        ]);
    }
    text.table(&rows);
    let more = group.members.len().saturating_sub(MEMBERS_MAX);
    if more > 0 {
        text.line(&format!("  and {more} more"));
    }
}
