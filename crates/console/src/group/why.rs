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
    text.head("Why");
    if group.causes.is_empty() {
        text.line("  Nothing stands out.");
    }
    for cause in &group.causes {
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
    text.head("Not looked at yet");
    text.sentence(
        "  ",
        "time between polls, quotas, open transactions, the log of its processes",
    );
    text.done()
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
