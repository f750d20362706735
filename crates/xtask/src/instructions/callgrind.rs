//! Running the cases under callgrind and reading what it counted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// A case, with what one round of it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// Instructions of a round.
    pub instructions: f64,
    /// Every function that ran, and the file of every line: what is inlined has a line only.
    pub names: BTreeSet<String>,
}

/// Installs valgrind from Debian, where it is missing.
pub fn install() -> Result<()> {
    let has_it = || {
        let mut asked = Command::new("valgrind");
        let asked = asked.arg("--version").stdout(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    };
    if has_it() {
        return Ok(());
    }
    for words in [
        &["update", "-qq"][..],
        &["install", "-y", "-qq", "valgrind"],
    ] {
        let mut apt = Command::new("apt-get");
        let status = apt
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .status();
        let status = status.context("there is neither valgrind nor apt-get")?;
        ensure!(status.success(), "apt-get {} failed", words.join(" "));
    }
    ensure!(has_it(), "valgrind is installed and does not run");
    Ok(())
}

/// Runs the cases of one kind (`data`, `pages` or `all`).
pub fn run(program: &Path, kind: &str, requests: usize) -> Result<Vec<Case>> {
    let folder = Folder::new()?;
    let out = folder.0.join("out");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--quiet", "--compress-strings=no"]);
    valgrind.arg("--toggle-collect=instructions::measured*");
    valgrind.arg("--dump-after=instructions::case_ends*");
    valgrind.arg(format!("--callgrind-out-file={}", out.display()));
    valgrind.arg(program).args([kind, &requests.to_string()]);
    let done = valgrind.stderr(Stdio::inherit()).output()?;
    ensure!(done.status.success(), "the cases failed: {}", done.status);
    let told = String::from_utf8(done.stdout)?;
    let cases = told.lines().enumerate().map(|(at, line)| {
        let (name, rounds) = line.split_once('\t').with_context(|| line.to_owned())?;
        let profile = folder.0.join(format!("out.{}", at + 1));
        let text = std::fs::read_to_string(profile).context("callgrind told too little")?;
        let all: f64 = after(&text, "totals: ").context("no totals")?.parse()?;
        ensure!(
            all > 0.0,
            "nothing of `{name}` was counted: is there a `measured`?"
        );
        Ok(Case {
            name: name.to_owned(),
            instructions: all / rounds.parse::<f64>()?,
            names: names(&text),
        })
    });
    let cases: Vec<Case> = cases.collect::<Result<_>>()?;
    ensure!(!cases.is_empty(), "no case");
    Ok(cases)
}

/// The rest of the first line that begins with this.
fn after<'a>(profile: &'a str, start: &str) -> Option<&'a str> {
    profile.lines().find_map(|line| line.strip_prefix(start))
}

/// Names of functions and files in a profile.
fn names(profile: &str) -> BTreeSet<String> {
    let kinds = ["fn=", "cfn=", "fi=", "fe=", "fl="];
    let name = |line: &str| {
        kinds
            .iter()
            .find_map(|kind| line.strip_prefix(kind))
            .map(str::to_owned)
    };
    profile.lines().filter_map(name).collect()
}

/// A folder for profiles, gone with this.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let name = format!("limpid-instructions-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A few files of a tool in the system's folder for such: not worth a failure.
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "version: 1\ntotals: 1200\nfl=crates/broker/src/frame.rs\n\
        fn=limpid_broker::frame\n12 3\nfi=crates/telemetry/src/stage.rs\n7 1\ncfn=memcpy\n";

    #[test]
    fn totals_and_names_are_read() {
        assert_eq!(after(PROFILE, "totals: "), Some("1200"));
        let found = names(PROFILE);
        assert_eq!(found.len(), 4);
        assert!(found.contains("memcpy") && found.contains("crates/telemetry/src/stage.rs"));
    }
}
