use std::collections::BTreeMap;

use limpid_protocol::Uuid;

use super::*;

fn client(id: &str) -> Client {
    Client {
        instance: Uuid::ONE,
        id: id.to_owned(),
        software_name: "librdkafka".to_owned(),
        software_version: "2.6.0".to_owned(),
        address: "127.0.0.1".to_owned(),
        port: 5000,
    }
}

fn subscription(metrics: &str, interval_ms: &str, fit: &str) -> Subscription {
    let entries = [
        ("metrics", metrics),
        ("interval.ms", interval_ms),
        ("match", fit),
    ];
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    Subscription::new(&BTreeMap::from(entries.map(owned))).unwrap()
}

#[test]
fn all_that_fit_count_and_the_most_eager_says_when() {
    let stored = [
        subscription("b.,a.", "9000", "client_id=web"),
        subscription("c.", "5000", "client_software_version=2\\..*"),
        subscription("d.", "100", "client_source_port=1"),
    ];
    let web = wanted(&stored, true, 1, &client("web"));
    assert_eq!(
        (web.metrics.join(" "), web.interval_ms),
        ("a. b. c.".to_owned(), 5_000)
    );
    let other = wanted(&stored, true, 1, &client("other"));
    assert_eq!(
        (other.metrics.join(" "), other.interval_ms),
        ("c.".to_owned(), 5_000)
    );
    assert_ne!(web.id(&client("web")), other.id(&client("web")));
}

#[test]
fn everything_is_the_empty_prefix_alone() {
    let all = wanted(&[subscription("a.,*", "1000", "")], true, 1, &client("x"));
    assert_eq!(all.metrics, [""]);
}

#[test]
fn the_default_holds_where_nothing_is_stored() {
    let few = wanted(&[], true, 3, &client("x"));
    assert_eq!(
        (few.metrics.len(), few.interval_ms),
        (DEFAULT_METRICS.len(), 60_000)
    );
    assert_eq!(wanted(&[], true, 501, &client("x")).interval_ms, 300_000);
    assert_eq!(
        wanted(&[], false, 3, &client("x")).metrics,
        Vec::<String>::new()
    );
    let mut old = client("x");
    old.software_name = "apache-kafka-java".to_owned();
    old.software_version = "3.7.1".to_owned();
    assert_eq!(wanted(&[], true, 3, &old).metrics, Vec::<String>::new());
    old.software_version = "3.8.0".to_owned();
    assert_eq!(wanted(&[], true, 3, &old).interval_ms, 60_000);
    let silenced = [subscription("", "60000", "")];
    assert_eq!(
        wanted(&silenced, true, 3, &client("x")).metrics,
        Vec::<String>::new()
    );
}
