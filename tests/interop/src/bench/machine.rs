//! What was measured on and with, in words.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::plan::Plan;
use super::raw::Setup;
use super::side::Side;
use crate::process::run;
use crate::tools::{Kafka, helpers, limpid_binary};

const LIMIT: Duration = Duration::from_secs(30);
const KIB_PER_GIB: f64 = 1_048_576.0;

/// The circumstances of a run whose data goes to `folder`.
pub fn setup(plan: &Plan, folder: &Path) -> Result<Setup> {
    let sides = Side::all(plan.tuned).into_iter();
    Ok(Setup {
        began: said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])?,
        machine: machine(folder)?,
        versions: versions()?,
        pairs: plan.pairs,
        asked: plan.words(),
        settings: sides.map(|side| (side, side.settings())).collect(),
    })
}

fn machine(folder: &Path) -> Result<String> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processor = value(&read("/proc/cpuinfo"), "model name", ':').unwrap_or_default();
    let kib = kib_of_memory("MemTotal").map_or(f64::NAN, |kib| kib as f64);
    let system = value(&read("/etc/os-release"), "PRETTY_NAME", '=').unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let folder = folder.to_str().context("a folder's name")?;
    let file_system = said("df", &["--output=fstype", folder])?;
    Ok(format!(
        "{processor}, {cores} cores that brokers and clients share, {:.0} GiB, {}, kernel {}, {}",
        kib / KIB_PER_GIB,
        system.trim_matches('"'),
        said("uname", &["-r"])?,
        file_system.lines().last().unwrap_or_default().trim(),
    ))
}

fn versions() -> Result<String> {
    let limpid = limpid_binary()?;
    let limpid = said(limpid.to_str().context("a program's name")?, &["--version"])?;
    let manifest = helpers();
    let here = manifest.to_str().context("a folder's name")?;
    let commit = said("git", &["-C", here, "describe", "--always", "--dirty"])?;
    let java = run(Command::new("java").arg("-version"), b"", LIMIT)?.stderr;
    let java = java.lines().next().unwrap_or_default().replace('"', "");
    let (_, librdkafka) = rdkafka::util::get_rdkafka_version();
    let slow = if cfg!(debug_assertions) {
        "; the clients of the harness are built without optimization, so its numbers mean nothing"
    } else {
        ""
    };
    Ok(format!(
        "{limpid} (harness at `{commit}`), Apache Kafka {} on {java}, librdkafka {librdkafka}{slow}",
        Kafka::V4_3.version()
    ))
}

/// A line of `/proc/meminfo` (proc(5)), in KiB.
pub(super) fn kib_of_memory(name: &str) -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    value(&text, name, ':')?
        .trim_end_matches(" kB")
        .parse()
        .ok()
}

/// What a program prints.
fn said(program: &str, words: &[&str]) -> Result<String> {
    let done = run(Command::new(program).args(words), b"", LIMIT)?;
    Ok(done.success()?.text().trim().to_owned())
}

/// The first value of a name in lines of names and values.
fn value(text: &str, name: &str, between: char) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once(between));
    let (_, value) = lines.find(|(own, _)| own.trim() == name)?;
    Some(value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_names() {
        let text = "model\t\t: 6\nmodel name\t: Some: CPU\nmodel name\t: Other\n";
        assert_eq!(value(text, "model name", ':').unwrap(), "Some: CPU");
        assert_eq!(value("A=\"x\"\n", "A", '=').unwrap(), "\"x\"");
        assert!(value(text, "flags", ':').is_none());
    }
}
