use super::*;
use crate::label::{LABEL_VALUE_BYTES_MAX, Text};

crate::label_enum! {
    enum Api {
        Produce = "Produce",
        Fetch = "Fetch",
    }
}
crate::label_enum! {
    enum Outcome {
        Good = "good",
        Bad = "bad",
        Ugly = "ugly",
    }
}

type Client = Text<3>;

crate::metrics! {
    struct Metrics {
        /// Requests.
        requests: counter { api: Api, outcome: Outcome } = "limpid_requests_total";
        /// Bytes.
        bytes: counter { client: Client } = "limpid_client_bytes_total",
            mbean "kafka.server:type=Fetch,client-id={client}" attribute "byte-total";
        /// Bytes per API.
        mixed: gauge { api: Api, client: Client } = "limpid_mixed_bytes";
    }
}

fn metrics() -> (Registry, Metrics) {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    (registry, metrics)
}

/// `labels value` of each series of a family.
fn series(registry: &Registry, name: &str) -> Vec<String> {
    let gathered = registry.prometheus().gather();
    let families = gathered.iter().filter(|f| f.name() == name);
    let metrics = families.flat_map(|f| f.get_metric().iter().map(|m| (f.get_field_type(), m)));
    let line = |(kind, m): (prometheus::proto::MetricType, &prometheus::proto::Metric)| {
        let labels: Vec<&str> = m.get_label().iter().map(|l| l.value()).collect();
        let value = match kind {
            prometheus::proto::MetricType::COUNTER => m.get_counter().get_value(),
            _ => m.get_gauge().get_value(),
        };
        format!("{} {value}", labels.join(","))
    };
    metrics.map(line).collect()
}

#[test]
fn a_registry_takes_a_subsystem_once_and_another_registry_is_independent() {
    let (registry, metrics) = metrics();
    let error = Metrics::register(&registry).unwrap_err();
    assert_eq!(
        error.to_string(),
        "metric limpid_requests_total can't be registered"
    );
    let (other, _other_metrics) = self::metrics();
    metrics.requests.bind((Api::Fetch, Outcome::Bad)).inc();
    assert_eq!(series(&registry, "limpid_requests_total"), ["Fetch,bad 1"]);
    assert!(series(&other, "limpid_requests_total").is_empty());
}

#[test]
fn a_table_finds_its_cells_without_mixing_them() {
    let (registry, metrics) = metrics();
    let table = metrics.requests.table();
    for (i, &api) in Api::ALL.iter().enumerate() {
        for (j, &outcome) in Outcome::ALL.iter().enumerate() {
            table.get((api, outcome)).inc_by((10 * i + j) as u64);
        }
    }
    table.get((Api::Fetch, Outcome::Ugly)).inc();
    let expected = [
        "Fetch,bad 11",
        "Fetch,good 10",
        "Fetch,ugly 13",
        "Produce,bad 1",
        "Produce,good 0",
        "Produce,ugly 2",
    ];
    assert_eq!(series(&registry, "limpid_requests_total"), expected);
}

#[test]
fn an_owned_series_dies_with_its_last_owner() {
    let (registry, metrics) = metrics();
    let one = metrics.bytes.own("a");
    let two = metrics.bytes.own("a");
    one.inc_by(5);
    assert_eq!(two.get(), 5);
    assert_eq!(
        registry
            .mbeans()
            .read("kafka.server:type=Fetch,client-id=a")
            .unwrap()
            .len(),
        1
    );
    drop(one);
    assert_eq!(series(&registry, "limpid_client_bytes_total"), ["a 5"]);
    drop(two);
    assert!(series(&registry, "limpid_client_bytes_total").is_empty());
    assert!(
        registry
            .mbeans()
            .read("kafka.server:type=Fetch,client-id=a")
            .is_none()
    );
    assert_eq!(metrics.bytes.own("a").get(), 0, "a new series starts at 0");
}

#[test]
fn a_bound_series_outlives_owners() {
    let (registry, metrics) = metrics();
    let owned = metrics.bytes.own("a");
    let bound = metrics.bytes.bind("a");
    drop(owned);
    bound.inc();
    let again = metrics.bytes.own_for(9, "a");
    again.inc();
    drop(again);
    assert_eq!(series(&registry, "limpid_client_bytes_total"), ["a 2"]);
}

#[test]
fn a_recreated_object_starts_a_new_series() {
    let (registry, metrics) = metrics();
    let old = metrics.bytes.own_for(1, "orders");
    old.inc_by(100);
    let new = metrics.bytes.own_for(2, "orders");
    new.inc();
    old.inc(); // the old object is still being torn down: counts into nowhere
    assert_eq!(series(&registry, "limpid_client_bytes_total"), ["orders 1"]);
    drop(old);
    assert_eq!(series(&registry, "limpid_client_bytes_total"), ["orders 1"]);
    drop(new);
    assert!(series(&registry, "limpid_client_bytes_total").is_empty());
}

#[test]
fn beyond_the_cap_text_becomes_other_and_room_comes_back() {
    let (registry, metrics) = metrics();
    let held: Vec<_> = ["a", "b", "c"]
        .map(|c| metrics.bytes.own(c))
        .into_iter()
        .collect();
    let extra = metrics.bytes.own_for(7, "d");
    let more = metrics.bytes.own_for(8, "e");
    extra.inc();
    more.inc();
    held[0].inc();
    let all = ["a 1", "b 0", "c 0", "other 2"];
    assert_eq!(series(&registry, "limpid_client_bytes_total"), all);
    let dropped = ["limpid_client_bytes_total 2", "limpid_mixed_bytes 0"];
    assert_eq!(series(&registry, "limpid_series_dropped_total"), dropped);
    drop((held, extra, more));
    assert!(series(&registry, "limpid_client_bytes_total").is_empty());
    let d = metrics.bytes.own("d");
    d.inc();
    assert_eq!(series(&registry, "limpid_client_bytes_total"), ["d 1"]);
}

#[test]
fn overflow_keeps_enum_labels() {
    let (registry, metrics) = metrics();
    for client in ["a", "b", "c", "d"] {
        metrics.mixed.bind((Api::Fetch, client)).inc();
    }
    let all = ["Fetch,a 1", "Fetch,b 1", "Fetch,c 1", "Fetch,other 1"];
    assert_eq!(series(&registry, "limpid_mixed_bytes"), all);
}

#[test]
fn long_values_are_cut_at_a_character() {
    let (registry, metrics) = metrics();
    let owned = metrics
        .bytes
        .own(&format!("{}é", "x".repeat(LABEL_VALUE_BYTES_MAX - 1)));
    owned.inc();
    let expected = format!("{} 1", "x".repeat(LABEL_VALUE_BYTES_MAX - 1));
    assert_eq!(series(&registry, "limpid_client_bytes_total"), [expected]);
}

#[test]
fn owners_on_many_threads_leave_nothing_behind() {
    let (registry, metrics) = metrics();
    std::thread::scope(|scope| {
        for t in 0..8u128 {
            let metrics = &metrics;
            scope.spawn(move || {
                for i in 0..500u128 {
                    let name = ["a", "b", "c", "d"][(i % 4) as usize];
                    metrics.bytes.own_for(t % 2, name).inc();
                }
            });
        }
    });
    assert!(series(&registry, "limpid_client_bytes_total").is_empty());
    assert_eq!(metrics.bytes.series_count(), 0);
    assert!(
        !registry
            .mbeans()
            .names()
            .iter()
            .any(|n| n.contains("client-id"))
    );
}
