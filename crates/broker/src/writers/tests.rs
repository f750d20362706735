use std::sync::{Arc, LazyLock};
use std::time::Duration;

use limpid_platform::mixing::Mixing;

use super::{CurrentWriter, WRITERS_MAX, Writers, Wrote};
use crate::peer::Peer;

const SECOND: Duration = Duration::from_secs(1);

fn peer(host: u8) -> Peer {
    let address = ([10, 0, 0, host], 9).into();
    Peer::new(address, Arc::from("PLAINTEXT"))
}

fn wrote(writers: &Writers, who: (Option<&str>, &Peer), wrote: Wrote) {
    // All connections of a broker have the same hash.
    static MIXING: LazyLock<Mixing> = LazyLock::new(Mixing::default);
    writers.wrote(&mut CurrentWriter::new(*MIXING), who, wrote);
}

fn bytes(bytes: u64) -> Wrote {
    Wrote {
        bytes,
        records: 2,
        batches: 1,
        refused: 0,
    }
}

#[test]
fn writers_are_told_apart_and_ranked() {
    let writers = Writers::default();
    assert!(writers.look(SECOND).is_none(), "nobody wrote");
    let (one, two) = (peer(1), peer(2));
    for _ in 0..30 {
        wrote(&writers, (Some("big"), &one), bytes(700));
        wrote(&writers, (Some("small"), &one), bytes(200));
        wrote(&writers, (Some("small"), &two), bytes(100));
        writers.look(SECOND);
    }
    let seen = writers.look(Duration::ZERO).unwrap();
    let rows: Vec<_> = seen
        .writers
        .iter()
        .map(|w| (w.client_id.as_str(), w.host.as_str(), w.bytes, w.batches))
        .collect();
    let expected = [
        ("big", "10.0.0.1", 21_000, 30),
        ("small", "10.0.0.1", 6_000, 30),
        ("small", "10.0.0.2", 3_000, 30),
    ];
    assert_eq!(rows, expected);
    assert!((seen.largest_share().unwrap() - 0.7).abs() < 1e-6);
    let rate = seen.writers[0].bytes_per_second;
    assert!((600.0..=700.0).contains(&rate), "{rate}");
    assert_eq!(seen.writers[0].batch_bytes(), Some(700));
}

#[test]
fn who_is_silent_for_long_is_forgotten() {
    let writers = Writers::default();
    wrote(&writers, (None, &peer(1)), bytes(1 << 20));
    writers.look(60 * SECOND);
    let seen = writers.look(60 * SECOND).unwrap();
    assert!(seen.writers[0].bytes_per_second < 100.0);
    assert!(writers.look(3_600 * SECOND).is_none());
}

#[test]
fn there_are_never_more_than_the_limit() {
    let writers = Writers::default();
    for n in 0..10_000 {
        let client_id = format!("client-{n}{}", "x".repeat(1_000));
        wrote(&writers, (Some(&client_id), &peer(1)), bytes(100));
    }
    let seen = writers.look(SECOND).unwrap();
    assert_eq!(seen.writers.len(), WRITERS_MAX);
    assert!(seen.writers.iter().all(|w| w.client_id.len() <= 256));
    assert!(seen.largest_share().unwrap() < 0.01, "all are small");
}

#[test]
fn a_hot_key_is_found_and_uniform_ones_are_not_called_hot() {
    let writers = Writers::default();
    wrote(&writers, (None, &peer(1)), bytes(1));
    for n in 0..1_000_u32 {
        match n % 10 {
            0..5 => writers.sampled(Some(b"hot")),
            5..9 => writers.sampled(Some(&n.to_be_bytes())),
            _ => writers.sampled(None),
        }
    }
    let keys = &writers.look(Duration::ZERO).unwrap().keys;
    assert_eq!(
        (keys.sampled, keys.keys[0].key.as_slice()),
        (1_000, &b"hot"[..])
    );
    assert!((keys.hottest_share().unwrap() - 0.5).abs() < 0.01);
    assert!((keys.keyless - 0.1).abs() < 0.01);
    assert!(keys.keys.get(1).is_none_or(|second| second.share < 0.05));
}
