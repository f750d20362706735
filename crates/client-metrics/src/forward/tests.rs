use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use limpid_protocol::Uuid;
use limpid_telemetry::Registry;

use super::{Forwarder, QUEUE_BYTES_MAX, identified};
use crate::client::Client;
use crate::metrics::{Forwarded, PushMetrics};
use crate::otlp::tests::{attribute, gauge, metrics_data};

fn client() -> Client {
    Client {
        instance: Uuid::from_bytes([5; 16]),
        id: "orders".to_owned(),
        software_name: "librdkafka".to_owned(),
        software_version: String::new(),
        address: "127.0.0.1".to_owned(),
        port: 4242,
    }
}

fn push() -> Vec<u8> {
    metrics_data(
        &[attribute(1, "group_id", "billing")],
        &[gauge("a.avg", 7, &[])],
    )
}

/// What a receiver reads in a push: attributes of the resource, and the numbers.
fn read(push: &[u8]) -> (Vec<String>, Vec<(String, f64)>) {
    let (mut resources, mut points) = (Vec::new(), Vec::new());
    crate::otlp::read(push, |resource, point| {
        resources.extend(resource.iter().map(|(key, value)| format!("{key}={value}")));
        points.push((point.metric.to_owned(), point.value));
        true
    })
    .unwrap();
    (resources, points)
}

#[test]
fn a_push_tells_who_it_is_from_and_is_the_same_otherwise() {
    let sent = identified(&push(), &client()).unwrap();
    let (resource, points) = read(&sent);
    assert_eq!(points, [("a.avg".to_owned(), 7.0)]);
    for expected in [
        "group_id=billing",
        "client_id=orders",
        "client_software_name=librdkafka",
        "client_source_address=127.0.0.1",
    ] {
        assert!(
            resource.iter().any(|r| r == expected),
            "{expected}: {resource:?}"
        );
    }
    assert!(
        !resource
            .iter()
            .any(|r| r.starts_with("client_software_version"))
    );
    assert!(identified(b"\x0a\xff", &client()).is_err(), "cut off");
    assert_eq!(identified(b"", &client()).unwrap(), b"");
}

/// Answers one POST; its head and body.
fn receive(stream: &mut TcpStream, status: &str) -> (String, Vec<u8>) {
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut piece).unwrap();
        bytes.extend_from_slice(&piece[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
        if bytes.len() >= end + 4 + length {
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            return (head, bytes.split_off(end + 4));
        }
    }
}

fn forwarder(address: impl std::fmt::Display) -> (Forwarder, PushMetrics) {
    let metrics = PushMetrics::register(&Registry::new()).unwrap();
    let endpoint = format!("http://{address}/v1/metrics");
    (
        Forwarder::new(&endpoint, None, metrics.clone()).unwrap(),
        metrics,
    )
}

fn counted(metrics: &PushMetrics) -> [u64; 3] {
    let of = |outcome| metrics.forwards.bind(outcome).get();
    [Forwarded::Sent, Forwarded::Failed, Forwarded::Dropped].map(of)
}

#[test]
fn a_receiver_gets_pushes_as_posts_of_protobuf() {
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let (forwarder, metrics) = forwarder(receiver.local_addr().unwrap());
    forwarder.forward(&client(), &push());
    let (mut stream, _) = receiver.accept().unwrap();
    let (head, body) = receive(&mut stream, "200 OK");
    assert!(head.starts_with("post /v1/metrics http/1.1"), "{head}");
    assert!(
        head.contains("content-type: application/x-protobuf"),
        "{head}"
    );
    assert_eq!(read(&body).1, [("a.avg".to_owned(), 7.0)]);
    forwarder.forward(&client(), &push());
    let (mut stream, _) = receiver.accept().unwrap();
    receive(&mut stream, "503 Service Unavailable");
    forwarder.pool.shutdown();
    assert_eq!(counted(&metrics), [1, 1, 0]);
    assert_eq!(metrics.forward_queued.get(), 0);
}

#[test]
fn a_receiver_that_is_gone_or_slow_costs_pushes_and_no_memory() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    let (gone, metrics) = forwarder(address);
    gone.forward(&client(), &push());
    gone.forward(&client(), b"not a push");
    gone.pool.shutdown();
    assert_eq!(counted(&metrics), [0, 1, 0]);

    // Accepts in its backlog and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (slow, metrics) = forwarder(silent.local_addr().unwrap());
    let large = metrics_data(&[attribute(1, "a", &"x".repeat(1 << 20))], &[]);
    for _ in 0..20 {
        slow.forward(&client(), &large);
    }
    assert!(counted(&metrics)[2] >= 12, "{:?}", counted(&metrics));
    let queued = usize::try_from(metrics.forward_queued.get()).unwrap();
    assert!(queued <= QUEUE_BYTES_MAX, "{queued}");
    drop(silent);
    // Ends soon: what waits is not sent any more.
    drop(slow);
    assert_eq!(counted(&metrics).iter().sum::<u64>(), 20);
}
