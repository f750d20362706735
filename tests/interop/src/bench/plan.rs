//! What is asked for on the command line.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use super::cases::{CASES, Case, Session};

/// How to ask.
pub const USAGE: &str = "\
bench [--pairs N] [--minutes N] [--scale F | --records N] [--quick] [--only CASE,…] [--matrix]
      [--tuned] [--raw FILE] [--report RAW]… [--out FILE] [--write] [--list]

  --pairs N      how often each case is measured with each broker (5)
  --minutes N    begin nothing that would be over later than this; what there is by then is reported
  --scale F      share of the records and seconds of each case (1)
  --records N    the same, as the records of the cases with 10,000,000
  --quick        one pair at a scale of 0.01 and hardly a warm-up: to see that it works
  --only CASE,…  these cases; --list names them
  --matrix       the matrix instead of the table
  --tuned        Apache Kafka with other settings too
  --raw FILE     one line of JSON for each measurement, added to what is there
  --report RAW   measure nothing, report the last run in that file (may be repeated)
  --out FILE     where to write the report (standard output)
  --write        put the report into BENCHMARKS.md";

/// The case that `--records` counts by.
const RECORDS_AT_FULL_SCALE: f64 = 10_000_000.0;
const QUICK_SCALE: f64 = 0.01;
/// Both brokers are warmed by this many records, however small the scale.
const WARM_UP_RECORDS: u64 = 2_000_000;
const QUICK_WARM_UP_RECORDS: u64 = 20_000;

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// How often.
    pub pairs: u32,
    /// Nothing is begun that would be over later than this.
    pub minutes: f64,
    /// Share of the records and seconds of each case.
    pub scale: f64,
    /// Only to see that it works.
    pub quick: bool,
    /// Names of cases; none for all of the table.
    pub only: Vec<String>,
    /// The matrix and not the table.
    pub matrix: bool,
    /// A tuned Kafka too.
    pub tuned: bool,
    /// Where measurements go.
    pub raw: Option<PathBuf>,
    /// What to report instead of measuring.
    pub report: Vec<PathBuf>,
    /// Where the report goes.
    pub out: Option<PathBuf>,
    /// Whether it goes into BENCHMARKS.md.
    pub write: bool,
    /// Names the cases and does nothing else.
    pub list: bool,
}

impl Plan {
    /// Reads the command line's words.
    ///
    /// # Errors
    /// With [`USAGE`] when they make no sense.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self> {
        let (mut pairs, mut scale) = (None, None);
        let mut plan = Self {
            pairs: 5,
            minutes: f64::INFINITY,
            scale: 1.0,
            quick: false,
            only: Vec::new(),
            matrix: false,
            tuned: false,
            raw: None,
            report: Vec::new(),
            out: None,
            write: false,
            list: false,
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .with_context(|| format!("{word} what?\n{USAGE}"))
            };
            match word.as_str() {
                "--pairs" => pairs = Some(value()?.parse().context("--pairs")?),
                "--minutes" => plan.minutes = value()?.parse().context("--minutes")?,
                "--scale" => scale = Some(value()?.parse().context("--scale")?),
                "--records" => {
                    let records: f64 = value()?.replace('_', "").parse().context("--records")?;
                    scale = Some(records / RECORDS_AT_FULL_SCALE);
                }
                "--only" => plan.only = value()?.split(',').map(str::to_owned).collect(),
                "--raw" => plan.raw = Some(value()?.into()),
                "--report" => plan.report.push(value()?.into()),
                "--out" => plan.out = Some(value()?.into()),
                "--quick" => plan.quick = true,
                "--matrix" => plan.matrix = true,
                "--tuned" => plan.tuned = true,
                "--write" => plan.write = true,
                "--list" => plan.list = true,
                _ => bail!("{word}?\n{USAGE}"),
            }
        }
        plan.pairs = pairs.unwrap_or(if plan.quick { 1 } else { plan.pairs });
        plan.scale = scale.unwrap_or(if plan.quick { QUICK_SCALE } else { plan.scale });
        ensure!(plan.pairs > 0, "no pairs\n{USAGE}");
        ensure!(
            plan.scale > 0.0 && plan.scale <= 100.0,
            "a scale of {}\n{USAGE}",
            plan.scale
        );
        for name in &plan.only {
            let known = CASES.iter().any(|case| case.name == name);
            ensure!(known, "no case is named {name}\n{USAGE}");
        }
        Ok(plan)
    }

    /// The cases that are asked for.
    #[must_use]
    pub fn cases(&self) -> Vec<Case> {
        let all = CASES.iter().filter(|case| {
            if self.only.is_empty() {
                (case.session == Session::Matrix) == self.matrix
            } else {
                self.only.iter().any(|name| name == case.name)
            }
        });
        all.copied().collect()
    }

    /// So many records at this scale, but some.
    #[must_use]
    pub fn records(&self, at_full_scale: u64) -> u64 {
        ((at_full_scale as f64 * self.scale) as u64).max(1_000)
    }

    /// So many seconds at this scale, but one.
    #[must_use]
    pub fn seconds(&self, at_full_scale: f64) -> f64 {
        (at_full_scale * self.scale).max(1.0)
    }

    /// With how many records to warm a broker.
    #[must_use]
    pub const fn warm_up(&self) -> u64 {
        if self.quick {
            QUICK_WARM_UP_RECORDS
        } else {
            WARM_UP_RECORDS
        }
    }

    /// In words, for the report.
    #[must_use]
    pub fn words(&self) -> String {
        let kind = if self.quick { ", a quick look" } else { "" };
        let (pairs, scale) = (self.pairs, self.scale);
        let many = if pairs == 1 { "pair" } else { "pairs" };
        format!("{pairs} {many}, {scale} × the records and seconds of each case{kind}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Plan> {
        Plan::parse(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn defaults_and_what_overrides_them() {
        let plan = parse("").unwrap();
        assert_eq!(
            (plan.pairs, plan.scale, plan.warm_up()),
            (5, 1.0, 2_000_000)
        );
        let plan = parse("--pairs 2 --quick").unwrap();
        assert_eq!((plan.pairs, plan.scale, plan.warm_up()), (2, 0.01, 20_000));
        let plan =
            parse("--records 3000000 --minutes 20 --tuned --raw r --only start,e2e").unwrap();
        assert_eq!((plan.scale, plan.minutes), (0.3, 20.0));
        assert_eq!(plan.records(1_000_000), 300_000);
        assert_eq!(plan.seconds(1.0), 1.0);
        assert_eq!((plan.tuned, plan.only.len()), (true, 2));
    }

    #[test]
    fn the_table_the_matrix_or_what_is_named() {
        let names = |words: &str| -> Vec<&str> {
            let cases = parse(words).unwrap().cases();
            cases.iter().map(|case| case.name).collect()
        };
        assert_eq!(names("").len(), 14);
        let matrix = names("--matrix");
        assert!(!matrix.is_empty() && matrix.iter().all(|name| name.starts_with("matrix-")));
        assert_eq!(names("--only matrix-lz4,e2e"), ["e2e", "matrix-lz4"]);
    }

    #[test]
    fn nonsense_is_refused() {
        for words in [
            "--pairs",
            "--pairs 0",
            "--scale 0",
            "--scale x",
            "--fast",
            "--only no",
        ] {
            assert!(parse(words).is_err(), "{words}");
        }
    }
}
