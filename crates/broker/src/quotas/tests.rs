use limpid_config::QuotaConfig;
use limpid_platform::clock::ManualClock;
use limpid_protocol::messages::ClientQuotaRecord;
use limpid_protocol::messages::client_quota_record::EntityData;
use limpid_telemetry::Registry;

use super::client::ClientQuotas;
use super::rules::{CLIENT_ID, USER};
use super::thread_time::ThreadTime;
use super::*;

/// Quotas that are set by hand, on a clock that is moved by hand.
pub fn quotas(registry: &Registry) -> (Arc<Quotas>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(0));
    let metrics = QuotaMetrics::register(registry).expect("an empty registry");
    let config = QuotaConfig {
        windows: 11,
        window_seconds: 1,
        controller_windows: 11,
        controller_window_seconds: 1,
    };
    let ticking: Arc<dyn Clock> = clock.clone();
    (Quotas::new(&config, ticking, metrics), clock)
}

/// Sets quotas: type and name of the only entity, key and value.
pub fn set(quotas: &Quotas, all: &[(&str, &str, &str, f64)]) {
    let record = |(kind, name, key, value): &(&str, &str, &str, f64)| ClientQuotaRecord {
        entity: vec![EntityData {
            entity_type: (*kind).to_owned(),
            entity_name: Some((*name).to_owned()),
        }],
        key: (*key).to_owned(),
        value: *value,
        remove: false,
    };
    let records: Vec<_> = all.iter().map(record).collect();
    quotas.set(Rules::new(records.iter()));
}

#[test]
fn the_longest_wait_is_told_and_kept() {
    let (quotas, clock) = quotas(&Registry::new());
    set(
        &quotas,
        &[
            (USER, "alice", "producer_byte_rate", 100.0),
            (USER, "alice", "consumer_byte_rate", 100.0),
        ],
    );
    let mut client = ClientQuotas::new(&quotas, "alice");
    let time = ThreadTime::new();
    let mut request = client.request(Some("app"), &time);
    assert_eq!(request.charge(QuotaKind::Produce, 1_000.0), 0);
    assert_eq!(request.throttle_time_ms(), 0);
    assert_eq!(request.hold(), None);
    assert_eq!(request.charge(QuotaKind::Fetch, 1_500.0), 5_000);
    assert_eq!(request.charge(QuotaKind::Produce, 100.0), 1_000);
    assert_eq!(request.throttle_time_ms(), 5_000);
    let hold = request.hold().expect("held back");
    assert_eq!((hold.kind, hold.ms), (QuotaKind::Fetch, 5_000));
    drop(client.begin(hold));
    // Another connection of the same user uses the same quota.
    let mut second = ClientQuotas::new(&quotas, "alice");
    let mut request = second.request(Some("another"), &time);
    assert_eq!(request.charge(QuotaKind::Produce, 100.0), 2_000);
    clock.advance(std::time::Duration::from_secs(20));
    assert_eq!(request.charge(QuotaKind::Produce, 100.0), 0);
    quotas.tick();
}

#[test]
fn who_has_not_logged_in_and_who_has_no_quota_waits_for_nothing() {
    let (quotas, _) = quotas(&Registry::new());
    let time = ThreadTime::new();
    let mut bob = ClientQuotas::new(&quotas, "bob");
    let mut request = bob.request(None, &time);
    assert_eq!(request.charge(QuotaKind::Produce, 1e12), 0);
    assert_eq!(request.fetch_bytes_max(), usize::MAX);
    set(&quotas, &[(CLIENT_ID, "app", "consumer_byte_rate", 10.0)]);
    let mut nobody = ClientQuotas::nobodys(&quotas);
    let mut request = nobody.request(Some("app"), &time);
    assert_eq!(request.charge(QuotaKind::Fetch, 1e12), 0);
    // The connection learns of the new quota with its next request.
    let mut request = bob.request(Some("app"), &time);
    assert_eq!(request.fetch_bytes_max(), 100);
    assert_eq!(request.charge(QuotaKind::Fetch, 200.0), 10_000);
    request.take_back(QuotaKind::Fetch, 200.0);
    assert_eq!(request.charge(QuotaKind::Fetch, 1.0), 0);
}

#[test]
fn permits_run_out_for_who_knows_the_error() {
    let (quotas, _) = quotas(&Registry::new());
    set(&quotas, &[(USER, "alice", "controller_mutation_rate", 1.0)]);
    let time = ThreadTime::new();
    let mut client = ClientQuotas::new(&quotas, "alice");
    let mut request = client.request(None, &time);
    let permits = request.permits(true);
    assert!(
        permits.take(20).is_ok(),
        "what is in the bucket may be overdrawn once"
    );
    assert_eq!(permits.wait_ms(), 0);
    let refusal = permits.take(1).expect_err("in debt");
    assert_eq!(
        refusal.code,
        limpid_protocol::ErrorCode::ThrottlingQuotaExceeded
    );
    assert_eq!(permits.wait_ms(), 9_000);
    let old = request.permits(false);
    assert!(old.take(1).is_ok());
    assert_eq!(old.wait_ms(), 10_000);
}

#[test]
fn who_had_too_much_is_not_admitted_and_did_not_have_it() {
    let (quotas, clock) = quotas(&Registry::new());
    set(&quotas, &[(USER, "alice", "consumer_byte_rate", 100.0)]);
    let time = ThreadTime::new();
    let mut client = ClientQuotas::new(&quotas, "alice");
    // A batch beyond every quota goes to who had nothing for long.
    let mut request = client.request(None, &time);
    assert!(request.admits_fetch(5_000));
    assert!(request.throttle_time_ms() > 0);
    let mut request = client.request(None, &time);
    assert!(!request.admits_fetch(100));
    let wait_ms = request.throttle_time_ms();
    assert!(wait_ms > 0);
    let mut request = client.request(None, &time);
    assert!(!request.admits_fetch(100));
    assert_eq!(request.throttle_time_ms(), wait_ms, "nothing was counted");
    clock.advance(std::time::Duration::from_secs(60));
    let mut request = client.request(None, &time);
    assert!(request.admits_fetch(900));
    assert_eq!(request.throttle_time_ms(), 0);
}
