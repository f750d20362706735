//! Measures what was asked for: pair by pair, session by session, the brokers in turn.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::cases::{Case, Session};
use super::page_cache::{GIB, Warm};
use super::plan::Plan;
use super::progress::{Progress, clock};
use super::raw::{Failed, Journal, Line, Measured, Run, Values};
use super::session::Measuring;
use super::side::Side;
use super::{machine, report};
use crate::tools::Tools;

/// Kept warm for the largest session: a heap, two Java clients, and what is written between two syncs.
const WARM_BYTES: usize = 14 * GIB;
const QUICK_WARM_BYTES: usize = GIB;

struct Runner<'a> {
    plan: &'a Plan,
    tools: Tools,
    journal: Journal,
    measured: Measured,
    progress: Progress,
    saturation: Option<f64>,
}

/// Measures all of a plan; each measurement is in the file `raw` as soon as it is made.
///
/// # Errors
/// When the machine, the tools or the file can't be used; what fails of a case or a broker is part of the
/// measurements.
pub fn run(plan: &Plan, raw: &Path) -> Result<Measured> {
    let cases = plan.cases();
    let sessions: Vec<Session> = Session::ALL
        .into_iter()
        .filter(|session| cases.iter().any(|case| case.session == *session))
        .collect();
    let sides = Side::all(plan.tuned);
    let rounds = f64::from(plan.pairs) * sides.len() as f64;
    let setup = machine::setup(plan, &std::env::temp_dir())?;
    let mut runner = Runner {
        plan,
        tools: Tools::open()?,
        journal: Journal::open(raw)?,
        measured: Measured::default(),
        progress: Progress::new(&cases, sessions.len(), rounds, plan.scale),
        saturation: None,
    };
    runner.note(Line::Setup(setup))?;
    say(&format!(
        "{} cases, {}, about {} in all; measurements go to {}",
        cases.len(),
        plan.words(),
        clock(runner.progress.expected()),
        raw.display()
    ));
    say("memory is touched first, and stays warm while it is measured");
    let _warm = Warm::up(if plan.quick {
        QUICK_WARM_BYTES
    } else {
        WARM_BYTES
    });
    let mut longest = vec![Duration::ZERO; sessions.len()];
    for pair in 0..plan.pairs {
        for (session, longest) in sessions.iter().zip(&mut longest) {
            let minutes = (runner.progress.gone() + *longest).as_secs_f64() / 60.0;
            if minutes > plan.minutes {
                say(&format!("pair {}: no time left for {session:?}", pair + 1));
                continue;
            }
            let begun = Instant::now();
            let cases: Vec<Case> = cases
                .iter()
                .filter(|case| case.session == *session)
                .copied()
                .collect();
            for turn in 0..sides.len() {
                let side = sides[(turn + pair as usize) % sides.len()];
                runner.session(pair, side, *session, &cases)?;
            }
            *longest = begun.elapsed().max(*longest);
        }
    }
    Ok(runner.measured)
}

impl Runner<'_> {
    fn note(&mut self, line: Line) -> Result<()> {
        self.journal.write(&line)?;
        self.measured.add(line);
        Ok(())
    }

    /// One broker's turn; if it fails as a whole, its cases are missing and the next one's turn comes.
    fn session(&mut self, pair: u32, side: Side, session: Session, cases: &[Case]) -> Result<()> {
        self.progress.begins();
        let folder = tempfile::Builder::new().prefix("limpid-bench-").tempdir()?;
        let (plan, tools) = (self.plan, self.tools.clone());
        let mut saturation = self.saturation;
        let ended = Measuring::new(plan, &tools, &mut saturation, side, session, folder.path())
            .context("formatting")
            .and_then(|mut measuring| {
                measuring.run(cases, side == Side::Kafka, &mut |name, values| {
                    self.take(pair, side, name, values)
                })
            });
        self.saturation = saturation;
        if let Err(error) = ended {
            self.take(pair, side, &format!("{session:?}"), Err(error))?;
        }
        Ok(())
    }

    fn take(&mut self, pair: u32, side: Side, case: &str, values: Result<Values>) -> Result<()> {
        self.progress
            .done(if case == "open-80" { "open-loop" } else { case });
        let (line, words) = match values {
            Ok(values) => {
                let words = report::in_short(&values);
                (Line::Run(Run::new(pair, side, case, values)), words)
            }
            Err(error) => {
                let error = format!("{error:#}");
                let words = format!("FAILED: {error}");
                let case = case.to_owned();
                let failed = Failed {
                    pair,
                    side,
                    case,
                    error,
                };
                (Line::Failed(failed), words)
            }
        };
        let (pair, side) = (pair + 1, side.name());
        say(&format!(
            "pair {pair}, {side:<6} {case:<18} {words} [{}]",
            self.progress.words()
        ));
        self.note(line)
    }
}

#[expect(clippy::print_stderr, reason = "progress for the person who waits")]
fn say(line: &str) {
    eprintln!("{line}");
}
