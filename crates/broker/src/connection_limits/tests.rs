use limpid_config::{Config, LoadOptions};
use limpid_platform::clock::ManualClock;
use limpid_telemetry::Registry;

use super::*;
use crate::quotas::rules::{CONNECTION_RATE, IP};
use crate::quotas::tests::{quotas, set};

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

struct Fixture {
    limits: Arc<ConnectionLimits>,
    quotas: Arc<Quotas>,
    clock: Arc<ManualClock>,
    settings: Arc<Settings>,
}

fn fixture(overrides: &[&str]) -> Fixture {
    let loaded = Config::load(LoadOptions {
        overrides: overrides.iter().map(|text| (*text).to_owned()).collect(),
        ..LoadOptions::default()
    });
    let config = loaded.expect("a configuration").config;
    let registry = Registry::new();
    let (quotas, clock) = quotas(&registry);
    let settings = Arc::new(Settings::new(config));
    let metrics = ConnectionLimitMetrics::register(&registry).expect("an empty registry");
    let ticking: Arc<dyn Clock> = clock.clone();
    let limits =
        ConnectionLimits::new(Arc::clone(&settings), Arc::clone(&quotas), ticking, metrics);
    Fixture {
        limits,
        quotas,
        clock,
        settings,
    }
}

/// Whether a connection is let in, refused, or must wait (`None`).
async fn now(listener: &ListenerLimits) -> Option<Result<ConnectionGuard, NotLetIn>> {
    tokio::select! {
        biased;
        done = listener.admit(HOME) => Some(done),
        () = tokio::task::yield_now() => None,
    }
}

#[tokio::test]
async fn an_address_has_its_own_limit() {
    let f = fixture(&[
        "max.connections.per.ip=2",
        "max.connections.per.ip.overrides=10.0.0.1:0",
    ]);
    let listener = f.limits.listener(&"PLAINTEXT".into());
    let one = listener.admit(HOME).await;
    let two = listener.admit(HOME).await;
    assert!(one.is_ok() && two.is_ok());
    let mapped = "::ffff:127.0.0.1".parse().expect("an address");
    for address in [HOME, mapped, [10, 0, 0, 1].into()] {
        let refused = listener.admit(address).await.err();
        assert_eq!(refused, Some(NotLetIn::TooMany), "{address}");
    }
    drop(two);
    assert!(listener.admit(HOME).await.is_ok());
    f.limits.tick();
    assert_eq!(f.limits.open(), 1);
}

#[tokio::test]
async fn at_the_limit_new_ones_wait_until_one_ends() {
    let f = fixture(&["max.connections=1"]);
    let listener = f.limits.listener(&"PLAINTEXT".into());
    let other = f.limits.listener(&"OTHER".into());
    let first = other.admit(HOME).await.expect("the first is let in");
    // Two listeners: the one of the brokers is not held back by the other.
    let second = listener.admit(HOME).await.expect("the brokers' is let in");
    assert!(now(&other).await.is_none());
    let waiting = tokio::spawn({
        let other = other.clone();
        async move { other.admit(HOME).await.is_ok() }
    });
    tokio::task::yield_now().await;
    drop(second);
    tokio::task::yield_now().await;
    drop(first);
    assert!(waiting.await.expect("the task ends"));
}

#[tokio::test]
async fn a_raised_limit_is_seen_by_who_waits() {
    let f = fixture(&[
        "listeners=PLAINTEXT://:9092,OTHER://:9093",
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT",
        "listener.name.other.max.connections=1",
    ]);
    let other = f.limits.listener(&"OTHER".into());
    let _first = other.admit(HOME).await.expect("the first is let in");
    assert!(now(&other).await.is_none());
    let altered = [("listener.name.other.max.connections", "2")];
    let altered = altered.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let config = f
        .settings
        .current()
        .with_dynamic(altered.into(), Default::default());
    f.settings.replace(config.expect("a configuration"));
    f.limits.tick();
    assert!(other.admit(HOME).await.is_ok());
}

#[tokio::test]
async fn too_fast_a_listener_waits_and_an_address_is_refused() {
    let f = fixture(&["max.connection.creation.rate=2"]);
    let listener = f.limits.listener(&"PLAINTEXT".into());
    for _ in 0..20 {
        let at_once = now(&listener).await.expect("ten seconds of two each");
        drop(at_once.expect("let in"));
    }
    // (21 / 10 - 2) / 2 * 10 s
    assert_eq!(listener.count_new(), Duration::from_millis(500));
    assert!(now(&listener).await.is_none(), "it waits now");

    set(&f.quotas, &[(IP, "127.0.0.1", CONNECTION_RATE, 1.0)]);
    f.clock.advance(Duration::from_secs(20));
    for _ in 0..10 {
        drop(listener.admit(HOME).await.expect("let in"));
    }
    let refused = listener.admit(HOME).await.err();
    assert_eq!(refused, Some(NotLetIn::TooFast(Duration::from_secs(1))));
    assert!(listener.admit([10, 0, 0, 1].into()).await.is_ok());
    f.clock.advance(Duration::from_secs(20));
    f.limits.tick();
    assert!(f.limits.used.lock().rates_from.is_empty());
    assert!(listener.admit(HOME).await.is_ok());
}
