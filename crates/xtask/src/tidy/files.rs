//! Length of files, their names, and what must not be in them.

use std::path::{Path, PathBuf};

use anyhow::Result;

/// Beyond this a file is certainly two.
const LINES_MAX: usize = 1000;
/// Beyond this it is a question; the answer may be in [`LONG_FOR_A_REASON`].
const LINES_ASKED: usize = 500;
/// Files over [`LINES_ASKED`] that are one idea nevertheless.
const LONG_FOR_A_REASON: &[&str] = &[];

/// Texts that tie the tree to one machine. Split so that this file does not find itself.
const MACHINE_WORDS: &[&str] = &[
    concat!("/work/", "main"),
    concat!("/tmp/", "limpid/"),
    concat!("/root/", "."),
];

/// All findings about single files.
pub fn check(root: &Path, sources: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for source in sources {
        let name = source.display().to_string();
        let text = std::fs::read_to_string(root.join(source))?;
        let lines = text.lines().count();
        if lines > LINES_MAX {
            findings.push(format!("{name}: {lines} lines; split it by idea"));
        } else if lines > LINES_ASKED && !LONG_FOR_A_REASON.contains(&name.as_str()) {
            findings.push(format!(
                "{name}: {lines} lines; is it two? if not, add it to LONG_FOR_A_REASON"
            ));
        }
        if source.file_name().is_some_and(|f| f == "mod.rs") {
            findings.push(format!(
                "{name}: name it after its module (`foo.rs` beside `foo/`)"
            ));
        }
        if !text.starts_with("//!") && !is_test_beside(source) {
            findings.push(format!(
                "{name}: the first line says what the file is for (`//!`)"
            ));
        }
    }
    for file in super::tracked_files(root)? {
        let Ok(text) = std::fs::read_to_string(root.join(&file)) else {
            continue;
        };
        for word in MACHINE_WORDS.iter().filter(|w| text.contains(**w)) {
            findings.push(format!(
                "{}: names a path of one machine ({word})",
                file.display()
            ));
        }
    }
    Ok(findings)
}

fn is_test_beside(source: &Path) -> bool {
    source.file_name().is_some_and(|f| f == "tests.rs") || source.iter().any(|p| p == "tests")
}
