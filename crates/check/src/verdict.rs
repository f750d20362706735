//! Whether an expression finds series, and what to do where it doesn't.

use std::collections::BTreeSet;

use crate::families::{Families, Family};
use crate::foreign;
use crate::promql::{Asked, asked};

/// Letters that may differ in a name that somebody meant.
const TYPOS_MAX: usize = 3;

/// What becomes of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There are series.
    Works {
        /// One of each of these sets of dialects must be on for it.
        needs: BTreeSet<BTreeSet<String>>,
        /// Labels that the scrape job must set, with the values asked for.
        job_labels: BTreeSet<(String, String)>,
    },
    /// It asks for what comes from elsewhere.
    Foreign {
        /// For this series.
        series: String,
        /// Whose it is, and what to do.
        reason: &'static str,
    },
    /// It stays empty.
    Empty(String),
    /// Nobody can tell.
    Unread(String),
}

/// What becomes of an expression; `on` are the dialects that a broker speaks.
pub fn check(expression: &str, families: &Families, on: &[&str]) -> Verdict {
    match asked(expression) {
        Ok(asked) => of(&asked, families, on).unwrap_or_else(nothing),
        Err(reason) => Verdict::Unread(reason),
    }
}

/// `None` when no series is asked for, as by `vector(0)`.
fn of(asked: &Asked, families: &Families, on: &[&str]) -> Option<Verdict> {
    match asked {
        Asked::Series { name, labels } => Some(series((name, labels), families, on)),
        Asked::All(parts) => {
            let parts = parts.iter().filter_map(|part| of(part, families, on));
            parts.reduce(worse)
        }
        Asked::Either(one, other) => match (of(one, families, on), of(other, families, on)) {
            // `or vector(0)` hides nothing.
            (None, only) | (only, None) => only,
            (Some(one), Some(other)) if rank(&other) < rank(&one) => Some(other),
            (one, _) => one,
        },
    }
}

fn nothing() -> Verdict {
    Verdict::Works {
        needs: BTreeSet::new(),
        job_labels: BTreeSet::new(),
    }
}

fn rank(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Works { needs, .. } => u8::from(!needs.is_empty()),
        Verdict::Foreign { .. } => 2,
        Verdict::Empty(_) => 3,
        Verdict::Unread(_) => 4,
    }
}

/// Two parts that are both needed.
fn worse(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (
            Verdict::Works {
                mut needs,
                mut job_labels,
            },
            Verdict::Works {
                needs: more,
                job_labels: labels,
            },
        ) => {
            needs.extend(more);
            job_labels.extend(labels);
            Verdict::Works { needs, job_labels }
        }
        (one, other) if rank(&other) > rank(&one) => other,
        (one, _) => one,
    }
}

fn series(
    (name, labels): (&str, &BTreeSet<(String, String)>),
    families: &Families,
    on: &[&str],
) -> Verdict {
    if name.is_empty() {
        return Verdict::Unread("it names no series".to_owned());
    }
    if foreign::is_prometheus_own(name) {
        return nothing();
    }
    let Some(family) = families.find(name) else {
        return match foreign::reason(name) {
            Some(reason) => Verdict::Foreign {
                series: name.to_owned(),
                reason,
            },
            None => Verdict::Empty(unknown(name, families)),
        };
    };
    let of_job = labels
        .iter()
        .filter(|(label, _)| !family.labels.contains(label));
    Verdict::Works {
        needs: missing(family, on),
        job_labels: of_job.cloned().collect(),
    }
}

/// The dialects of which one must be switched on, if one must.
fn missing(family: &Family, on: &[&str]) -> BTreeSet<BTreeSet<String>> {
    let is_there = family.dialects.is_empty() || on.iter().any(|d| family.dialects.contains(*d));
    let one_of = Some(&family.dialects).filter(|_| !is_there);
    one_of.cloned().into_iter().collect()
}

fn unknown(name: &str, families: &Families) -> String {
    let near = families
        .names()
        .map(|known| (strsim::levenshtein(known, name), known))
        .min();
    match near.filter(|(distance, _)| *distance <= TYPOS_MAX) {
        Some((_, known)) => format!("there is no {name}; {known} is like it"),
        None => format!("there is no {name}, under any dialect"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: [&str; 2] = ["kafka_exporter", "strimzi"];

    fn checked(text: &str) -> Verdict {
        check(text, &Families::of_limpid(), &ON)
    }

    fn works(dialects: &[&str], labels: &[(&str, &str)]) -> Verdict {
        let labels = labels
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Verdict::Works {
            needs: dialects
                .iter()
                .map(|d| d.split('|').map(str::to_owned).collect())
                .collect(),
            job_labels: labels.collect(),
        }
    }

    #[test]
    fn what_is_there_works() {
        assert_eq!(
            checked("sum(kafka_consumergroup_lag{topic=~\"$t\"})"),
            works(&[], &[])
        );
        let text =
            "kafka_server_brokertopicmetrics_bytesinpersec{job=\"kafka-broker\",topic!=\"\"}";
        assert_eq!(
            checked(text),
            works(&["confluent"], &[("job", "kafka-broker")])
        );
        let both = "kafka_log_log_size / kminion_kafka_topic_info";
        assert_eq!(checked(both), works(&["kminion"], &[]));
        assert_eq!(checked("up{job=\"x\"} == 0"), works(&[], &[]));
        let either = "jvm_threads_current or process_open_fds";
        assert_eq!(checked(either), works(&[], &[]));
        assert_eq!(checked("vector(1)"), works(&[], &[]));
    }

    #[test]
    fn what_is_not_there_says_why() {
        assert!(matches!(
            checked("jvm_memory_used_bytes"),
            Verdict::Foreign { .. }
        ));
        assert!(matches!(
            checked("jvm_memory_used_bytes or vector(0)"),
            Verdict::Foreign { .. }
        ));
        let Verdict::Empty(reason) = checked("rate(kafka_consumergroup_lags[5m])") else {
            panic!("it is not there");
        };
        assert!(
            reason.ends_with("kafka_consumergroup_lag is like it"),
            "{reason}"
        );
        assert!(matches!(checked("kafka_nothing + up"), Verdict::Empty(_)));
        assert!(matches!(checked("sum(("), Verdict::Unread(_)));
        assert!(matches!(checked("{topic=\"a\"}"), Verdict::Unread(_)));
    }
}
