//! What is said of a file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::families::Families;
use crate::read::Queries;
use crate::verdict::{Verdict, check};

/// What becomes of all expressions of a file.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub struct Report {
    /// How many find series with the dialects that are on.
    pub works: usize,
    /// How many do once some dialects are on, too.
    pub works_with: usize,
    /// These dialects.
    pub dialects: BTreeSet<String>,
    /// Labels that the scrape job must set, with the values asked for.
    pub job_labels: BTreeMap<String, BTreeSet<String>>,
    /// Those that ask for what comes from elsewhere: where they stand, and why.
    pub foreign: Vec<Finding>,
    /// Those that stay empty.
    pub empty: Vec<Finding>,
    /// Those of which nobody can tell.
    pub unread: Vec<Finding>,
}

/// An expression that finds nothing.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Finding {
    /// Where it stands in the file.
    pub place: String,
    /// Why it finds nothing.
    pub reason: String,
}

impl Report {
    /// Holds all expressions against the families; `on` are the dialects that a broker speaks.
    pub fn of(queries: &Queries, families: &Families, on: &[&str]) -> Self {
        let mut report = Report::default();
        let mut needed = BTreeSet::new();
        for query in &queries.all {
            let finding = |reason| Finding {
                place: query.place.clone(),
                reason,
            };
            match check(&query.text, families, on) {
                Verdict::Works { needs, job_labels } => {
                    for (label, value) in job_labels {
                        report.job_labels.entry(label).or_default().insert(value);
                    }
                    match needs.is_empty() {
                        true => report.works += 1,
                        false => report.works_with += 1,
                    }
                    needed.extend(needs);
                }
                Verdict::Foreign { series, reason } => report.foreign.push(Finding {
                    place: format!("{} ({series})", query.place),
                    reason: reason.to_owned(),
                }),
                Verdict::Empty(reason) => report.empty.push(finding(reason)),
                Verdict::Unread(reason) => report.unread.push(finding(reason)),
            }
        }
        report.dialects = fewest(needed);
        report
    }

    /// Whether something of Kafka's stays empty, or needs a dialect that is not on.
    pub fn has_findings(&self) -> bool {
        !(self.dialects.is_empty() && self.empty.is_empty() && self.unread.is_empty())
    }

    /// For people; `on` are the dialects that were taken to be on.
    pub fn to_text(&self, on: &[&str]) -> String {
        let mut out = String::new();
        let mut say = |line: String| writeln!(out, "{line}").expect("writing to a string");
        say(format!("  {} work", self.works));
        let with = self.works_with;
        if with > 0 {
            let all = on
                .iter()
                .copied()
                .chain(self.dialects.iter().map(String::as_str));
            let all: Vec<&str> = all.collect();
            say(format!(
                "  {with} work with limpid.metrics.dialects={}",
                all.join(",")
            ));
        }
        for (title, findings) in [
            ("come from elsewhere", &self.foreign),
            ("stay empty", &self.empty),
            ("can't be told", &self.unread),
        ] {
            let mut by_reason = BTreeMap::<&str, BTreeSet<&str>>::new();
            for finding in findings {
                let places = by_reason.entry(&finding.reason).or_default();
                places.insert(&finding.place);
            }
            if !findings.is_empty() {
                say(format!("  {} {title}", findings.len()));
            }
            for (reason, places) in by_reason {
                let places: Vec<&str> = places.into_iter().collect();
                say(format!("    {reason}"));
                say(format!("      {}", places.join(", ")));
            }
        }
        for (label, values) in &self.job_labels {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let values = values.join(" or ");
            say(format!(
                "  the scrape job must set the label {label}: {values} (alerts/scrape)"
            ));
        }
        out
    }
}

/// Dialects, so that there is one of each set: the one that is in most comes first.
fn fewest(mut sets: BTreeSet<BTreeSet<String>>) -> BTreeSet<String> {
    let mut chosen = BTreeSet::new();
    loop {
        let mut counts = BTreeMap::<&str, usize>::new();
        for dialect in sets.iter().flatten() {
            *counts.entry(dialect).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        let Some(dialect) = most.map(|(dialect, _)| dialect.to_owned()) else {
            return chosen;
        };
        sets.retain(|set| !set.contains(&dialect));
        chosen.insert(dialect);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::rules;

    #[test]
    fn dialects_are_as_few_as_possible() {
        let set = |list: &str| list.split(',').map(str::to_owned).collect::<BTreeSet<_>>();
        let sets = [set("a,b"), set("b,c"), set("d"), set("b")];
        assert_eq!(fewest(sets.into()), set("b,d"));
        assert_eq!(fewest(BTreeSet::new()), BTreeSet::new());
    }

    #[test]
    fn a_report_names_what_to_change() {
        let yaml = r#"
groups:
  - name: g
    rules:
      - {record: "job:in", expr: 'rate(kafka_server_brokertopicmetrics_bytesinpersec{env="prod"}[5m])'}
      - {alert: Lag, expr: 'kafka_consumergroup_lag > 5'}
      - {alert: Recorded, expr: 'job:in > 5'}
      - {alert: Memory, expr: 'jvm_memory_used_bytes > 5'}
      - {alert: Heap, expr: 'jvm_memory_used_bytes > 9'}
      - {alert: None, expr: 'kafka_none_such > 5'}
"#;
        let queries = rules(yaml).unwrap();
        let mut families = Families::of_limpid();
        queries
            .recorded
            .iter()
            .for_each(|name| families.add_recorded(name));
        let report = Report::of(&queries, &families, &["kafka_exporter"]);
        assert!(report.has_findings() && report.works == 2, "{report:?}");
        let text = report.to_text(&["kafka_exporter"]);
        let expected = "  2 work
  1 work with limpid.metrics.dialects=kafka_exporter,confluent
  2 come from elsewhere
    a Java process's own, and Limpid is none";
        assert!(text.starts_with(expected), "{text}");
        let end = "  1 stay empty
    there is no kafka_none_such, under any dialect
      alert None
  the scrape job must set the label env: prod (alerts/scrape)\n";
        assert!(text.ends_with(end), "{text}");
        let on = ["kafka_exporter", "confluent"];
        let lag = rules("groups: [{rules: [{alert: L, expr: kafka_consumergroup_lag}]}]").unwrap();
        assert!(!Report::of(&lag, &families, &on).has_findings());
    }
}
