//! Tests of IncrementalAlterConfigs; what Kafka 4.3.0 does with each was tried with it.

use super::*;
use crate::load::LoadOptions;

fn config() -> Config {
    Config::load(LoadOptions::default()).unwrap().config
}

fn wish(key: &str, op: AlterOp, value: &str) -> Alteration {
    Alteration {
        key: key.to_owned(),
        op,
        value: Some(value.to_owned()),
    }
}

fn delete(key: &str) -> Alteration {
    Alteration {
        key: key.to_owned(),
        op: AlterOp::Delete,
        value: None,
    }
}

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn is_invalid_request<T: std::fmt::Debug>(result: Result<T, AlterError>) -> bool {
    matches!(result, Err(AlterError::InvalidRequest(_)))
}

fn is_invalid_config<T: std::fmt::Debug>(result: Result<T, AlterError>) -> bool {
    matches!(result, Err(AlterError::InvalidConfig(_)))
}

#[test]
fn codes_are_kafkas() {
    let ops = [
        AlterOp::Set,
        AlterOp::Delete,
        AlterOp::Append,
        AlterOp::Subtract,
    ];
    for (code, op) in (0..).zip(ops) {
        assert_eq!(AlterOp::from_code(code), Some(op));
    }
    assert_eq!(AlterOp::from_code(4), None);
    assert_eq!(AlterOp::from_code(-1), None);
}

#[test]
fn entries_are_set_and_deleted() {
    let config = config();
    let before = map(&[("retention.ms", "5"), ("flush.ms", "6")]);
    let wishes = [wish("retention.ms", AlterOp::Set, "7"), delete("flush.ms")];
    let after = topic(&config, &before, &wishes).unwrap();
    assert_eq!(after, map(&[("retention.ms", "7")]));
    let changes = difference(&before, &after);
    let expected = [
        ("retention.ms".to_owned(), Some("7".to_owned())),
        ("flush.ms".into(), None),
    ];
    assert_eq!(changes, expected);
    assert_eq!(difference(&after, &after), []);
    // deleting what is not there is no error, whatever it is called
    assert_eq!(
        topic(&config, &before, &[delete("nonsense")]).unwrap(),
        before
    );
}

#[test]
fn lists_are_added_to_and_taken_from() {
    let config = config();
    let step = |current: &[(&str, &str)], op, value: &str| {
        let after = topic(&config, &map(current), &[wish("cleanup.policy", op, value)]).unwrap();
        after["cleanup.policy"].clone()
    };
    // nobody set it: the default is what is added to
    assert_eq!(step(&[], AlterOp::Append, "compact"), "delete,compact");
    let both = [("cleanup.policy", "delete,compact")];
    assert_eq!(step(&both, AlterOp::Append, "compact"), "delete,compact");
    assert_eq!(step(&both, AlterOp::Subtract, "delete"), "compact");
    assert_eq!(step(&both, AlterOp::Subtract, "delete,compact"), "");
    assert_eq!(
        step(&[("cleanup.policy", "")], AlterOp::Append, "delete"),
        "delete"
    );
    let not_a_list = [wish("retention.ms", AlterOp::Append, "5")];
    assert!(is_invalid_config(topic(&config, &map(&[]), &not_a_list)));
    let unknown = [wish("nonsense", AlterOp::Append, "5")];
    assert!(is_invalid_config(topic(&config, &map(&[]), &unknown)));
    let foreign = [wish("cleanup.policy", AlterOp::Append, "shrink")];
    assert!(is_invalid_config(topic(&config, &map(&[]), &foreign)));
}

#[test]
fn the_brokers_default_is_what_a_topics_list_starts_from() {
    let options = LoadOptions {
        overrides: vec!["log.cleanup.policy=compact".into()],
        ..LoadOptions::default()
    };
    let config = Config::load(options).unwrap().config;
    let wishes = [wish("cleanup.policy", AlterOp::Append, "delete")];
    let after = topic(&config, &map(&[]), &wishes).unwrap();
    assert_eq!(after["cleanup.policy"], "compact,delete");
}

#[test]
fn requests_must_be_well_formed() {
    let config = config();
    let null = [Alteration {
        key: "retention.ms".into(),
        op: AlterOp::Set,
        value: None,
    }];
    assert!(is_invalid_request(topic(&config, &map(&[]), &null)));
    let twice = [
        wish("retention.ms", AlterOp::Set, "5"),
        delete("retention.ms"),
    ];
    assert!(is_invalid_request(topic(&config, &map(&[]), &twice)));
    let wrong = [wish("retention.ms", AlterOp::Set, "abc")];
    assert!(is_invalid_config(topic(&config, &map(&[]), &wrong)));
    let unknown = [wish("nonsense", AlterOp::Set, "5")];
    assert!(is_invalid_config(topic(&config, &map(&[]), &unknown)));
}

#[test]
fn brokers_take_only_dynamic_entries() {
    let config = config();
    let one = |wishes: &[Alteration]| broker(&config, BrokerScope::One, &map(&[]), wishes);
    let all = |wishes: &[Alteration]| broker(&config, BrokerScope::All, &map(&[]), wishes);
    assert!(one(&[wish("num.io.threads", AlterOp::Set, "4")]).is_ok());
    assert!(is_invalid_request(one(&[wish(
        "num.io.threads",
        AlterOp::Set,
        "0"
    )])));
    assert!(is_invalid_config(one(&[wish(
        "num.io.threads",
        AlterOp::Append,
        "3"
    )])));
    assert!(is_invalid_request(one(&[wish(
        "log.retention.hours",
        AlterOp::Set,
        "4"
    )])));
    assert!(is_invalid_request(one(&[wish(
        "node.id",
        AlterOp::Set,
        "4"
    )])));
    let listeners = [wish(
        "listeners",
        AlterOp::Set,
        "PLAINTEXT://127.0.0.1:9092",
    )];
    assert!(is_invalid_request(all(&listeners)));
    assert!(one(&listeners).is_ok());
    // keys that nobody knows are kept for whoever does, as Kafka keeps them
    assert!(one(&[wish("my.other", AlterOp::Set, "1")]).is_ok());
    assert!(
        all(&[wish(
            "leader.replication.throttled.rate",
            AlterOp::Set,
            "100"
        )])
        .is_ok()
    );
    assert!(is_invalid_request(one(&[wish(
        "ssl.keystore.password",
        AlterOp::Set,
        "pw"
    )])));
    let prefixed = "listener.name.plaintext.ssl.keystore.password";
    assert!(one(&[wish(prefixed, AlterOp::Set, "pw")]).is_ok());
    let policy = all(&[wish("log.cleanup.policy", AlterOp::Append, "compact")]).unwrap();
    assert_eq!(policy["log.cleanup.policy"], "delete,compact");
}

#[test]
fn entries_must_be_right_together() {
    let config = config();
    let wishes = [wish(
        "max.connections.per.ip.overrides",
        AlterOp::Set,
        "nonsense",
    )];
    let refused = broker(&config, BrokerScope::All, &map(&[]), &wishes);
    assert!(is_invalid_request(refused));
}

#[test]
fn pools_of_threads_double_or_halve_at_most() {
    let altered = |key: &str, value: &str| {
        let wishes = [wish(key, AlterOp::Set, value)];
        broker(&config(), BrokerScope::One, &BTreeMap::new(), &wishes)
    };
    for (key, value) in [
        ("num.io.threads", "17"),
        ("num.io.threads", "3"),
        ("log.cleaner.threads", "3"),
        ("background.threads", "21"),
    ] {
        assert!(is_invalid_request(altered(key, value)), "{key}={value}");
    }
    for (key, value) in [
        ("num.io.threads", "16"),
        ("num.io.threads", "4"),
        ("log.cleaner.threads", "2"),
    ] {
        assert!(altered(key, value).is_ok(), "{key}={value}");
    }
}

#[test]
fn each_cleaner_has_a_megabyte() {
    let key = "log.cleaner.dedupe.buffer.size";
    let altered =
        |wishes: &[Alteration]| broker(&config(), BrokerScope::One, &BTreeMap::new(), wishes);
    assert!(is_invalid_request(altered(&[wish(key, AlterOp::Set, "1")])));
    let one = wish(key, AlterOp::Set, "1048576");
    assert!(altered(std::slice::from_ref(&one)).is_ok());
    let two = wish("log.cleaner.threads", AlterOp::Set, "2");
    assert!(is_invalid_request(altered(&[one, two])));
}

#[test]
fn of_a_subscription_only_wrong_selectors_are_wrong_settings() {
    let altered = |key: &str, value: &str| {
        client_metrics(&BTreeMap::new(), &[wish(key, AlterOp::Set, value)])
    };
    assert!(is_invalid_request(altered("interval.ms", "1")));
    assert!(is_invalid_request(altered("no.such", "1")));
    assert!(is_invalid_config(altered("match", "fish=1")));
}

#[test]
fn the_controllers_listener_stays() {
    let with_controller = "PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2";
    let options = LoadOptions {
        overrides: vec![
            format!("listeners={with_controller}"),
            "advertised.listeners=PLAINTEXT://h:1".to_owned(),
        ],
        ..LoadOptions::default()
    };
    let named = Config::load(options).unwrap().config;
    let listen = |config: &Config, value: &str| {
        let wishes = [wish("listeners", AlterOp::Set, value)];
        broker(config, BrokerScope::One, &map(&[]), &wishes)
    };
    assert!(is_invalid_request(listen(
        &named,
        "PLAINTEXT://127.0.0.1:9"
    )));
    let moved = "PLAINTEXT://127.0.0.1:9,CONTROLLER://127.0.0.1:2";
    assert!(listen(&named, moved).is_ok());
    // Limpid needs none, and a configuration without stays without.
    assert!(listen(&config(), "PLAINTEXT://127.0.0.1:9").is_ok());
}
