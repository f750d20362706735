use std::collections::BTreeMap;

use super::{DEFINITIONS, find, resolve, server_synonym, validate};
use crate::broker;
use crate::config::Config;
use crate::load::LoadOptions;

fn config(pairs: &[(&str, &str)]) -> Config {
    let overrides = pairs.iter().map(|(key, value)| format!("{key}={value}"));
    let options = LoadOptions {
        overrides: overrides.collect(),
        ..LoadOptions::default()
    };
    Config::load(options).expect("loads").config
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    pairs.collect()
}

#[test]
fn keys_are_sorted_and_their_defaults_are_the_brokers() {
    assert!(DEFINITIONS.is_sorted_by_key(|row| row.key));
    for row in DEFINITIONS {
        if let Some(synonym) = server_synonym(row.key) {
            let behind = broker::find(&synonym).expect("there");
            assert_eq!(behind.default, row.default, "{synonym}");
        }
    }
    assert_eq!(server_synonym("share.isolation.level"), None);
    assert!(find("nothing").is_none());
}

#[test]
fn a_group_has_what_the_broker_has_until_it_sets_something_within_bounds() {
    let config = config(&[("group.consumer.session.timeout.ms", "50000")]);
    let settings = resolve(&config, &BTreeMap::new());
    assert_eq!(settings.consumer_session_timeout_ms, 50_000);
    let own = map(&[("consumer.session.timeout.ms", "46000")]);
    assert_eq!(validate(&config, &own), Ok(()));
    assert_eq!(resolve(&config, &own).consumer_session_timeout_ms, 46_000);
    for (key, value) in [
        ("consumer.session.timeout.ms", "44999"),
        ("consumer.session.timeout.ms", "60001"),
        ("consumer.heartbeat.interval.ms", "4999"),
        ("consumer.assignment.interval.ms", "-1"),
        ("share.auto.offset.reset", "by_duration:-P1D"),
        ("share.isolation.level", "some"),
        ("streams.num.standby.replicas", "3"),
        ("nothing", "1"),
    ] {
        assert!(validate(&config, &map(&[(key, value)])).is_err(), "{key}");
    }
    let late = map(&[("share.auto.offset.reset", "by_duration:P1DT2H")]);
    assert_eq!(validate(&config, &late), Ok(()));
}
