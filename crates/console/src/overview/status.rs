//! A cluster for a shell: `limpid status`.

use limpid_cluster::verdict::Severity;
use limpid_cluster::words;

use super::Overview;
use crate::text::{Text, maybe};

/// Verdict, rates, groups and buffers.
pub(super) fn status(cluster: &Overview) -> String {
    let mut text = Text::default();
    let word = match cluster.verdict.severity {
        Severity::Ok => "healthy",
        other => other.as_str(),
    };
    text.line(&format!("{}: {word}", cluster.cluster));
    text.sentence("  ", &cluster.verdict.sentence);
    for finding in &cluster.verdict.findings {
        text.sentence("  * ", &finding.sentence);
        for evidence in &finding.evidence {
            text.sentence("      ", evidence);
        }
    }
    if cluster.verdict.findings_left_out > 0 {
        text.line(&format!("  and {} more", cluster.verdict.findings_left_out));
    }
    text.sentence(
        "  ",
        &format!(
            "Numbers of {}, {} old.",
            words::time_of_day(cluster.taken_at_ms),
            words::seconds(cluster.age_seconds)
        ),
    );
    rates(&mut text, cluster);
    groups(&mut text, cluster);
    buffers(&mut text, cluster);
    text.done()
}

fn rates(text: &mut Text, cluster: &Overview) {
    text.head("Now");
    let rows = [
        (
            "records in",
            maybe(cluster.rates.records_in, words::per_second),
        ),
        (
            "bytes in",
            maybe(cluster.rates.bytes_in, words::bytes_per_second),
        ),
        (
            "bytes out",
            maybe(cluster.rates.bytes_out, words::bytes_per_second),
        ),
        (
            "requests",
            maybe(cluster.requests_per_second, words::per_second),
        ),
        ("connections", words::count(cluster.connections)),
        ("partitions", words::count(cluster.partitions as u64)),
        ("offline", words::count(cluster.offline_partitions as u64)),
    ];
    let rows = rows.map(|(name, value)| vec![name.to_owned(), value]);
    text.table(&rows);
}

fn groups(text: &mut Text, cluster: &Overview) {
    text.head(&format!("Groups, worst first: {}", cluster.groups_total));
    if cluster.groups.is_empty() {
        return;
    }
    let head = ["", "status", "members", "behind", "oldest waits"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for group in &cluster.groups {
        rows.push(vec![
            group.id.clone(),
            group.word.to_owned(),
            group.members.to_string(),
            maybe(group.lag_records, words::count),
            maybe(group.lag_seconds, words::seconds),
        ]);
    }
    text.table(&rows);
    let more = cluster.groups_total - cluster.groups.len();
    if more > 0 {
        text.line(&format!("  and {more} more"));
    }
}

fn buffers(text: &mut Text, cluster: &Overview) {
    text.head("Buffers");
    let head = ["", "used", "limit", "most so far", "waited for"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for row in &cluster.buffers {
        let buffer = &row.buffer;
        rows.push(vec![
            buffer.pool.clone(),
            words::bytes(buffer.used_bytes),
            words::bytes(buffer.limit_bytes),
            words::bytes(buffer.high_water_bytes),
            words::seconds(buffer.wait_seconds),
        ]);
    }
    text.table(&rows);
}
