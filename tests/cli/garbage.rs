//! Garbage in every file of the data directory: the next start recovers or says what is wrong.

use std::path::{Path, PathBuf};

use limpid_protocol::records::Batches;

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

/// The worst three, for the second round: starts take time.
const WORST: [Damage; 3] = [Damage::CutInHalf, Damage::Noise, Damage::NoiseAtTheEnd];
const ALL: [Damage; 6] = [
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
        } else if path.is_file() {
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
        // A broker that was killed leaves its control socket behind, which is no file.
        if path.is_dir() {
            copy(&path, &target);
        } else if path.is_file() {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// Records of the original: one of `topic_for`, and five batches of two.
const RECORDS: i64 = 11;

/// Files that can be made anew from the partition's log: whatever happens to them, no record may be
/// missing.
fn is_derived(name: &Path) -> bool {
    let text = name.to_str().unwrap();
    let extension = name.extension().and_then(|extension| extension.to_str());
    let of_topic = text.starts_with("t-0/");
    of_topic
        && matches!(
            extension,
            Some("index" | "timeindex" | "txnindex" | "snapshot")
        )
        || text.ends_with("-checkpoint") && !text.starts_with("__cluster_metadata-0/")
        || text == ".kafka_cleanshutdown"
}

/// Reads partition 0 of the topic from its start: the number of records.
fn count_records(client: &mut Client) -> i64 {
    let mut next = 0;
    let mut count = 0;
    loop {
        let (code, end, bytes) = client.fetch("t", next).unwrap();
        assert_eq!(code, 0, "at offset {next}");
        if next >= end {
            return count;
        }
        let before = next;
        for batch in Batches::new(&bytes).map_while(Result::ok) {
            count += i64::from(batch.header().records_count);
            next = batch.header().next_offset();
        }
        assert!(next > before, "no records at offset {next} of {end}");
    }
}

/// Whether a fetch at each offset begins with the batch that holds it: that is what indexes are for.
fn assert_offsets_are_found(client: &mut Client, what: &str) {
    for offset in 0..RECORDS {
        let (_, _, bytes) = client.fetch("t", offset).unwrap();
        let first = Batches::new(&bytes).next().unwrap().unwrap();
        let range = first.header().base_offset..first.header().next_offset();
        assert!(
            range.contains(&offset),
            "{what}: offset {offset} is not in {range:?}"
        );
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
fn start_on(dir: &Path, what: &str, all_records: bool) {
    let setup = Setup::new(dir).set("limpid.storage.auto.format=false");
    match Broker::ready(setup.spawn()) {
        Ok(mut broker) => {
            let mut client = Client::new(&broker);
            let topics = client.topics().unwrap_or_else(|e| panic!("{what}: {e}"));
            if all_records {
                assert_eq!(count_records(&mut client), RECORDS, "{what}");
                assert_offsets_are_found(&mut client, what);
            }
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
            assert!(!all_records, "{what}: {ended:?}");
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

fn damage_every_file(clean: bool, damages: &[Damage]) {
    let scratch = tempfile::tempdir().unwrap();
    let whole = scratch.path().join("whole");
    original(&whole, clean);
    let files = files_below(&whole);
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        let name = file.strip_prefix(&whole).unwrap();
        for damage in damages {
            let broken = scratch.path().join("broken");
            copy(&whole, &broken);
            damage.apply(&broken.join(name));
            let what = format!("{} {damage:?}, clean stop {clean}", name.display());
            // a directory in place of a file is beyond repair; all else is not
            let repairable = is_derived(name) && !matches!(damage, Damage::ADirectory);
            start_on(&broken, &what, repairable);
            std::fs::remove_dir_all(&broken).unwrap();
        }
    }
}

#[test]
fn after_a_clean_stop_no_damaged_file_makes_it_panic() {
    damage_every_file(true, &ALL);
}

#[test]
fn after_a_crash_no_damaged_file_makes_it_panic() {
    damage_every_file(false, &WORST);
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
        start_on(
            &broken,
            &format!("{} removed", name.display()),
            is_derived(name),
        );
        std::fs::remove_dir_all(&broken).unwrap();
    }
}
