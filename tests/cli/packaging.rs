//! The settings in `packaging/` are settings of this binary.

use std::path::Path;

use crate::broker::{LIMPID, Process, command};

type Settings = Vec<(String, String)>;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join("packaging").join(path)).unwrap()
}

fn is_ours(name: &str) -> bool {
    name.starts_with("KAFKA_") || name.starts_with("LIMPID_")
}

/// `limpid config` accepts them without a word of warning.
fn accepts(settings: &Settings) {
    assert_eq!(said_about(settings), "");
    let mut mistyped = settings.clone();
    mistyped[0].0.push('X');
    assert_ne!(said_about(&mistyped), "", "a mistake would be noticed");
}

/// What `limpid config` has to say beside that all is well.
fn said_about(settings: &Settings) -> String {
    assert!(settings.len() >= 2, "{settings:?}");
    let mut check = command(LIMPID);
    check.arg("config").envs(settings.iter().cloned());
    let ended = Process::spawn(check).end();
    ended.assert_calm();
    ended.output.replace("the configuration is good\n", "")
}

#[test]
fn the_container_image_starts_with_settings_that_are_known() {
    let file = read("container/Containerfile");
    let lines = file.lines().filter_map(|line| line.strip_prefix("ENV "));
    let settings = lines.map(|line| {
        let (name, value) = line.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    });
    accepts(&settings.collect());
}

#[test]
fn the_compose_file_sets_what_is_known() {
    let file = read("compose/compose.yaml");
    let pairs = file.lines().filter_map(|line| line.trim().split_once(": "));
    let ours = pairs.filter(|(name, _)| is_ours(name));
    accepts(&ours.map(|(n, v)| (n.to_owned(), v.to_owned())).collect());
}

#[test]
fn the_stateful_set_sets_what_is_known() {
    let file = read("kubernetes/limpid.yaml");
    let lines: Vec<&str> = file.lines().map(str::trim).collect();
    let mut settings = Settings::new();
    for pair in lines.windows(2) {
        let name = pair[0].strip_prefix("- name: ").filter(|n| is_ours(n));
        let value = pair[1].strip_prefix("value: ");
        if let (Some(name), Some(value)) = (name, value) {
            let value = value.trim_matches('"');
            let value = value.replace("$(POD_NAME)", "limpid-0");
            settings.push((name.to_owned(), value.replace("$(POD_NAMESPACE)", "kafka")));
        }
    }
    assert_eq!(settings.len(), 8, "{settings:?}");
    accepts(&settings);
}

#[test]
fn the_unit_calls_commands_that_exist() {
    let file = read("systemd/limpid.service");
    let calls = file.lines().filter(|line| line.starts_with("ExecStart"));
    let mut known = 0;
    for call in calls {
        let words = call.split(' ').skip(1);
        let words: Vec<_> = words.filter(|w| !w.starts_with('/')).collect();
        let mut help = command(LIMPID);
        let names = words.iter().filter(|word| !word.starts_with("--"));
        help.args(names).arg("--help");
        let ended = Process::spawn(help).end();
        assert!(ended.status.success(), "{call}: {ended:?}");
        for option in words.iter().filter(|word| word.starts_with("--")) {
            assert!(ended.output.contains(option), "{call}: no {option}");
        }
        known += 1;
    }
    assert_eq!(known, 2);
}
