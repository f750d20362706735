//! The numbers that a change is held against.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::callgrind::Case;

/// A case may take this much more than in the baseline.
const MORE_MAX: f64 = 0.05;
/// So often a case that takes too much is measured again.
const AGAIN_MAX: usize = 2;
/// Says that the baseline is to be written.
const BLESS: &str = "LIMPID_BLESS";
const HEADER: &str =
    "# Instructions of one round of each case: `LIMPID_BLESS=1 cargo xtask instructions`\n";

/// Fails when a case takes more than it may, with the numbers; writes the file when that is wanted.
/// What a timer or a background thread added to a case is not there a second time: before it fails it
/// measures `again`, and the least counts.
pub fn compare(file: &Path, now: Vec<Case>, again: impl Fn() -> Result<Vec<Case>>) -> Result<()> {
    if std::env::var_os(BLESS).is_some_and(|value| value == "1") {
        std::fs::write(file, written(&now))?;
        println!("{} written", file.display());
        return Ok(());
    }
    let before = std::fs::read_to_string(file);
    let before = read(&before.with_context(|| format!("no {}", file.display()))?)?;
    hold(&before, now, again)
}

fn hold(
    before: &BTreeMap<String, f64>,
    mut now: Vec<Case>,
    again: impl Fn() -> Result<Vec<Case>>,
) -> Result<()> {
    for _ in 0..AGAIN_MAX {
        let worse = judge(before, &now)?;
        if worse.is_empty() {
            return Ok(());
        }
        println!("once more, since this is too much: {}", worse.join(", "));
        now = least(now, again()?);
    }
    let worse = judge(before, &now)?;
    ensure!(
        worse.is_empty(),
        "more than {:.0} % above the baseline: {}. If that is what it costs, write a new baseline \
         ({BLESS}=1 cargo xtask instructions) in a commit of its own that says why",
        MORE_MAX * 100.0,
        worse.join(", ")
    );
    Ok(())
}

/// Of two runs the lesser number of each case.
fn least(first: Vec<Case>, second: Vec<Case>) -> Vec<Case> {
    let lesser = |(a, b): (Case, Case)| match b.instructions < a.instructions {
        true => b,
        false => a,
    };
    first.into_iter().zip(second).map(lesser).collect()
}

/// Prints all cases, and returns those that take too much.
fn judge(before: &BTreeMap<String, f64>, now: &[Case]) -> Result<Vec<String>> {
    let missing = |name: &&String| !now.iter().any(|case| case.name == **name);
    let gone: Vec<&String> = before.keys().filter(missing).collect();
    ensure!(gone.is_empty(), "in the baseline alone: {gone:?}");
    let mut worse = Vec::new();
    println!("{:>12} {:>12} {:>8}  case", "baseline", "now", "change");
    for case in now {
        let unknown = || format!("`{}` is not in the baseline", case.name);
        let then = *before.get(&case.name).with_context(unknown)?;
        let change = case.instructions / then - 1.0;
        let line = format!("{then:>12.0} {:>12.0}", case.instructions);
        println!("{line} {:>+7.2}%  {}", change * 100.0, case.name);
        if change > MORE_MAX {
            worse.push(format!("{} {:+.1} %", case.name, change * 100.0));
        }
    }
    Ok(worse)
}

/// How far the runs of each case lie apart.
pub fn tell_spread(first: &[Case], others: &[Vec<Case>]) {
    println!(
        "spread of {} runs, (most − least) / least",
        others.len() + 1
    );
    for (at, case) in first.iter().enumerate() {
        let all = others.iter().filter_map(|run| run.get(at));
        let all: Vec<f64> = std::iter::once(case)
            .chain(all)
            .map(|case| case.instructions)
            .collect();
        let least = all.iter().copied().fold(f64::INFINITY, f64::min);
        let most = all.iter().copied().fold(0.0, f64::max);
        println!("{:>8.3}%  {}", (most / least - 1.0) * 100.0, case.name);
    }
}

fn written(cases: &[Case]) -> String {
    let mut text = HEADER.to_owned();
    for case in cases {
        // Writing to a string does not fail.
        writeln!(text, "{}\t{:.0}", case.name, case.instructions).ok();
    }
    text
}

fn read(text: &str) -> Result<BTreeMap<String, f64>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let parsed = lines.map(|line| {
        let (name, count) = line.split_once('\t').with_context(|| line.to_owned())?;
        Ok((name.to_owned(), count.parse()?))
    });
    parsed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str, instructions: f64) -> Case {
        Case {
            name: name.to_owned(),
            instructions,
            names: Default::default(),
        }
    }

    #[test]
    fn what_is_written_is_read_and_five_percent_more_are_too_much() {
        let cases = [case("produce 1 record", 1_000.0), case("scrape", 2_000.4)];
        let before = read(&written(&cases)).unwrap();
        assert_eq!(before["scrape"], 2_000.0);
        assert!(judge(&before, &cases).unwrap().is_empty());
        let more = [case("produce 1 record", 1_051.0), case("scrape", 2_099.0)];
        assert_eq!(judge(&before, &more).unwrap(), ["produce 1 record +5.1 %"]);
    }

    #[test]
    fn the_least_of_some_runs_counts() {
        let run = |instructions| vec![case("a", instructions)];
        let before = read(&written(&run(100.0))).unwrap();
        hold(&before, run(110.0), || Ok(run(101.0))).unwrap();
        let refused = hold(&before, run(110.0), || Ok(run(106.0))).unwrap_err();
        assert!(refused.to_string().contains("a +6.0 %"), "{refused}");
    }

    #[test]
    fn cases_come_and_go_with_the_baseline_only() {
        let before = read("# nothing\na\t10\nb\t20\n").unwrap();
        assert!(judge(&before, &[case("a", 10.0)]).is_err());
        let all = [case("a", 10.0), case("b", 20.0), case("c", 1.0)];
        assert!(judge(&before, &all).is_err());
    }
}
