//! Garbage in every file of the data directory: the next start recovers or says what is wrong.

use std::path::{Path, PathBuf};

use crate::broker::{Broker, Setup};
use crate::wire::{Client, topic_for};

/// What happens to a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Emptied,
    CutInHalf,
    Noise,
    NoiseAtTheEnd,
    OneBitFlipped,
    ADirectory,
}

const DAMAGES: [Damage; 6] = [
    Damage::Emptied,
    Damage::CutInHalf,
    Damage::Noise,
    Damage::NoiseAtTheEnd,
    Damage::OneBitFlipped,
    Damage::ADirectory,
];

impl Damage {
    fn apply(self, path: &Path) {
        let mut bytes = std::fs::read(path).unwrap();
        let noise = |count: usize| {
            (0..count).map(|n| (n as u32).wrapping_mul(2_654_435_761).to_be_bytes()[1])
        };
        match self {
            Damage::Emptied => bytes.clear(),
            Damage::CutInHalf => bytes.truncate(bytes.len() / 2),
            Damage::Noise => bytes = noise(bytes.len().max(64)).collect(),
            Damage::NoiseAtTheEnd => bytes.extend(noise(100)),
            Damage::OneBitFlipped => {
                let middle = bytes.len() / 2;
                if let Some(byte) = bytes.get_mut(middle) {
                    *byte ^= 4;
                }
            }
            Damage::ADirectory => {
                std::fs::remove_file(path).unwrap();
                std::fs::create_dir(path).unwrap();
                return;
            }
        }
        std::fs::write(path, bytes).unwrap();
    }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// A directory with a topic of several segments, left behind by a clean stop or by `kill -9`.
fn original(dir: &Path, clean: bool) {
    let mut broker = Setup::new(dir).start();
    let mut client = topic_for(&broker, "t", &[("segment.bytes", "1048576")]);
    for _ in 0..5 {
        let value = vec![b'x'; 400_000];
        assert_eq!(client.produce("t", &[&value, b"small"]).unwrap().0, 0);
    }
    broker.assert_well();
    if clean {
        broker.stop();
    }
}

/// Starts on a damaged directory: either it serves, whatever is left, or it ends with a sentence.
fn start_on(dir: &Path, what: &str) {
    let setup = Setup::new(dir).set("limpid.storage.auto.format=false");
    match Broker::ready(setup.spawn()) {
        Ok(mut broker) => {
            let mut client = Client::new(&broker);
            let topics = client.topics().unwrap_or_else(|e| panic!("{what}: {e}"));
            if topics.contains(&"t".to_owned()) {
                // records are read, or an error is told; the connection is not lost
                client
                    .fetch("t", 0)
                    .unwrap_or_else(|e| panic!("{what}: {e}"));
                client
                    .produce("t", &[b"more"])
                    .unwrap_or_else(|e| panic!("{what}: {e}"));
            }
            broker.assert_well();
            broker.signal(rustix::process::Signal::TERM);
            let ended = broker.process.end();
            ended.assert_calm();
            assert!(
                matches!(ended.status.code(), Some(0 | 1)),
                "{what}: {ended:?}"
            );
        }
        Err(ended) => {
            assert_eq!(ended.status.code(), Some(1), "{what}: {ended:?}");
            ended.assert_calm();
            assert!(ended.output.contains("limpid: "), "{what}: {ended:?}");
            assert!(
                ended.output.contains(dir.to_str().unwrap()),
                "{what} names no file: {ended:?}"
            );
        }
    }
}

fn damage_every_file(clean: bool) {
    let scratch = tempfile::tempdir().unwrap();
    let whole = scratch.path().join("whole");
    original(&whole, clean);
    let files = files_below(&whole);
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let name = file.strip_prefix(&whole).unwrap();
        for damage in DAMAGES {
            let broken = scratch.path().join("broken");
            copy(&whole, &broken);
            damage.apply(&broken.join(name));
            start_on(
                &broken,
                &format!("{} {damage:?}, clean stop {clean}", name.display()),
            );
            std::fs::remove_dir_all(&broken).unwrap();
        }
    }
}

#[test]
fn after_a_clean_stop_no_damaged_file_makes_it_panic() {
    damage_every_file(true);
}

#[test]
fn after_a_crash_no_damaged_file_makes_it_panic() {
    damage_every_file(false);
}

#[test]
fn a_missing_file_makes_it_recover_or_say_so() {
    let scratch = tempfile::tempdir().unwrap();
    let whole = scratch.path().join("whole");
    original(&whole, true);
    for file in files_below(&whole) {
        let broken = scratch.path().join("broken");
        copy(&whole, &broken);
        let name = file.strip_prefix(&whole).unwrap();
        std::fs::remove_file(broken.join(name)).unwrap();
        start_on(&broken, &format!("{} removed", name.display()));
        std::fs::remove_dir_all(&broken).unwrap();
    }
}
