//! Apache Kafka 4.3's dump-log as a judge of files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::process::run;
use crate::tools::{Kafka, Tools};

const CLASS: &str = "org.apache.kafka.tools.DumpLogSegments";
const LIMIT: Duration = Duration::from_secs(120);
/// What it prints before a file's contents.
const FILE_LINE: &str = "Dumping ";
/// What it says of an offset after which some are missing.
const NOT_CONSECUTIVE: &str = "is followed by";
/// Words it uses for something wrong, none of which appears in a report on a sound file.
const COMPLAINTS: [&str; 7] = [
    "mismatch",
    "Mismatch",
    NOT_CONSECUTIVE,
    "out of order",
    "corrupt",
    "invalid bytes",
    "Exception",
];

/// Lets dump-log read `files` with `options` and returns what it said of each.
///
/// # Errors
/// When it fails, complains, or leaves a file out.
pub fn dump(
    tools: &Tools,
    files: &[PathBuf],
    options: &[&str],
) -> Result<BTreeMap<PathBuf, String>> {
    judge(tools, files, options, |_| true)
}

/// [`dump`] of files in which compaction has left holes between the offsets.
///
/// # Errors
/// As those of [`dump`], for everything but the holes.
pub fn dump_compacted(
    tools: &Tools,
    files: &[PathBuf],
    options: &[&str],
) -> Result<BTreeMap<PathBuf, String>> {
    judge(tools, files, options, |word| word != NOT_CONSECUTIVE)
}

fn judge(
    tools: &Tools,
    files: &[PathBuf],
    options: &[&str],
    minds: impl Fn(&str) -> bool,
) -> Result<BTreeMap<PathBuf, String>> {
    let names: Vec<String> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    let mut java = tools.java(Kafka::V4_3)?;
    java.arg(CLASS)
        .args(options)
        .arg("--files")
        .arg(names.join(","));
    let finished = run(&mut java, b"", LIMIT)?.success()?;
    let text = finished.text();
    for said in [&text, &finished.stderr] {
        let wrong = said.lines().find(|line| {
            let mut minded = COMPLAINTS.iter().filter(|word| minds(word));
            minded.any(|word| line.contains(word))
                // It says this of the first record of every segment but the oldest.
                && !line.trim_start().starts_with("-1 is followed by")
        });
        if let Some(line) = wrong {
            anyhow::bail!(
                "dump-log {options:?} complains: {line}\nall it said:\n{}",
                cut(said)
            );
        }
    }
    let mut parts = BTreeMap::new();
    for part in text.split(FILE_LINE).skip(1) {
        let (name, said) = part.split_once('\n').context("a file line is cut off")?;
        parts.insert(PathBuf::from(name), said.to_owned());
    }
    for file in files {
        ensure!(
            parts.contains_key(file),
            "dump-log {options:?} left {file:?} out:\n{}",
            cut(&text)
        );
    }
    Ok(parts)
}

fn cut(text: &str) -> &str {
    crate::process::tail(text)
}

/// The files under `folder` whose names end in `.ext`, sorted; folders on their way to deletion
/// are left out, because their files may vanish.
///
/// # Errors
/// When a folder can't be read.
pub fn files(folder: &Path, ext: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("no folder {folder:?}"))? {
        let path = entry?.path();
        if path.is_dir() && !path.to_string_lossy().ends_with("-delete") {
            found.extend(files(&path, ext)?);
        } else if path.extension().is_some_and(|name| name == ext) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
