//! Spans on their way to a collector over TLS.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::home::{Home, PATIENCE};
use crate::measured::at_least;
use crate::receiver::take_post;
use crate::secured::fixture;

/// A server of TLS with the broker's certificate, which is for localhost.
fn server() -> Arc<ServerConfig> {
    let path = fixture("broker.pem");
    let chain = CertificateDer::pem_file_iter(&path).unwrap();
    let chain = chain.collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(&path).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// Takes one POST over TLS; its head and its body.
pub fn receive(listener: &TcpListener) -> (String, Vec<u8>) {
    let (socket, _) = listener.accept().unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let connection = ServerConnection::new(server()).unwrap();
    take_post(&mut StreamOwned::new(connection, socket))
}

/// Why somebody who came over TLS did not stay.
pub fn turned_away(listener: &TcpListener) -> String {
    let (mut socket, _) = listener.accept().unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut connection = ServerConnection::new(server()).unwrap();
    let ended = connection.complete_io(&mut socket).and_then(|_| {
        let mut bytes = Vec::new();
        connection.complete_io(&mut socket)?;
        connection.reader().read_to_end(&mut bytes)
    });
    ended.unwrap_err().to_string()
}

fn home(listener: &TcpListener, more: &[&str]) -> Home {
    let port = listener.local_addr().unwrap().port();
    let endpoint = format!("limpid.otlp.endpoint=https://localhost:{port}");
    let settings = [
        &endpoint,
        "limpid.otlp.protocol=http/protobuf",
        "limpid.otlp.sampling.ratio=1",
    ];
    let home = Home::with(&[&settings, more].concat());
    let mut client = home.client();
    client.create("traced");
    client.produce("traced", b"v");
    home
}

#[test]
fn a_collector_is_believed_by_the_authority_that_was_named() {
    // What localhost is, is for the system to say: the listener takes both.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = format!("limpid.otlp.ca.file={}", fixture("ca.pem").display());
    let home = home(&listener, &[&authority]);
    let (head, body) = receive(&listener);
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    let text = String::from_utf8_lossy(&body);
    assert!(text.contains("limpid.cluster.name"), "{text}");
    at_least(&home, "limpid_traced_requests_exported_total ", 1.0);
}

#[test]
fn a_collector_that_nobody_vouches_for_gets_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let home = home(&listener, &[]);
    let waiting = std::thread::spawn(move || turned_away(&listener));
    let dropped = "limpid_traced_requests_dropped_total{cause=\"export\"} ";
    at_least(&home, dropped, 1.0);
    let told = waiting.join().unwrap();
    assert!(told.contains("UnknownCA"), "{told}");
}
