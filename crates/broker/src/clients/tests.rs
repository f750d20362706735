use limpid_telemetry::{Registry, StageClock};

use super::*;

fn peer(name: Option<&str>) -> Peer {
    let address = ([127, 0, 0, 1], 9).into();
    let mut peer = Peer::new(address, "PLAINTEXT".into());
    if let Some(name) = name {
        peer.principal = Principal::user(name);
    }
    peer
}

fn served() -> Served {
    Served {
        bytes: (10, 20),
        failed: true,
        times: StageClock::start().finish(),
    }
}

#[test]
fn who_is_gone_makes_room_and_strangers_first() {
    let metrics = ClientMetrics::register(&Registry::new()).expect("an empty registry");
    let clients = Clients::new(metrics);
    let known = peer(Some("alice"));
    clients.connected().served(&known, Some("first"), &served());
    let stranger = peer(None);
    for i in 1..CLIENT_SERIES_MAX {
        let id = format!("stranger-{i}");
        clients.connected().served(&stranger, Some(&id), &served());
    }
    let mut held: Vec<CurrentClient> = Vec::new();
    for i in 1..CLIENT_SERIES_MAX {
        let mut client = clients.connected();
        client.served(&known, Some(&format!("known-{i}")), &served());
        held.push(client);
    }
    let has = |id: &str| {
        let inner = clients.inner.lock();
        inner.clients.keys().any(|key| &*key.2 == id)
    };
    assert_eq!(clients.inner.lock().clients.len(), CLIENT_SERIES_MAX);
    assert!(has("first"), "a stranger's place was taken before");
    assert!(!has("stranger-1"));
    let mut last = clients.connected();
    last.served(&stranger, Some("last"), &served());
    assert!(
        has("last") && !has("first"),
        "nobody holds the first any more"
    );
    let mut further = clients.connected();
    further.served(&stranger, Some("further"), &served());
    assert!(!has("further") && has(FURTHER), "all places are held");
}

#[test]
fn a_connection_is_counted_by_its_client_id_of_now() {
    let metrics = ClientMetrics::register(&Registry::new()).expect("an empty registry");
    let clients = Clients::new(metrics.clone());
    let peer = peer(Some("alice"));
    let mut client = clients.connected();
    client.served(&peer, Some("one"), &served());
    client.served(&peer, Some("one"), &served());
    client.served(&peer, None, &served());
    client.throttled(1_500);
    let of = |id| ("PLAINTEXT", "User:alice", id);
    assert_eq!(metrics.requests.bind(of("one")).get(), 2);
    assert_eq!(metrics.errors.bind(of("one")).get(), 2);
    assert_eq!(metrics.request_bytes.bind(of("")).get(), 10);
    assert_eq!(metrics.response_bytes.bind(of("")).get(), 20);
    assert!((metrics.throttled.bind(of("")).get() - 1.5).abs() < 1e-9);
}

#[test]
fn who_is_there_is_told_with_what_they_do() {
    let metrics = ClientMetrics::register(&Registry::new()).expect("an empty registry");
    let clients = Clients::new(metrics);
    let peer = peer(Some("alice"));
    peer.software
        .set(("librdkafka".to_owned(), "2.3.0".to_owned()))
        .expect("told once");
    let mut one = clients.connected();
    let mut two = clients.connected();
    one.served(&peer, Some("a"), &served());
    two.served(&peer, Some("a"), &served());
    clients.connected().served(&peer, Some("b"), &served());
    let seen = clients.look(Duration::from_secs(1));
    let told: Vec<_> = seen
        .iter()
        .map(|c| (c.client_id.as_str(), c.connections, c.requests, c.errors))
        .collect();
    assert_eq!(told, [("a", 2, 2, 2), ("b", 0, 1, 1)]);
    assert_eq!(seen[0].host, "127.0.0.1");
    assert_eq!(seen[0].software.as_deref(), Some("librdkafka 2.3.0"));
    assert!(seen[0].requests_per_second > 0.0 && seen[0].bytes_out_per_second > 0.0);
    assert_eq!(seen[0].stages.len(), Stage::ALL.len());
    drop(one);
    two.served(&peer, Some("c"), &served());
    assert_eq!(clients.look(Duration::from_secs(1))[0].connections, 0);
}
