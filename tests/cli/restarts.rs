//! How the last run ended, as the next one tells it: in metrics and on the overview.

use rustix::process::Signal;

use crate::broker::{Broker, Setup};
use crate::wire::{get, topic_for};

/// How often runs on this directory ended so.
fn restarts(broker: &Broker, reason: &str) -> Option<u64> {
    let (_, page) = get(broker.http, "/metrics").unwrap();
    let series = format!("limpid_restarts_total{{reason=\"{reason}\"}} ");
    let line = page.lines().find_map(|line| line.strip_prefix(&series));
    line.and_then(|count| count.trim().parse().ok())
}

fn last_exit(broker: &Broker) -> serde_json::Value {
    let (_, body) = get(broker.http, "/c/local/?format=json").unwrap();
    let overview: serde_json::Value = serde_json::from_str(&body).unwrap();
    overview["start"]["last_exit"].clone()
}

#[test]
fn a_killed_broker_is_told_by_the_next_start_and_counted_over_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup::new(dir.path());
    let first = setup.start();
    assert_eq!(restarts(&first, "killed"), Some(0), "at 0 from the start");
    assert!(last_exit(&first).is_null(), "nothing ran here before");
    topic_for(&first, "t", &[]);
    first.signal(Signal::KILL);
    assert!(!first.process.end().status.success());

    let second = setup.start();
    assert_eq!(restarts(&second, "killed"), Some(1));
    assert_eq!(last_exit(&second), "killed");
    let (_, page) = get(second.http, "/c/local/").unwrap();
    assert!(
        page.contains("the run before was killed or crashed"),
        "{page}"
    );
    let (_, metrics) = get(second.http, "/metrics").unwrap();
    assert!(metrics.contains("limpid_last_exit_info{reason=\"killed\"} 1"));
    second.stop();

    let third = setup.start();
    assert_eq!(restarts(&third, "killed"), Some(1));
    assert_eq!(restarts(&third, "clean"), Some(1));
    assert_eq!(last_exit(&third), "clean");
    third.stop();

    // A second process that finds the directory in use changes nothing of what the first one wrote.
    let fourth = setup.start();
    setup.refused();
    fourth.signal(Signal::KILL);
    fourth.process.end();
    let fifth = setup.start();
    assert_eq!(restarts(&fifth, "killed"), Some(2));
    assert_eq!(restarts(&fifth, "failed"), Some(0));
    fifth.stop();
}
