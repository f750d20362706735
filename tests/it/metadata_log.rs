//! The metadata log is kept as the configuration says.

use std::path::Path;

use crate::home::{Home, until};

/// The snapshots of the metadata log of a server in this folder.
fn snapshots(folder: &Path) -> Vec<String> {
    let folder = folder.join("data/__cluster_metadata-0");
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let names = files.map(|file| file.file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".checkpoint")).collect();
    names.sort();
    names
}

/// The snapshot that is there alone as soon as it is newer than another one. It is written after the
/// change was answered.
fn the_only_snapshot_after(home: &Home, before: &str) -> String {
    until(
        &format!("lone snapshot after {before:?}"),
        || match &snapshots(home.folder())[..] {
            [only] if only.as_str() > before => Some(only.clone()),
            _ => None,
        },
    )
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
    let before = snapshots(home.folder());
    home.client().create("first");
    // Whoever writes one after the answer has done it by the end.
    let folder = home.close();
    assert_eq!(snapshots(folder.path()), before);
}
