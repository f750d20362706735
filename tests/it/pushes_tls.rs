//! Metrics that clients push, on their way to another receiver over TLS.

use std::net::TcpListener;

use limpid_protocol::messages::{GetTelemetrySubscriptionsRequest, PushTelemetryRequest};

use crate::home::Home;
use crate::measured::at_least;
use crate::secured::fixture;
use crate::traces_tls::{receive, turned_away};
use crate::watched::gauge;

/// A broker that sends pushes on to the listener, and one push.
fn home(listener: &TcpListener, more: &[&str]) -> Home {
    let port = listener.local_addr().unwrap().port();
    let key = "limpid.client.metrics.forward.endpoint";
    let endpoint = format!("{key}=https://localhost:{port}/v1/metrics");
    let home = Home::with(&[&[&*endpoint], more].concat());
    let mut client = home.client();
    let asked = client.call(&GetTelemetrySubscriptionsRequest::default(), 0);
    assert_eq!(asked.error_code, 0, "{asked:?}");
    let push = PushTelemetryRequest {
        client_instance_id: asked.client_instance_id,
        subscription_id: asked.subscription_id,
        terminating: false,
        compression_type: 0,
        metrics: gauge("org.apache.kafka.producer.bufferpool.wait.ratio", 0.25).into(),
    };
    let answer = client.call(&push, 0);
    assert_eq!(answer.error_code, 0, "{answer:?}");
    home
}

#[test]
fn a_receiver_is_believed_by_the_authority_that_was_named() {
    // What localhost is, is for the system to say: the listener takes both.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = fixture("ca.pem");
    let authority = format!(
        "limpid.client.metrics.forward.ca.file={}",
        authority.display()
    );
    let home = home(&listener, &[&authority]);
    let (head, body) = receive(&listener);
    assert!(head.starts_with("POST /v1/metrics HTTP/1.1\r\n"), "{head}");
    let text = String::from_utf8_lossy(&body);
    assert!(text.contains("bufferpool.wait.ratio"), "{text}");
    let sent = "limpid_client_metrics_forwards_total{outcome=\"sent\"} ";
    at_least(&home, sent, 1.0);
}

#[test]
fn a_receiver_that_nobody_vouches_for_gets_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let waiting = {
        let listener = listener.try_clone().unwrap();
        std::thread::spawn(move || turned_away(&listener))
    };
    let home = home(&listener, &[]);
    let failed = "limpid_client_metrics_forwards_total{outcome=\"failed\"} ";
    at_least(&home, failed, 1.0);
    // It hangs up without a word, in the middle of the handshake.
    let told = waiting.join().unwrap();
    let is_gone = told.contains("end of file") || told.contains("reset by peer");
    assert!(is_gone, "{told}");
}
