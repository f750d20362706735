//! Tests of listeners.

use super::*;

const DEFAULTS: ListenerKeys<'static> = ListenerKeys {
    listeners: "PLAINTEXT://localhost:9092",
    advertised: None,
    protocol_map: None,
    inter_broker_name: None,
    controller_names: "CONTROLLER",
    inter_broker_protocol: None,
    hostname: "box.example.com",
};

fn refused(keys: ListenerKeys<'_>) -> (&'static str, String) {
    resolve(&keys).unwrap_err()
}

#[test]
fn addresses_are_taken_apart() {
    let parsed = |text: &str| {
        let address = parse_address(text).unwrap();
        (address.name, address.host, address.port)
    };
    let host = |text: &str| Some(text.to_owned());
    assert_eq!(parsed("A://h:1"), ("A".into(), host("h"), 1));
    assert_eq!(parsed("A://:1"), ("A".into(), None, 1));
    assert_eq!(parsed("A://[::1]:1"), ("A".into(), host("::1"), 1));
    assert_eq!(parsed("A://::1:1"), ("A".into(), host("::1"), 1));
    assert_eq!(parsed("http://localhost:8080/").2, 8080);
    for wrong in [
        "",
        "A",
        "A://",
        "A://h",
        "A://h:",
        "A://h:x",
        "A://h:65536",
        "A://h:-1",
        "://h:1",
        "A B://h:1",
        "A://[::1:1",
        "A://a:b:1",
        "A://h h:1",
        "A:/h:1",
        "A://h/x:1",
    ] {
        assert!(parse_address(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_default_is_loopback_and_advertises_it() {
    let (listeners, inter_broker) = resolve(&DEFAULTS).unwrap();
    assert_eq!(listeners.len(), 1);
    assert_eq!(listeners[0].host.as_deref(), Some("localhost"));
    let advertised = Advertised {
        host: "localhost".into(),
        port: Some(9092),
    };
    assert_eq!(listeners[0].advertised, advertised);
    assert_eq!(inter_broker, "PLAINTEXT");
}

#[test]
fn a_listener_without_a_host_advertises_this_machine() {
    let keys = ListenerKeys {
        listeners: "PLAINTEXT://:9092",
        ..DEFAULTS
    };
    let (listeners, _) = resolve(&keys).unwrap();
    assert_eq!(listeners[0].host, None);
    assert_eq!(listeners[0].advertised.host, "box.example.com");
    let keys = ListenerKeys {
        listeners: "PLAINTEXT://127.0.0.1:0",
        ..DEFAULTS
    };
    assert_eq!(resolve(&keys).unwrap().0[0].advertised.port, None);
}

#[test]
fn the_unspecified_address_cannot_be_advertised() {
    let keys = ListenerKeys {
        listeners: "PLAINTEXT://0.0.0.0:9092",
        ..DEFAULTS
    };
    let (key, message) = refused(keys);
    assert_eq!(key, "listeners");
    assert!(message.contains("advertised.listeners"), "{message}");
    let keys = ListenerKeys {
        advertised: Some("PLAINTEXT://broker:9092"),
        ..keys
    };
    assert_eq!(resolve(&keys).unwrap().0[0].advertised.host, "broker");
    let keys = ListenerKeys {
        advertised: Some("PLAINTEXT://[::]:9092"),
        ..DEFAULTS
    };
    assert_eq!(refused(keys).0, "advertised.listeners");
}

#[test]
fn controller_listeners_are_left_out() {
    let keys = ListenerKeys {
        listeners: "PLAINTEXT://:9092,CONTROLLER://:9093",
        advertised: Some("PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"),
        ..DEFAULTS
    };
    let (listeners, _) = resolve(&keys).unwrap();
    assert_eq!(listeners.len(), 1);
    let keys = ListenerKeys {
        listeners: "CONTROLLER://:9093",
        ..DEFAULTS
    };
    assert_eq!(refused(keys).0, "listeners");
}

#[test]
fn names_have_protocols_and_only_plaintext_exists() {
    let keys = ListenerKeys {
        listeners: "internal://:9092,external://:9094",
        protocol_map: Some("INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT"),
        inter_broker_name: Some("internal"),
        ..DEFAULTS
    };
    let (listeners, inter_broker) = resolve(&keys).unwrap();
    let names: Vec<&str> = listeners
        .iter()
        .map(|listener| listener.name.as_str())
        .collect();
    assert_eq!(names, ["INTERNAL", "EXTERNAL"]);
    assert_eq!(inter_broker, "INTERNAL");

    let keys = ListenerKeys {
        protocol_map: None,
        ..keys
    };
    assert_eq!(refused(keys).0, "listener.security.protocol.map");
    for protocol in SecurityProtocol::ALL {
        let listener = format!("{}://:9093", protocol.name());
        let (listeners, _) = resolve(&ListenerKeys {
            listeners: &listener,
            ..DEFAULTS
        })
        .unwrap();
        assert_eq!(listeners[0].security, protocol);
    }
    let keys = ListenerKeys {
        protocol_map: Some("PLAINTEXT:TLS"),
        ..DEFAULTS
    };
    assert_eq!(refused(keys).0, "listener.security.protocol.map");
    let keys = ListenerKeys {
        protocol_map: Some("A:SSL,a:SSL"),
        ..DEFAULTS
    };
    assert_eq!(refused(keys).0, "listener.security.protocol.map");
    let keys = ListenerKeys {
        protocol_map: Some("A"),
        ..DEFAULTS
    };
    assert_eq!(refused(keys).0, "listener.security.protocol.map");
}

#[test]
fn names_and_ports_are_used_once() {
    for listeners in [
        "PLAINTEXT://:9092,plaintext://:9093",
        "PLAINTEXT://:9092,CONTROLLER://:9092",
        "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.2:9092",
        "PLAINTEXT://localhost:9092,CONTROLLER://[::1]:9092",
    ] {
        assert_eq!(
            refused(ListenerKeys {
                listeners,
                ..DEFAULTS
            })
            .0,
            "listeners",
            "{listeners}"
        );
    }
    for listeners in [
        "PLAINTEXT://127.0.0.1:9092,CONTROLLER://[::1]:9092",
        "PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0",
    ] {
        assert!(
            resolve(&ListenerKeys {
                listeners,
                ..DEFAULTS
            })
            .is_ok(),
            "{listeners}"
        );
    }
}

#[test]
fn what_is_advertised_must_be_listened_on_and_the_other_way_round() {
    let keys = ListenerKeys {
        advertised: Some("OTHER://h:1"),
        ..DEFAULTS
    };
    assert_eq!(refused(keys).0, "advertised.listeners");
    let keys = ListenerKeys {
        listeners: "PLAINTEXT://:1,B://:2",
        protocol_map: Some("PLAINTEXT:PLAINTEXT,B:PLAINTEXT"),
        advertised: Some("PLAINTEXT://h:1"),
        ..DEFAULTS
    };
    assert_eq!(refused(keys).0, "advertised.listeners");
}

#[test]
fn the_listener_of_brokers_is_named_once_and_exists() {
    let keys = ListenerKeys {
        inter_broker_name: Some("OTHER"),
        ..DEFAULTS
    };
    assert_eq!(refused(keys).0, "inter.broker.listener.name");
    let keys = ListenerKeys {
        inter_broker_name: Some("PLAINTEXT"),
        inter_broker_protocol: Some("PLAINTEXT"),
        ..DEFAULTS
    };
    assert_eq!(refused(keys).0, "inter.broker.listener.name");
    let keys = ListenerKeys {
        inter_broker_protocol: Some("SSL"),
        ..DEFAULTS
    };
    assert_eq!(refused(keys).0, "security.inter.broker.protocol");
}

#[test]
fn http_listeners_know_whether_they_are_loopback() {
    let loopback = |text: &str| parse_http_listeners(text).unwrap()[0].is_loopback();
    assert!(loopback("http://localhost:8080"));
    assert!(loopback("http://127.0.0.3:8080"));
    assert!(loopback("http://[::1]:8080"));
    assert!(!loopback("http://:8080"));
    assert!(!loopback("http://0.0.0.0:8080"));
    assert!(!loopback("http://localhost.example.com:8080"));
    assert_eq!(parse_http_listeners("").unwrap(), []);
    assert!(parse_http_listeners("ftp://localhost:8080").is_err());
    let both = parse_http_listeners("http://localhost:80, HTTPS://[::]:443").unwrap();
    assert!(!both[0].tls && both[1].tls);
    assert_eq!(both[1].to_string(), "https://[::]:443");
    let text = parse_http_listeners("http://[::1]:8080").unwrap()[0].to_string();
    assert_eq!(text, "http://[::1]:8080");
}
