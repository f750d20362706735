//! The tables, made from measurements alone.

use super::cases::{CASES, Session};
use super::goals::{CPU, Goal, RATE, ROWS, Row};
use super::raw::{Measured, Values};
use super::side::Side;
use crate::statistics::spread;

/// What each run cost, by the names of the values.
const COSTS: [(&str, &str); 6] = [
    ("broker_cpu_s", "broker CPU s"),
    (CPU, "per million records"),
    ("cpu_s_per_gb", "per GB"),
    ("voluntary_switches", "switches, voluntary"),
    ("involuntary_switches", "involuntary"),
    ("resident_mib", "resident after, MiB"),
];

/// All of it, in Markdown.
#[must_use]
pub fn markdown(measured: &Measured) -> String {
    let mut out = heading(measured);
    out.push_str(&goals(measured, Side::Kafka));
    if measured.runs.iter().any(|run| run.side == Side::KafkaTuned) {
        let settings = measured.setup.settings.get(&Side::KafkaTuned);
        let settings = settings.map_or("", String::as_str);
        out.push_str(&format!("\nBeside Apache Kafka with `{settings}`:\n\n"));
        out.push_str(&goals(measured, Side::KafkaTuned));
    }
    out.push_str(&matrix(measured));
    out.push_str(&costs(measured));
    if !measured.failed.is_empty() {
        out.push_str("\nNot measured:\n\n");
    }
    for failed in &measured.failed {
        let first = failed.error.lines().next().unwrap_or_default();
        let (side, case, pair) = (failed.side.title(), &failed.case, failed.pair + 1);
        out.push_str(&format!("- {case}, {side}, pair {pair}: {first}\n"));
    }
    out
}

fn heading(measured: &Measured) -> String {
    let setup = &measured.setup;
    let runs = measured.runs.iter();
    let whole = runs.map(|run| run.pair + 1).max().unwrap_or(0);
    let (kafka, limpid) = (Side::Kafka, Side::Limpid);
    let settings = |side| setup.settings.get(&side).map_or("", String::as_str);
    format!(
        "{}. {}.\n{}.\nAsked for: {}; begun: {whole}. {}: {}. {}: {}.\n\n\
         Each pair is a fresh directory and a process for each broker, in turns, both warmed; the order \
         changes from pair to pair. Numbers are medians, × is the median of the ratios within the pairs, \
         with the least and the most; a goal is judged by the median ratio. End to end is measured with \
         sockets of the harness's own too because Kafka's tool tells whole milliseconds; by the clock \
         means that a record counts from the moment at which it was due.\n\n",
        setup.began,
        setup.machine,
        setup.versions,
        setup.asked,
        kafka.title(),
        settings(kafka),
        limpid.title(),
        settings(limpid),
    )
}

/// The goals beside what was measured; rows without measurements are left out.
fn goals(measured: &Measured, them: Side) -> String {
    let rows: Vec<String> = ROWS
        .iter()
        .filter_map(|row| goal(measured, them, row))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "| work | {} | Limpid | × | goal | |\n|---|---:|---:|---:|---|---|\n{}",
        them.title(),
        rows.concat()
    )
}

fn goal(measured: &Measured, them: Side, row: &Row) -> Option<String> {
    let judged = row.judge(measured, them)?;
    let verdict = match judged.met {
        None => "",
        Some(true) => "met",
        Some(false) => "**not met**",
    };
    let ratio = judged.ratio;
    Some(format!(
        "| {} | {} | {} | {} ({}–{}) | {} | {verdict} |\n",
        row.title,
        number(judged.theirs),
        number(judged.ours),
        number(ratio.median),
        number(ratio.least),
        number(ratio.most),
        row.goal.map_or_else(String::new, Goal::words),
    ))
}

/// One dimension at a time.
fn matrix(measured: &Measured) -> String {
    let mut out = String::new();
    for case in CASES.iter().filter(|case| case.session == Session::Matrix) {
        let row = |value, title| Row {
            case: case.name,
            value,
            title,
            goal: None,
        };
        let judge = |value| row(value, "").judge(measured, Side::Kafka);
        let (Some(rate), Some(cpu)) = (judge(RATE), judge(CPU)) else {
            continue;
        };
        if out.is_empty() {
            out.push_str(
                "\nOne dimension at a time from 100 B, 6 partitions, acks=1, no compression, plaintext, \
                 with librdkafka (the last two: Java's producer):\n\n\
                 | | Kafka, records/s | Limpid | × | Kafka, CPU s per million | Limpid | × |\n\
                 |---|---:|---:|---:|---:|---:|---:|\n",
            );
        }
        let name = case.name.trim_start_matches("matrix-");
        out.push_str(&format!("| {name} |"));
        for judged in [rate, cpu] {
            let (theirs, ours) = (number(judged.theirs), number(judged.ours));
            let ratio = judged.ratio;
            let (median, least, most) = (ratio.median, ratio.least, ratio.most);
            let (median, least, most) = (number(median), number(least), number(most));
            out.push_str(&format!(" {theirs} | {ours} | {median} ({least}–{most}) |"));
        }
        out.push('\n');
    }
    out
}

/// What the broker spent in each case.
fn costs(measured: &Measured) -> String {
    let mut names: Vec<&str> = Vec::new();
    for run in &measured.runs {
        if run.values.contains_key("broker_cpu_s") && !names.contains(&run.case.as_str()) {
            names.push(&run.case);
        }
    }
    if names.is_empty() {
        return String::new();
    }
    let titles: Vec<&str> = COSTS.iter().map(|(_, title)| *title).collect();
    let mut out = format!(
        "\nWhat it cost the broker (medians; switches of threads that lived to the end):\n\n\
         | case | broker | {} |\n|---|---|{}\n",
        titles.join(" | "),
        "---:|".repeat(COSTS.len())
    );
    for name in names {
        for side in Side::all(true) {
            let cells: Vec<String> = COSTS
                .iter()
                .map(|(value, _)| {
                    let values = measured.values(side, name, value);
                    let values: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
                    spread(&values).map_or_else(String::new, |spread| number(spread.median))
                })
                .collect();
            if cells.iter().any(|cell| !cell.is_empty()) {
                out.push_str(&format!(
                    "| {name} | {} | {} |\n",
                    side.name(),
                    cells.join(" | ")
                ));
            }
        }
    }
    out
}

/// The most telling values of a measurement, for a line of progress.
#[must_use]
pub fn in_short(values: &Values) -> String {
    let names = [
        RATE,
        "mean_ms",
        "p99_ms",
        "p999_ms",
        CPU,
        "empty_ms",
        "existing_ms",
        "idle_mib",
        "after_mib",
    ];
    let told: Vec<String> = names
        .iter()
        .filter_map(|name| Some(format!("{name} {}", number(*values.get(*name)?))))
        .collect();
    told.join(", ")
}

/// Three digits at least, thousands apart.
fn number(value: f64) -> String {
    if value.abs() < 10.0 {
        let digits = if value.abs() < 1.0 { 3 } else { 2 };
        return format!("{value:.digits$}");
    }
    if value.abs() < 100.0 {
        return format!("{value:.1}");
    }
    let plain = format!("{:.0}", value.abs());
    let mut apart = String::new();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at) % 3 == 0 {
            apart.push(',');
        }
        apart.push(digit);
    }
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{apart}")
}

#[cfg(test)]
mod tests;
