//! What was measured, a line of JSON for each run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::side::Side;

/// What was measured in a run, by name; the unit is part of the name.
pub type Values = BTreeMap<String, f64>;

/// Under which circumstances.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// When it began.
    pub began: String,
    /// Processor, memory, kernel, file system.
    pub machine: String,
    /// Who took part, in which version.
    pub versions: String,
    /// Pairs that were asked for.
    pub pairs: u32,
    /// What was asked for otherwise, in words.
    pub asked: String,
    /// Settings of each broker, in words.
    pub settings: BTreeMap<Side, String>,
}

/// One case, once, with one broker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Which pair.
    pub pair: u32,
    /// Which broker.
    pub side: Side,
    /// Which case.
    pub case: String,
    /// What was measured.
    pub values: Values,
}

impl Run {
    /// A measurement without what isn't a number, which JSON has no word for.
    #[must_use]
    pub fn new(pair: u32, side: Side, case: &str, mut values: Values) -> Self {
        values.retain(|_, value| value.is_finite());
        let case = case.to_owned();
        Self {
            pair,
            side,
            case,
            values,
        }
    }
}

/// A case that could not be measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Which pair.
    pub pair: u32,
    /// Which broker.
    pub side: Side,
    /// Which case.
    pub case: String,
    /// Why.
    pub error: String,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum Line {
    /// The first one of a run.
    Setup(Setup),
    /// A measurement.
    Run(Run),
    /// None.
    Failed(Failed),
}

/// Everything of one run of the harness.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// Its circumstances.
    pub setup: Setup,
    /// Its measurements, in their order.
    pub runs: Vec<Run>,
    /// What could not be measured.
    pub failed: Vec<Failed>,
}

impl Measured {
    /// The value of a case in each pair.
    #[must_use]
    pub fn values(&self, side: Side, case: &str, value: &str) -> Vec<(u32, f64)> {
        let runs = self.runs.iter();
        let runs = runs.filter(|run| run.side == side && run.case == case);
        runs.filter_map(|run| Some((run.pair, *run.values.get(value)?)))
            .collect()
    }

    /// Takes a line in.
    pub fn add(&mut self, line: Line) {
        match line {
            Line::Setup(setup) => {
                *self = Self {
                    setup,
                    ..Self::default()
                }
            }
            Line::Run(run) => self.runs.push(run),
            Line::Failed(failed) => self.failed.push(failed),
        }
    }
}

/// Reads the last run in a file; its last line may be cut.
///
/// # Errors
/// When there is no run in it, or a line other than the last is damaged.
pub fn read(text: &str) -> Result<Measured> {
    let mut measured = None;
    let mut lines = text.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        match serde_json::from_str(line) {
            Ok(line @ Line::Setup(_)) => measured.get_or_insert_with(Measured::default).add(line),
            Ok(line) => measured.as_mut().context("no setup comes first")?.add(line),
            Err(_) if lines.peek().is_none() => {}
            Err(error) => return Err(error).with_context(|| format!("line {}", at + 1)),
        }
    }
    measured.context("nothing was measured")
}

/// Where the lines go; a file that has lines already gets more.
#[derive(Debug)]
pub struct Journal(File);

impl Journal {
    /// Opens the file.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(path);
        Ok(Self(file.with_context(|| format!("no file {path:?}"))?))
    }

    /// Writes a line at once.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        Ok(self.0.write_all(text.as_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(pair: u32, value: f64) -> Line {
        let values = Values::from([("p99_ms".into(), value)]);
        Line::Run(Run::new(pair, Side::Limpid, "e2e", values))
    }

    #[test]
    fn what_is_written_is_read_and_only_the_last_run_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raw.jsonl");
        for (machine, value) in [("old", 1.0), ("new", 0.5)] {
            let mut journal = Journal::open(&path).unwrap();
            let machine = machine.to_owned();
            let setup = Setup {
                machine,
                pairs: 2,
                ..Setup::default()
            };
            journal.write(&Line::Setup(setup)).unwrap();
            journal.write(&run(0, value)).unwrap();
            journal.write(&run(1, f64::NAN)).unwrap();
        }
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"line\":\"run\",\"pa");
        let measured = read(&text).unwrap();
        assert_eq!(measured.runs.len(), 2);
        assert_eq!(measured.setup.machine, "new");
        assert_eq!(measured.values(Side::Limpid, "e2e", "p99_ms"), [(0, 0.5)]);
        assert!(measured.values(Side::Kafka, "e2e", "p99_ms").is_empty());
    }

    #[test]
    fn damage_in_the_middle_and_nothing_are_refused() {
        assert!(read("").is_err());
        let line = serde_json::to_string(&run(0, 1.0)).unwrap();
        assert!(read(&line).is_err());
        let setup = serde_json::to_string(&Line::Setup(Setup::default())).unwrap();
        assert!(read(&format!("{setup}\n{{\n{line}")).is_err());
    }
}
