//! Connections go from the entrance to the data path with everything that has come by then, whatever the
//! listener speaks; and none does before it has sent a request.

use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::{Bytes, BytesMut};
use limpid_protocol::messages::{
    ApiVersionsRequest, MetadataRequest, MetadataResponse, SaslAuthenticateRequest,
    SaslHandshakeRequest,
};
use limpid_protocol::{Message, Reader, Request, RequestHeader, ResponseHeader};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::home::Home;
use crate::http_access_tls;
use crate::measured::at_least;
use crate::secured::fixture;

const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required";
const PASSWORD: &str = "correct-horse";
const PASSED: &str = "limpid_entrance_passed_total ";
const WAITING: &str = "limpid_entrance_connections ";
/// Requests behind the first one.
const BEHIND: usize = 5;

/// One of each kind, with a user ann.
fn home() -> (Home, tempfile::NamedTempFile) {
    let users = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        users.path(),
        format!("users={PLAIN} user_ann=\"{PASSWORD}\";\n"),
    )
    .unwrap();
    let secret = format!("${{file:{}:users}}", users.path().display());
    let user = |listener| format!("listener.name.{listener}.plain.sasl.jaas.config={secret}");
    let key_store = fixture("broker.pem");
    let key_store = format!("ssl.keystore.location={}", key_store.display());
    let settings = [
        "listeners=PLAINTEXT://127.0.0.1:0,SSL://localhost:0,SASL_PLAINTEXT://127.0.0.1:0,\
         SASL_SSL://localhost:0",
        "inter.broker.listener.name=PLAINTEXT",
        "sasl.enabled.mechanisms=PLAIN",
        "config.providers=file",
        "config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider",
        "limpid.worker.threads=1",
        &key_store,
        &user("sasl_ssl"),
        &user("sasl_plaintext"),
    ];
    (Home::with(&settings), users)
}

trait Wire: Read + Write {}
impl<S: Read + Write> Wire for S {}

fn connect(home: &Home, listener: &str) -> Box<dyn Wire> {
    let all = &home.server().addresses().kafka;
    let is_v4 =
        |(name, address): &&(String, std::net::SocketAddr)| name == listener && address.is_ipv4();
    let stream = TcpStream::connect(all.iter().find(is_v4).unwrap().1).unwrap();
    stream
        .set_read_timeout(Some(crate::home::PATIENCE))
        .unwrap();
    if !listener.ends_with("SSL") {
        return Box::new(stream);
    }
    let config = http_access_tls::client(&fixture("ca.pem"), None);
    let name = ServerName::try_from("localhost").unwrap();
    Box::new(StreamOwned::new(
        ClientConnection::new(config, name).unwrap(),
        stream,
    ))
}

fn frame<R: Request>(request: &R, version: i16, correlation_id: i32) -> Vec<u8> {
    let header = RequestHeader {
        api_key: R::KEY as i16,
        api_version: version,
        correlation_id,
        client_id: Some("early".to_owned()),
    };
    let mut bytes = BytesMut::new();
    header.encode(&mut bytes).unwrap();
    request.encode(&mut bytes, version).unwrap();
    let length = i32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[..], &bytes].concat()
}

/// The next answer, which is to this request.
fn answer<R: Request>(stream: &mut dyn Wire, version: i16, correlation_id: i32) -> R::Response {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut bytes = vec![0; usize::try_from(i32::from_be_bytes(length)).unwrap()];
    stream.read_exact(&mut bytes).unwrap();
    let mut reader = Reader::new(Bytes::from(bytes));
    let header = ResponseHeader::decode(&mut reader, R::KEY.response_header_version(version));
    assert_eq!(header.unwrap().correlation_id, correlation_id);
    R::Response::decode(&mut reader, version).unwrap()
}

fn login() -> Vec<u8> {
    let handshake = SaslHandshakeRequest {
        mechanism: "PLAIN".into(),
    };
    let authenticate = SaslAuthenticateRequest {
        auth_bytes: format!("\0ann\0{PASSWORD}").into_bytes().into(),
    };
    [frame(&handshake, 1, -2), frame(&authenticate, 2, -1)].concat()
}

#[test]
fn what_comes_with_the_first_request_is_answered_too() {
    let (home, _users) = home();
    home.client().create("t");
    let passed = at_least(&home, PASSED, 1.0);
    let listeners = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];
    for (others, listener) in listeners.into_iter().enumerate() {
        let mut stream = connect(&home, listener);
        let logs_in = listener.starts_with("SASL");
        let mut all = if logs_in { login() } else { Vec::new() };
        all.extend(frame(&ApiVersionsRequest::default(), 0, 0));
        let metadata = MetadataRequest {
            topics: None,
            ..MetadataRequest::default()
        };
        for number in 1..=BEHIND {
            all.extend(frame(&metadata, 9, number as i32));
        }
        // The last one comes in two pieces.
        let (first, rest) = all.split_at(all.len() - 7);
        stream.write_all(first).unwrap();
        stream.flush().unwrap();
        if logs_in {
            assert_eq!(
                answer::<SaslHandshakeRequest>(&mut *stream, 1, -2).error_code,
                0
            );
            assert_eq!(
                answer::<SaslAuthenticateRequest>(&mut *stream, 2, -1).error_code,
                0
            );
        }
        assert_eq!(
            answer::<ApiVersionsRequest>(&mut *stream, 0, 0).error_code,
            0
        );
        for number in 1..BEHIND {
            let told: MetadataResponse = answer::<MetadataRequest>(&mut *stream, 9, number as i32);
            assert_eq!(told.topics.len(), 1, "{listener}");
        }
        stream.write_all(rest).unwrap();
        stream.flush().unwrap();
        answer::<MetadataRequest>(&mut *stream, 9, BEHIND as i32);
        let expected = passed + 1.0 + others as f64;
        assert_eq!(at_least(&home, PASSED, expected), expected, "{listener}");
    }
}

#[test]
fn who_says_nothing_or_too_little_stays_at_the_entrance_until_the_end() {
    let (home, _users) = home();
    let half = frame(&ApiVersionsRequest::default(), 0, 0);
    let mut waiting: Vec<_> = ["PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL"]
        .map(|listener| connect(&home, listener))
        .into();
    at_least(&home, WAITING, 4.0);
    for stream in &mut waiting {
        stream.write_all(&half[..half.len() - 1]).unwrap();
        stream.flush().unwrap();
    }
    // Others are served meanwhile.
    home.client().create("t");
    assert_eq!(at_least(&home, PASSED, 1.0), 1.0);
    at_least(&home, WAITING, 4.0);
    assert_eq!(home.stop(), limpid_server::Stopped::Clean);
    for mut stream in waiting {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).ok();
        assert_eq!(rest, b"");
    }
}
