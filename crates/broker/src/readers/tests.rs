use std::time::Duration;

use limpid_platform::clock::ManualClock;
use limpid_telemetry::Registry;

use super::*;

fn readers() -> (Arc<Readers>, Arc<ManualClock>, Peer) {
    let clock = Arc::new(ManualClock::new(0));
    let metrics = ReaderMetrics::register(&Registry::new()).unwrap();
    let peer = Peer::new("127.0.0.1:7".parse().unwrap(), "PLAINTEXT".into());
    (Readers::new(clock.clone(), metrics), clock, peer)
}

#[test]
fn gaps_are_those_between_an_answer_and_the_next_fetch() {
    let (readers, clock, peer) = readers();
    let mut current = readers.connected();
    assert_eq!(readers.get("c", "127.0.0.1"), None);
    current.answered(None);
    assert_eq!(readers.get("c", "127.0.0.1"), None, "that was no fetch");
    current.asks(&peer, "c");
    clock.advance(Duration::from_secs(100));
    let waits = readers.get("c", "/127.0.0.1").unwrap();
    assert_eq!((waits.silent_ms, waits.gap_ms), (0, 0), "its fetch waits");
    current.answered(Some(true));
    clock.advance(Duration::from_secs(70));
    let away = readers.get("c", "127.0.0.1").unwrap();
    assert_eq!((away.silent_ms, away.fetches), (70_000, 1));
    assert!(away.committed_only);
    current.asks(&peer, "c");
    current.answered(Some(false));
    let back = readers.get("c", "127.0.0.1").unwrap();
    assert_eq!((back.silent_ms, back.gap_ms), (0, 70_000));
    assert!(!back.committed_only);
    assert_eq!(readers.get("d", "127.0.0.1"), None);
    assert_eq!(readers.get("c", "127.0.0.2"), None);
}

#[test]
fn what_a_quota_costs_is_no_gap_and_a_connection_that_ends_is_none_either() {
    let (readers, clock, peer) = readers();
    let mut current = readers.connected();
    current.asks(&peer, "c");
    current.answered(None);
    clock.advance(Duration::from_secs(50));
    current.held_back(50_000);
    current.asks(&peer, "c");
    let held = readers.get("c", "127.0.0.1").unwrap();
    assert_eq!((held.held_back_ms, held.gap_ms), (50_000, 0));
    drop(current);
    assert_eq!(readers.get("c", "127.0.0.1"), None, "it is gone");
    clock.advance(Duration::from_secs(500));
    let mut again = readers.connected();
    again.asks(&peer, "c");
    assert_eq!(readers.get("c", "127.0.0.1").unwrap().gap_ms, 0);
}

#[test]
fn old_gaps_are_forgotten() {
    let (readers, clock, peer) = readers();
    let mut current = readers.connected();
    current.asks(&peer, "c");
    current.answered(None);
    clock.advance(Duration::from_secs(90));
    current.asks(&peer, "c");
    let gap = || readers.get("c", "127.0.0.1").unwrap().gap_ms;
    clock.advance(Duration::from_secs(300));
    readers.tick();
    assert_eq!(gap(), 90_000, "of the stretch before");
    clock.advance(Duration::from_secs(301));
    readers.tick();
    assert_eq!(gap(), 0);
}

#[test]
fn who_is_gone_makes_room_and_nobody_else_does() {
    let (readers, _, peer) = readers();
    let mut connected: Vec<CurrentReader> = Vec::new();
    for n in 0..READERS_MAX {
        let mut current = readers.connected();
        current.asks(&peer, &format!("c{n}"));
        connected.push(current);
    }
    let mut more = readers.connected();
    more.asks(&peer, "more");
    more.answered(None);
    assert_eq!(readers.get("more", "127.0.0.1"), None, "no room");
    connected.remove(3);
    let mut next = readers.connected();
    next.asks(&peer, "next");
    assert!(readers.get("next", "127.0.0.1").is_some());
    assert_eq!(readers.inner.lock().entries.len(), READERS_MAX);
}
