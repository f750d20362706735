//! The metadata log is kept as the configuration says.

use crate::home::Home;

/// The snapshots of a server's metadata log.
fn snapshots(home: &Home) -> Vec<String> {
    let folder = home.folder().join("data/__cluster_metadata-0");
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let names = files.map(|file| file.file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".checkpoint")).collect();
    names.sort();
    names
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
    let before = snapshots(&home);
    assert_eq!(before.len(), 1, "{before:?}");
    client.create("second");
    let after = snapshots(&home);
    assert_eq!(after.len(), 1, "{after:?}");
    assert!(after > before, "{before:?} {after:?}");
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
