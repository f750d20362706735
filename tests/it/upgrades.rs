//! A data directory of each commit that changed a format, opened by this one.
//!
//! `fixtures/` has two archives of each, as the directory was after a stop and after a kill, and
//! what the broker told of it. `cargo xtask fixture` makes new ones; the old ones stay.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use limpid_protocol::codec::Request;

use crate::facts::{self, Facts, LISTENERS, SETTINGS, Wire};
use crate::home::{Client, Home};

/// Names new fixtures, which are kept then; set by `cargo xtask fixture`.
const NAME: &str = "LIMPID_NEW_FIXTURE";
/// An archive may have so many bytes: the repository keeps them for ever.
const BYTES_MAX: u64 = 200_000;
/// The states of a directory that are kept.
const STATES: [&str; 2] = ["stopped", "killed"];

impl Wire for Client {
    fn ask<R>(&mut self, request: &R, version: i16) -> Result<R::Response>
    where
        R: Request,
        R::Response: Debug,
    {
        Ok(self.call(request, version))
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures")
}

fn settings() -> Vec<String> {
    let listeners = "listeners=PLAINTEXT://127.0.0.1:0,SASL_PLAINTEXT://127.0.0.1:0";
    let more = SETTINGS.iter().chain(&LISTENERS);
    let more = more.map(|(key, value)| format!("{key}={value}"));
    std::iter::once(listeners.to_owned()).chain(more).collect()
}

fn tar(arguments: &[&str], folder: &Path) {
    let mut tar = Command::new("tar");
    let ended = tar.arg("-C").arg(folder).args(arguments).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
}

/// Packs a data directory: bytes of the same files are the same, and holes of indexes stay holes.
fn pack(folder: &Path, archive: &Path) {
    let archive = archive.display().to_string();
    let as_nobody = ["--owner=0", "--group=0", "--numeric-owner", "--sort=name"];
    let what = ["--sparse", "--exclude=.lock", "-czf", &archive, "data"];
    tar(&[&as_nobody[..], &what].concat(), folder);
}

fn told(home: &Home) -> Facts {
    facts::dump(&mut home.client()).unwrap()
}

/// Opens what was packed, twice: everything is there, and goes on.
fn opens(archive: &Path, wanted: &Facts) {
    let folder = tempfile::tempdir().unwrap();
    tar(&["-xzf", &archive.display().to_string()], folder.path());
    let mut home = Home::open(folder, settings());
    let mut wanted = wanted.clone();
    for round in 1..=facts::ROUNDS {
        let name = archive.display();
        facts::compare(&wanted, &told(&home)).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let mut guest = home.client_of("SASL_PLAINTEXT");
        facts::act(&mut home.client(), &mut guest, round)
            .unwrap_or_else(|e| panic!("{name}, round {round}: {e:?}"));
        wanted = told(&home);
        home = home.restart();
    }
    facts::compare(&wanted, &told(&home)).unwrap();
}

fn archive(folder: &Path, name: &str, state: &str) -> PathBuf {
    folder.join(format!("{name}-{state}.tar.gz"))
}

#[test]
fn data_of_older_commits_is_opened() {
    let all = std::fs::read_dir(fixtures()).unwrap();
    let files = all.map(|entry| entry.unwrap().path());
    let facts: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .collect();
    assert!(!facts.is_empty(), "there are no fixtures");
    for file in facts {
        let wanted: Facts = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        facts::expect_all(&wanted).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        for state in STATES {
            opens(&archive(&fixtures(), &name, state), &wanted);
        }
    }
}

#[test]
fn data_of_this_commit_is_opened() {
    let (folder, packed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let data = folder.path().to_owned();
    let kept = std::env::var(NAME).ok();
    let name = kept.as_deref().unwrap_or("this");
    let home = Home::open(folder, settings());
    facts::write(&mut home.client()).unwrap();
    let wanted = told(&home);
    facts::expect_all(&wanted).unwrap();
    let [stopped, killed] = STATES.map(|state| archive(packed.path(), name, state));
    // What lies there while it runs is what a kill would leave.
    pack(&data, &killed);
    let home = home.restart();
    facts::compare(&wanted, &told(&home)).unwrap();
    let folder = home.close();
    pack(&data, &stopped);
    drop(folder);
    for archive in [stopped, killed] {
        let bytes = std::fs::metadata(&archive).unwrap().len();
        assert!(bytes < BYTES_MAX, "{} has {bytes} bytes", archive.display());
        opens(&archive, &wanted);
        if kept.is_some() {
            std::fs::copy(&archive, fixtures().join(archive.file_name().unwrap())).unwrap();
        }
    }
    if kept.is_some() {
        let text = serde_json::to_string_pretty(&wanted).unwrap() + "\n";
        std::fs::write(fixtures().join(format!("{name}.json")), text).unwrap();
    }
}
