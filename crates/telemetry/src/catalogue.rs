//! The catalogue of all metrics: `limpid metrics list`, METRICS.md and the naming lint.
//!
//! It needs no running broker: who composes the server gathers the declarations of every crate.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::declare::{Declaration, Kind};
use crate::label::Domain;

/// Declarations of several crates, by name.
#[derive(Debug, Default)]
pub struct Catalogue {
    all: BTreeMap<&'static str, &'static Declaration>,
    twice: Vec<&'static str>,
    /// Dialects that a family belongs to.
    dialects: BTreeMap<&'static str, Vec<&'static str>>,
}

impl Catalogue {
    /// An empty one.
    pub fn new() -> Self {
        Catalogue::default()
    }

    /// One with everything that telemetry declares itself.
    pub fn with_own() -> Self {
        let own = Catalogue::new().with(crate::own::OwnMetrics::DECLARATIONS);
        let own = own.with(crate::ring::RingMetrics::DECLARATIONS);
        let own = own.with_families(crate::pools::families::ALL);
        let own = own.with_families(crate::process::families::ALL);
        own.with_families(crate::logging::families::ALL)
    }

    /// Adds what [`metrics!`](crate::metrics) declared: `LogMetrics::DECLARATIONS`.
    #[must_use]
    pub fn with(mut self, declarations: &'static [Declaration]) -> Self {
        declarations.iter().for_each(|d| self.insert(d));
        self
    }

    /// Adds what [`families!`](crate::families) declared: `families::ALL`.
    #[must_use]
    pub fn with_families(mut self, families: &[&'static Declaration]) -> Self {
        families.iter().for_each(|d| self.insert(d));
        self
    }

    /// Adds families whose names somebody else chose. Two dialects may have a family in common.
    #[must_use]
    pub fn with_dialect(
        mut self,
        dialect: &'static str,
        families: &[&'static Declaration],
    ) -> Self {
        for family in families {
            let known = self.all.get(family.name);
            if !known.is_some_and(|known| std::ptr::eq(*known, *family)) {
                self.insert(family);
            }
            self.dialects.entry(family.name).or_default().push(dialect);
        }
        self
    }

    /// The dialects of a family, with commas.
    fn dialects(&self, d: &Declaration) -> String {
        let dialects = self.dialects.get(d.name);
        dialects.map_or_else(String::new, |dialects| dialects.join(","))
    }

    fn insert(&mut self, declaration: &'static Declaration) {
        if self.all.insert(declaration.name, declaration).is_some() {
            self.twice.push(declaration.name);
        }
    }

    /// Sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &'static Declaration> + '_ {
        self.all.values().copied()
    }

    /// Whether a family of this name is declared.
    pub fn contains(&self, name: &str) -> bool {
        self.all.contains_key(name)
    }

    /// A table for terminals: name, type, dialects, labels, help, JMX names.
    pub fn to_table(&self) -> String {
        let heads = ["NAME", "TYPE", "DIALECT", "LABELS", "HELP", "JMX"].map(str::to_owned);
        let rows = self.iter().map(|d| {
            let jmx: Vec<&str> = d.mbeans.iter().map(|m| m.object).collect();
            let kind = d.kind.exposition().to_owned();
            [
                d.name.to_owned(),
                kind,
                self.dialects(d),
                labels(d),
                d.help().to_owned(),
                jmx.join(" "),
            ]
        });
        let rows: Vec<[String; 6]> = std::iter::once(heads).chain(rows).collect();
        let width = |at: usize| {
            rows.iter()
                .map(|r| r[at].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths = [width(0), width(1), width(2), width(3), width(4)];
        let mut out = String::new();
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                write!(line, "{cell:width$}  ").expect("writing to a string");
            }
            line.push_str(&row[5]);
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// METRICS.md, by declaring crate.
    pub fn to_markdown(&self) -> String {
        let mut by_owner: BTreeMap<&str, Vec<&Declaration>> = BTreeMap::new();
        for d in self.all.values() {
            by_owner.entry(d.owner()).or_default().push(d);
        }
        let mut out = String::from(INTRODUCTION);
        for (owner, declarations) in by_owner {
            write!(out, "\n## {}\n\n{TABLE_HEAD}", owner.replace('_', "-")).expect("a string");
            for d in declarations {
                out.push_str(&markdown_row(d, &self.dialects(d)));
            }
        }
        out
    }

    /// What is wrong with our own names: the rules of `promtool check metrics`, and a name that is
    /// declared twice. Names of other exporters are theirs and not looked at.
    pub fn lint(&self) -> Vec<String> {
        let mut findings: Vec<String> = self
            .twice
            .iter()
            .map(|name| format!("{name}: declared twice"))
            .collect();
        for d in self.iter().filter(|d| d.name.starts_with("limpid_")) {
            findings.extend(lint(d).map(|text| format!("{}: {text}", d.name)));
        }
        findings
    }
}

const INTRODUCTION: &str = "# Metrics\n\n\
    Every family that Limpid declares, by the crate that counts it. Generated from the declarations\n\
    (`limpid metrics list` prints the same without a broker); do not edit by hand. A label with a\n\
    number has at most so many values: the label sets beyond it share the value `other`. A family with\n\
    a dialect has the name that somebody else gave it, and is shown where `limpid.metrics.dialects`\n\
    names that dialect, or at `/metrics?dialect=NAME`.\n";

const TABLE_HEAD: &str =
    "| name | type | dialect | labels | meaning | JMX |\n| --- | --- | --- | --- | --- | --- |\n";

fn labels(d: &Declaration) -> String {
    let label = |l: &crate::LabelDeclaration| match l.domain {
        Domain::Enum(_) => l.name.to_owned(),
        Domain::Text(cap) => format!("{}({cap})", l.name),
    };
    d.labels.iter().map(label).collect::<Vec<_>>().join(",")
}

fn markdown_row(d: &Declaration, dialects: &str) -> String {
    let escaped = |text: &str| text.replace('|', "\\|");
    let jmx: Vec<String> = d.mbeans.iter().map(|m| format!("`{}`", m.object)).collect();
    let row = format!(
        "| `{}` | {} | {} | {} | {} | {} |\n",
        d.name,
        d.kind.exposition(),
        dialects,
        escaped(&labels(d)),
        escaped(d.help()),
        escaped(&jmx.join(" ")),
    );
    row.replace("|  |", "| |").replace("|  |", "| |")
}

/// Units that promtool wants written as base units or in full.
const BAD_UNITS: &[&str] = &[
    "s",
    "ms",
    "us",
    "ns",
    "sec",
    "b",
    "kb",
    "mb",
    "gb",
    "tb",
    "pb",
    "m",
    "h",
    "d",
    "milliseconds",
    "microseconds",
    "nanoseconds",
    "minutes",
    "hours",
    "days",
    "weeks",
    "bits",
    "kilobytes",
    "megabytes",
    "gigabytes",
    "kibibytes",
    "mebibytes",
    "gibibytes",
    "percent",
];

const TYPE_WORDS: &[&str] = &["counter", "gauge", "histogram", "summary"];

fn lint(d: &Declaration) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    let counts = matches!(d.kind, Kind::Counter | Kind::FloatCounter);
    if d.help().is_empty() || !d.help().ends_with('.') {
        found.push("help is not a sentence".to_owned());
    }
    if counts != d.name.ends_with("_total") {
        found.push("`_total` belongs to counters and to them alone".to_owned());
    }
    if ["_count", "_sum", "_bucket"]
        .iter()
        .any(|end| d.name.ends_with(end))
    {
        found.push("ends like a series of a histogram".to_owned());
    }
    if !d
        .name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    {
        found.push("is not snake_case".to_owned());
    }
    for word in d.name.split('_') {
        if BAD_UNITS.contains(&word) {
            found.push(format!("unit `{word}` is not a base unit in full"));
        }
        if TYPE_WORDS.contains(&word) {
            found.push(format!("has the type `{word}` in its name"));
        }
    }
    for label in d.labels {
        let snake = label
            .name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b == b'_');
        if !snake || label.name == "le" || label.name == "quantile" {
            found.push(format!(
                "label `{}` is reserved or not snake_case",
                label.name
            ));
        }
    }
    if !d.buckets.is_sorted_by(|a, b| a < b) {
        found.push("buckets do not rise".to_owned());
    }
    found.into_iter()
}

#[cfg(test)]
mod tests;
