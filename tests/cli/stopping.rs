//! Signals: the drain, its end, and what a second signal does.

use std::io::Write;
use std::path::Path;

use rustix::process::Signal;

use crate::broker::{Broker, Setup};
use crate::wire::{Client, fetch_request, get, is_closed, topic_for};
use crate::{wait, wire};
use limpid_protocol::messages::FetchRequest;

const MARKER: &str = ".kafka_cleanshutdown";

fn marker_is_in(dir: &Path) -> bool {
    dir.join(MARKER).exists()
}

/// A connection that asks for far more than it reads: an answer to it is under way for as long as
/// the test wants, and the drain waits for that.
fn deaf_client(broker: &Broker) -> Client {
    let mut client = topic_for(broker, "big", &[]);
    for _ in 0..4 {
        assert_eq!(client.produce("big", &[&[b'x'; 900_000]]).unwrap().0, 0);
    }
    let mut deaf = Client::new(broker);
    for _ in 0..100 {
        deaf.send(&fetch_request("big", 1, 0), 12).unwrap();
    }
    wait::until_steady("the broker to be stuck in an answer", || {
        readable_bytes(&deaf) + wire::metric(broker.http, "limpid_requests_total")
    });
    assert!(readable_bytes(&deaf) > 0.0);
    deaf
}

/// Bytes that the system has received for a client and nobody has read.
fn readable_bytes(client: &Client) -> f64 {
    rustix::io::ioctl_fionread(&client.stream).unwrap() as f64
}

fn is_draining(broker: &Broker) -> bool {
    broker.process.output().contains("draining")
}

#[test]
fn sigterm_and_sigint_end_cleanly_and_leave_the_marker() {
    for signal in [Signal::TERM, Signal::INT] {
        let dir = tempfile::tempdir().unwrap();
        let setup = Setup::new(dir.path());
        let broker = setup.start();
        topic_for(&broker, "t", &[]);
        let idle = Client::new(&broker);
        assert!(
            !marker_is_in(dir.path()),
            "the marker is for brokers that do not run"
        );
        broker.signal(signal);
        let ended = broker.process.end();
        ended.assert_calm();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        assert!(marker_is_in(dir.path()), "{ended:?}");
        drop(idle);
        let broker = setup.start();
        assert!(
            !broker.process.output().contains("recovered"),
            "{}",
            broker.process.output()
        );
        assert_eq!(Client::new(&broker).fetch("t", 0).unwrap().1, 1);
        broker.stop();
    }
}

#[test]
fn a_parked_fetch_is_answered_when_the_broker_stops() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Setup::new(dir.path()).start();
    let mut client = topic_for(&broker, "t", &[]);
    client.send(&fetch_request("t", 1, 60_000), 12).unwrap();
    // the answer to a later request on another connection tells that this one was read
    Client::new(&broker).topics().unwrap();
    broker.signal(Signal::TERM);
    let answer = client.answer::<FetchRequest>(12).unwrap();
    assert_eq!(answer.responses[0].partitions[0].records.concat(), b"");
    let ended = broker.process.end();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

#[test]
fn a_request_that_did_not_come_whole_holds_up_no_stop() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Setup::new(dir.path())
        .set("limpid.connection.body.timeout.ms=600000")
        .start();
    let mut client = Client::new(&broker);
    client.stream.write_all(&1000_i32.to_be_bytes()).unwrap();
    client.stream.write_all(&[0; 100]).unwrap();
    let ended = broker.stop();
    assert!(!ended.output.contains("cut off"), "{ended:?}");
    assert!(is_closed(&mut client.stream));
}

#[test]
fn a_draining_broker_is_not_ready_and_takes_no_connections() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Setup::new(dir.path()).start();
    let deaf = deaf_client(&broker);
    broker.signal(Signal::TERM);
    wait::until_true("the drain to begin", || is_draining(&broker));
    wait::until_true("/readyz to say so", || {
        get(broker.http, "/readyz").is_ok_and(|(status, _)| status == 503)
    });
    assert_eq!(get(broker.http, "/healthz").unwrap().0, 200);
    wait::until_true("the listener to close", || {
        std::net::TcpStream::connect(broker.kafka).is_err()
    });
    drop(deaf);
    let ended = broker.process.end();
    ended.assert_calm();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(marker_is_in(dir.path()));
}

#[test]
fn a_drain_that_takes_too_long_is_cut_off_and_still_clean() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Setup::new(dir.path())
        .set("limpid.drain.timeout.ms=300")
        .start();
    let mut deaf = deaf_client(&broker);
    let ended = broker.stop();
    assert!(
        ended.output.contains("limpid.drain.timeout.ms"),
        "{ended:?}"
    );
    assert!(marker_is_in(dir.path()));
    assert!(is_closed(&mut deaf.stream));
}

#[test]
fn a_second_signal_ends_at_once_without_the_marker() {
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup::new(dir.path());
    let broker = setup.start();
    topic_for(&broker, "t", &[]);
    let deaf = deaf_client(&broker);
    broker.signal(Signal::TERM);
    wait::until_true("the drain to begin", || is_draining(&broker));
    broker.signal(Signal::TERM);
    let ended = broker.process.end();
    ended.assert_calm();
    assert_eq!(ended.status.code(), Some(143), "{ended:?}");
    assert!(!marker_is_in(dir.path()));
    drop(deaf);
    // nothing is lost by that: the next start recovers
    let broker = setup.start();
    assert_eq!(Client::new(&broker).fetch("t", 0).unwrap().1, 1);
    broker.stop();
}

#[test]
fn sighup_does_not_end_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Setup::new(dir.path()).start();
    broker.signal(Signal::HUP);
    wait::until_true("SIGHUP to be noticed", || {
        broker.process.output().contains("SIGHUP")
    });
    broker.assert_well();
    broker.stop();
}

#[test]
fn as_process_1_of_a_namespace_it_stops_like_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let mut words = vec!["unshare"];
    if !rustix::process::geteuid().is_root() {
        words.extend(["--user", "--map-root-user"]);
    }
    words.extend(["--pid", "--fork", "--mount-proc"]);
    let broker = Setup::new(dir.path()).through(&words).start();
    let status = std::fs::read_to_string(format!("/proc/{}/status", broker.pid())).unwrap();
    let inner = status
        .lines()
        .find(|line| line.starts_with("NSpid:"))
        .unwrap();
    assert_eq!(inner.split_whitespace().next_back(), Some("1"), "{inner}");
    topic_for(&broker, "t", &[]);
    let ended = broker.stop();
    assert!(marker_is_in(dir.path()), "{ended:?}");
}
