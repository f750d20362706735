//! The goals of the project, each with the measurement that it is about.

use super::raw::Measured;
use super::side::Side;
use crate::statistics::{Spread, ratios, spread};

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// At least this many times Kafka's.
    Times(f64),
    /// At most one so-manieth of Kafka's.
    OneIn(f64),
    /// Below this, whatever Kafka's is; and whose that is.
    Below(f64, &'static str),
}

impl Goal {
    /// In words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Times(times) => format!("≥ {times} ×"),
            Self::OneIn(parts) => format!("≤ 1/{parts}"),
            Self::Below(most, whose) => format!("< {most} ({whose})"),
        }
    }

    /// Whether it is reached by our median and the median of the ratios.
    #[must_use]
    pub fn is_met(self, ours: f64, ratio: f64) -> bool {
        match self {
            Self::Times(times) => ratio >= times,
            Self::OneIn(parts) => ratio * parts <= 1.0,
            Self::Below(most, _) => ours < most,
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The case, as measurements name it.
    pub case: &'static str,
    /// Which of its values.
    pub value: &'static str,
    /// For people, with the unit.
    pub title: &'static str,
    /// What is wanted, if anything is.
    pub goal: Option<Goal>,
}

const fn row(
    case: &'static str,
    value: &'static str,
    title: &'static str,
    goal: Option<Goal>,
) -> Row {
    Row {
        case,
        value,
        title,
        goal,
    }
}

const fn times(times: f64) -> Option<Goal> {
    Some(Goal::Times(times))
}

const fn one_in(parts: f64) -> Option<Goal> {
    Some(Goal::OneIn(parts))
}

/// Records, or acknowledgements, in a second.
pub const RATE: &str = "per_s";
/// Processor seconds of the broker for a million records.
pub const CPU: &str = "cpu_s_per_million";

/// The table.
#[rustfmt::skip]
pub const ROWS: [Row; 37] = [
    row("librdkafka-produce", RATE, "librdkafka's producer, 100 B, acks=1, linger 5 ms: records/s", times(1.3)),
    row("librdkafka-produce", CPU, "– broker CPU s per million", one_in(5.0)),
    // nisshi, a Rust broker that keeps everything in memory only: 1.15 s for ten million.
    row("librdkafka-produce", CPU, "– the same beside a broker in memory only", Some(Goal::Below(0.115, "nisshi"))),
    row("java-produce", RATE, "Java's producer-perf-test, 100 B, acks=1: records/s", times(1.4)),
    row("java-produce", CPU, "– broker CPU s per million", one_in(6.0)),
    row("java-produce-1k", RATE, "Java's producer-perf-test, 1 KiB, acks=all, batch 64 KiB: records/s", times(1.4)),
    row("java-produce-1k", CPU, "– broker CPU s per million", one_in(5.0)),
    row("java-consume", RATE, "Java's consumer-perf-test, 100 B: records/s while it fetches", times(1.1)),
    row("java-consume", CPU, "– broker CPU s per million", one_in(2.0)),
    row("librdkafka-consume", RATE, "librdkafka's consumer with an assignment, 100 B: records/s", None),
    row("librdkafka-consume", CPU, "– broker CPU s per million", None),
    row("e2e", "mean_ms", "End to end, one 100 B record at a time, acks=all: mean, ms", None),
    row("e2e", "p99_ms", "– p99, ms", one_in(4.0)),
    row("e2e", "p999_ms", "– p99.9, ms", one_in(4.0)),
    row("e2e-tool", "mean_ms", "The same by Kafka's EndToEndLatency: mean, ms", None),
    row("e2e-tool", "p99_ms", "– p99, whole ms", one_in(4.0)),
    row("e2e-tool", "p999_ms", "– p99.9, whole ms", one_in(4.0)),
    row("memory", "idle_mib", "Resident when idle, MiB", one_in(15.0)),
    row("memory", "after_mib", "Resident after writing and reading in bulk, MiB", one_in(6.0)),
    row("start", "empty_ms", "Start to first acknowledged record, empty directory: ms", one_in(70.0)),
    row("start", "existing_ms", "– existing directory: ms", one_in(70.0)),
    row("fsync-1", RATE, "fsync before each ack, 1 KiB, 6 partitions, 1 producer: acks/s", times(1.1)),
    row("fsync-20", RATE, "– 20 producers: acks/s", times(3.0)),
    row("fsync-20-one", RATE, "– 20 producers, one partition: acks/s", times(6.0)),
    row("acks-20", RATE, "20 such producers without fsync, 6 partitions: acks/s", times(1.3)),
    row("acks-20", "p50_ms", "– p50, ms", None),
    row("acks-20", "p99_ms", "– p99, ms", one_in(3.0)),
    row("open-saturation", RATE, "Saturation, librdkafka, 100 B, acks=all, no linger: records/s", None),
    row("open-10", "p50_ms", "By the clock at 10 % of Kafka's saturation: p50, ms", None),
    row("open-10", "p99_ms", "– p99, ms", None),
    row("open-10", "p999_ms", "– p99.9, ms", None),
    row("open-50", "p50_ms", "– at 50 %: p50, ms", None),
    row("open-50", "p99_ms", "– p99, ms", None),
    row("open-50", "p999_ms", "– p99.9, ms", None),
    row("open-80", "p50_ms", "– at 80 %: p50, ms", None),
    row("open-80", "p99_ms", "– p99, ms", None),
    row("open-80", "p999_ms", "– p99.9, ms", None),
];

/// A row with what was measured.
#[derive(Debug, Clone, Copy)]
pub struct Judged {
    /// Their median.
    pub theirs: f64,
    /// Our median.
    pub ours: f64,
    /// Of the ratios within pairs.
    pub ratio: Spread,
    /// Whether the goal is reached, if there is one.
    pub met: Option<bool>,
}

impl Row {
    /// What was measured, if both brokers were in at least one pair.
    #[must_use]
    pub fn judge(&self, measured: &Measured, them: Side) -> Option<Judged> {
        let of = |side| measured.values(side, self.case, self.value);
        let (theirs, ours) = (of(them), of(Side::Limpid));
        let ratio = spread(&ratios(&ours, &theirs))?;
        let median = |values: &[(u32, f64)]| {
            let values: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
            spread(&values).map(|spread| spread.median)
        };
        let (theirs, ours) = (median(&theirs)?, median(&ours)?);
        let met = self.goal.map(|goal| goal.is_met(ours, ratio.median));
        Some(Judged {
            theirs,
            ours,
            ratio,
            met,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::CASES;
    use super::*;

    #[test]
    fn goals_are_met_at_their_bounds_and_not_beyond() {
        assert!(Goal::Times(1.3).is_met(0.0, 1.3) && !Goal::Times(1.3).is_met(9.0, 1.29));
        assert!(Goal::OneIn(4.0).is_met(9.0, 0.25) && !Goal::OneIn(4.0).is_met(0.0, 0.26));
        let below = Goal::Below(0.115, "x");
        assert!(below.is_met(0.11, 9.0) && !below.is_met(0.115, 0.0));
        assert_eq!(Goal::OneIn(15.0).words(), "≤ 1/15");
        assert_eq!(Goal::Times(1.1).words(), "≥ 1.1 ×");
    }

    #[test]
    fn every_row_is_of_a_case() {
        for row in ROWS {
            let name = if row.case.starts_with("open-") {
                "open-loop"
            } else {
                row.case
            };
            assert!(CASES.iter().any(|case| case.name == name), "{}", row.case);
        }
    }

    #[test]
    fn the_median_of_the_ratios_decides_and_not_the_ratio_of_medians() {
        use super::super::raw::{Line, Run, Values};
        let mut measured = Measured::default();
        // Ratios 1.5, 0.5 and 2: the median is 1.5, while the medians are both 2.
        for (pair, theirs, ours) in [(0, 2.0, 3.0), (1, 4.0, 2.0), (2, 1.0, 2.0)] {
            for (side, value) in [(Side::Kafka, theirs), (Side::Limpid, ours)] {
                let values = Values::from([(RATE.to_owned(), value)]);
                measured.add(Line::Run(Run::new(pair, side, "java-produce", values)));
            }
        }
        let row = ROWS.iter().find(|row| row.case == "java-produce").unwrap();
        let judged = row.judge(&measured, Side::Kafka).unwrap();
        assert_eq!(
            (judged.theirs, judged.ours, judged.ratio.median),
            (2.0, 2.0, 1.5)
        );
        assert_eq!((judged.ratio.least, judged.ratio.most), (0.5, 2.0));
        assert_eq!(judged.met, Some(true));
        assert!(row.judge(&measured, Side::KafkaTuned).is_none());
    }
}
