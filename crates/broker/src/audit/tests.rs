use std::time::Duration;

use limpid_platform::clock::ManualClock;
use limpid_telemetry::Registry;

use super::*;

fn denied(principal: &str) -> Record {
    let who = Who {
        principal: principal.to_owned(),
        ..Who::default()
    };
    let record = Record::new(Kind::Denied, who, "WRITE", "DENIED");
    record.about("topic", "orders")
}

fn repeats(window: Duration) -> (Repeats, Registry) {
    let registry = Registry::new();
    let metrics = AuditMetrics::register(&registry).expect("a fresh registry");
    (Repeats::new(window, metrics.repeats), registry)
}

#[test]
fn what_repeats_is_told_at_once_and_then_once_a_window() {
    let (mut repeats, _registry) = repeats(Duration::from_secs(60));
    let at = Duration::from_secs;
    assert!(repeats.add(denied("User:a"), at(0)).is_some());
    for _ in 0..41 {
        assert!(repeats.add(denied("User:a"), at(1)).is_none());
    }
    // Somebody else is something else.
    assert!(repeats.add(denied("User:b"), at(1)).is_some());
    assert!(repeats.over(at(59)).is_empty());
    let over = repeats.over(at(60));
    assert_eq!(over.len(), 1);
    assert_eq!(
        (over[0].count, over[0].who.principal.as_str()),
        (41, "User:a")
    );
    // It went on, so it has a window again; in that nothing happened, and it is forgotten.
    assert!(repeats.add(denied("User:a"), at(61)).is_none());
    assert_eq!(repeats.over(at(121))[0].count, 1);
    assert!(repeats.over(at(200)).is_empty());
    assert!(repeats.over(at(300)).is_empty());
    assert!(repeats.add(denied("User:a"), at(301)).is_some());
}

#[test]
fn whoever_is_beyond_the_limit_is_added_up_with_others() {
    let (mut repeats, _registry) = repeats(Duration::from_secs(60));
    let told = (0..3 * repeats::REPEATS_MAX).filter_map(|n| {
        let record = denied(&format!("User:{n}"));
        repeats.add(record, Duration::ZERO)
    });
    let told: Vec<Record> = told.collect();
    assert_eq!(told.len(), repeats::REPEATS_MAX + 1);
    assert_eq!(told[repeats::REPEATS_MAX].who.principal, "(others)");
    let over = repeats.over(Duration::from_secs(60));
    assert_eq!(over.len(), 1);
    assert_eq!(over[0].count, 2 * repeats::REPEATS_MAX as u64 - 1);
}

#[test]
fn texts_of_others_are_cut_and_secrets_are_not_shown() {
    let record = denied(&"ü".repeat(10_000));
    assert_eq!(record.who.principal.chars().count(), 513);
    let change = Change::new("alter", "broker", "1");
    let change = change.setting(
        "listener.name.x.ssl.key.password",
        Some("hush"),
        Some("psst"),
    );
    let text = serde_json::to_string(&change).expect("text");
    assert!(!text.contains("hush") && !text.contains("psst"), "{text}");
    assert_eq!(change.before.as_deref(), Some(limpid_config::REDACTED));
}

#[test]
fn a_request_of_many_changes_tells_the_first() {
    let mut changes = Changes::default();
    for n in 0..250 {
        changes.add(Change::new("delete", "topic", &format!("t{n}")));
    }
    let (told, left_out) = changes.take();
    assert_eq!((told.len(), left_out), (100, 150));
}

#[test]
fn what_finds_the_queue_full_is_counted() {
    let registry = Registry::new();
    let metrics = AuditMetrics::register(&registry).expect("a fresh registry");
    let clock = Arc::new(ManualClock::new(0));
    let audit = Audit::new(&metrics, Duration::from_secs(60), clock);
    audit.tell(denied("User:a"));
    assert_eq!(metrics.dropped.get(), 0, "the log alone drops nothing");
    let (sender, mut receiver) = mpsc::channel(2);
    audit.queue.set(sender).expect("no topic yet");
    (0..5).for_each(|_| audit.tell(denied("User:a")));
    assert_eq!(metrics.dropped.get(), 3);
    let json: serde_json::Value =
        serde_json::from_slice(&receiver.try_recv().expect("a record")).expect("JSON");
    assert_eq!(json["kind"], "denied");
    assert_eq!(json["resource"]["name"], "orders");
    assert_eq!(json["count"], 1);
}
