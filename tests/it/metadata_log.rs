//! The metadata log is kept as the configuration says.

use std::time::{Duration, Instant};

use crate::home::Home;

/// Longer than anything here should take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The snapshots of a server's metadata log.
fn snapshots(home: &Home) -> Vec<String> {
    let folder = home.folder().join("data/__cluster_metadata-0");
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let names = files.map(|file| file.file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".checkpoint")).collect();
    names.sort();
    names
}

/// The snapshot that is there alone as soon as it is newer than another one. It is written after the
/// change was answered.
fn the_only_snapshot_after(home: &Home, before: &str) -> String {
    let began = Instant::now();
    loop {
        let names = snapshots(home);
        if let [only] = &names[..]
            && only.as_str() > before
        {
            return only.clone();
        }
        assert!(began.elapsed() < PATIENCE, "{names:?} after {before:?}");
        std::thread::yield_now();
    }
}

#[test]
fn each_change_may_have_a_snapshot() {
    let settings = [
        "metadata.log.max.record.bytes.between.snapshots=1",
        // Only the newest stays.
        "metadata.max.retention.bytes=0",
    ];
    let home = Home::with(&settings);
    let mut client = home.client();
    client.create("first");
    let before = the_only_snapshot_after(&home, "");
    client.create("second");
    the_only_snapshot_after(&home, &before);
    let home = home.restart();
    assert_eq!(home.client().produce("second", b"x"), 0);
}

#[test]
fn few_changes_have_none_by_default() {
    let home = Home::start();
    let before = snapshots(&home);
    home.client().create("first");
    assert_eq!(snapshots(&home), before);
}
