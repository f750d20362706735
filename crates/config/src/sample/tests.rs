//! Tests of the sample file.

use super::*;
use crate::load::LoadOptions;
use crate::{Config, broker};

fn load(text: &str) -> crate::Loaded {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sample.properties");
    std::fs::write(&path, text).unwrap();
    Config::load(LoadOptions {
        file: Some(path),
        ..LoadOptions::default()
    })
    .unwrap()
}

#[test]
fn the_sample_sets_nothing() {
    let loaded = load(&sample());
    assert!(loaded.config.statics().is_empty());
    assert_eq!(loaded.warnings, []);
}

#[test]
fn with_its_entries_uncommented_the_sample_is_the_default() {
    let mut text = String::new();
    for line in sample().lines() {
        let entry = line
            .strip_prefix('#')
            .filter(|rest| !rest.starts_with([' ', '#']));
        let Some(entry) = entry else { continue };
        let parsed = properties::parse(entry).unwrap().remove(0);
        let row = broker::find(&parsed.key).unwrap();
        assert_eq!(parsed.value, row.default.unwrap_or_default(), "{}", row.key);
        if row.default.is_some() {
            text.push_str(entry);
            text.push('\n');
        }
    }
    let loaded = load(&text);
    assert_eq!(loaded.warnings, []);
    let defaults = Config::load(LoadOptions::default()).unwrap();
    let mut ours = loaded.config.broker().clone();
    let theirs = defaults.config.broker().clone();
    // saying the default of log.dir is choosing a directory, and of flushing an interval
    assert!(!ours.storage.log_dirs_is_default);
    ours.storage.log_dirs_is_default = true;
    assert_eq!(ours.topic_defaults.flush_ms, Some(i64::MAX));
    ours.topic_defaults.flush_ms = None;
    assert_eq!(ours, theirs);
}

#[test]
fn every_entry_with_an_effect_is_in_the_sample_once() {
    let text = sample();
    for row in broker::DEFINITIONS.iter() {
        let entry = format!("\n#{}=", row.key);
        let count = text.matches(&entry).count();
        assert_eq!(count, usize::from(is_shown(row)), "{}", row.key);
    }
    assert!(
        text.lines()
            .all(|line| line.starts_with('#') || line.is_empty())
    );
    let mut comments = text.lines().filter(|line| line.starts_with("# "));
    assert!(comments.all(|line| line.chars().count() <= 100));
}
