//! Bytes that no client would send: the sender is told or cut off, everybody else goes on.

use std::io::Write;

use bytes::{BufMut, BytesMut};
use limpid_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use limpid_protocol::{ApiKey, ErrorCode, Message, Reader, Request};

use crate::broker::{Broker, Setup};
use crate::wire::{Client, batch, frame, is_closed, key, produce_request, read_frame, topic_for};

/// A broker, and a client of it that must notice nothing.
struct Scene {
    broker: Broker,
    bystander: Client,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let setup = Setup::new(dir.path())
            .set("socket.request.max.bytes=1048576")
            .set("limpid.request.memory.bytes=8388608")
            .set("limpid.tail.cache.bytes=8388608")
            .set("limpid.connection.body.timeout.ms=1000");
        let broker = setup.start();
        let bystander = topic_for(&broker, "t", &[]);
        Self {
            broker,
            bystander,
            _dir: dir,
        }
    }

    /// The bystander is served and the process is in order.
    fn check(&mut self) {
        let (code, _) = self.bystander.produce("t", &[b"on we go"]).unwrap();
        assert_eq!(code, 0);
        assert_eq!(self.bystander.fetch("t", 0).unwrap().0, 0);
        self.broker.assert_well();
    }

    /// Sends bytes on a connection of their own; the broker answers something or closes.
    fn send(&self, bytes: &[u8]) -> Client {
        let mut client = Client::new(&self.broker);
        // the broker may close while this is still being written
        client.stream.write_all(bytes).ok();
        client
    }

    fn end(self) {
        self.broker.stop();
    }
}

/// Reproducible noise (SplitMix64).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> usize {
        usize::try_from(self.next() % limit).unwrap()
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

#[test]
fn lengths_that_no_request_has_close_the_connection() {
    let mut scene = Scene::new();
    for length in [i32::MIN, -1, 0, 1, 7, 1_048_577, 100 << 20, i32::MAX] {
        let mut client = scene.send(&length.to_be_bytes());
        assert!(is_closed(&mut client.stream), "{length}");
    }
    scene.check();
    scene.end();
}

#[test]
fn other_protocols_are_cut_off() {
    let mut scene = Scene::new();
    let tls_hello = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9\r\n",
        &tls_hello,
    ] {
        let mut client = scene.send(bytes);
        assert!(is_closed(&mut client.stream));
    }
    scene.check();
    scene.end();
}

#[test]
fn noise_closes_only_its_own_connection() {
    let mut scene = Scene::new();
    let mut noise = Noise(1);
    for round in 0..300 {
        let count = 1 + noise.below(2000);
        let mut bytes = noise.bytes(count);
        if round % 2 == 0 {
            // a frame of the right length, so that the noise reaches the decoders
            bytes = [&i32::try_from(count).unwrap().to_be_bytes()[..], &bytes].concat();
        }
        drop(scene.send(&bytes));
    }
    scene.check();
    scene.end();
}

#[test]
fn noise_behind_a_proper_header_is_answered_or_cut_off() {
    let mut scene = Scene::new();
    let mut noise = Noise(2);
    for api in ApiKey::ALL {
        for version in 0..=18 {
            let count = noise.below(300);
            let body = noise.bytes(count);
            let mut client = scene.send(&frame(key(api), version, 1, &body));
            client.stream.shutdown(std::net::Shutdown::Write).ok();
            assert!(is_closed(&mut client.stream), "{api} v{version}");
        }
    }
    scene.check();
    scene.end();
}

#[test]
fn counts_beyond_the_bytes_that_are_there_allocate_nothing() {
    let mut scene = Scene::new();
    let before = scene.broker.resident_bytes();
    // Metadata v1: an array of 2^31-1 topics; v12: the same as a varint; a string of 32 KiB
    let mut huge_varint = BytesMut::new();
    huge_varint.put_slice(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    let bodies: [(i16, i16, &[u8]); 6] = [
        (key(ApiKey::Metadata), 1, &i32::MAX.to_be_bytes()),
        (key(ApiKey::Metadata), 12, &huge_varint),
        (key(ApiKey::Metadata), 1, &[0, 0, 0, 1, 0x7f, 0xff]),
        (
            key(ApiKey::Produce),
            3,
            &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff],
        ),
        (key(ApiKey::CreateTopics), 0, &i32::MAX.to_be_bytes()),
        (
            key(ApiKey::ListOffsets),
            1,
            &[0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff],
        ),
    ];
    for _ in 0..20 {
        for (api, version, body) in bodies {
            let mut client = scene.send(&frame(api, version, 1, body));
            assert!(is_closed(&mut client.stream), "{api} v{version}");
        }
    }
    let grown = scene.broker.resident_bytes().saturating_sub(before);
    assert!(grown < 32 << 20, "grew by {grown} bytes");
    scene.check();
    scene.end();
}

#[test]
fn unknown_apis_and_versions_are_cut_off() {
    let mut scene = Scene::new();
    let requests = [
        (i16::MAX, 0),
        (-1, 0),
        (999, 3),
        (key(ApiKey::Produce), 99),
        (key(ApiKey::Fetch), -1),
    ];
    for (api, version) in requests {
        let mut client = scene.send(&frame(api, version, 1, &[0; 16]));
        assert!(is_closed(&mut client.stream), "{api} v{version}");
    }
    scene.check();
    scene.end();
}

#[test]
fn an_unknown_version_of_api_versions_gets_version_0_and_the_list() {
    let scene = Scene::new();
    for version in [5, 99, i16::MAX] {
        let mut client = scene.send(&frame(key(ApiKey::ApiVersions), version, 77, &[]));
        let mut reader = Reader::new(read_frame(&mut client.stream).unwrap());
        assert_eq!(reader.i32().unwrap(), 77);
        let response = ApiVersionsResponse::decode(&mut reader, 0).unwrap();
        assert_eq!(response.error_code, ErrorCode::UnsupportedVersion as i16);
        let own = response
            .api_keys
            .iter()
            .find(|api| api.api_key == key(ApiKey::ApiVersions));
        assert_eq!(own.unwrap().max_version, 4);
        // the connection lives, so that the client can ask again
        assert_eq!(
            client
                .call(&ApiVersionsRequest::default(), 0)
                .unwrap()
                .error_code,
            0
        );
    }
    scene.end();
}

#[test]
fn broken_batches_are_refused_and_nothing_is_appended() {
    let mut scene = Scene::new();
    let good = batch(&[b"one", b"two"]);
    let mut noise = Noise(3);
    let mut cases: Vec<Vec<u8>> = vec![Vec::new(), good[..good.len() - 1].to_vec(), vec![0; 61]];
    for _ in 0..100 {
        // beyond base offset (0-7) and leader epoch (12-15), which brokers write
        let at = 16 + noise.below(good.len() as u64 - 16);
        let mut broken = good.to_vec();
        broken[at] ^= 1 << noise.below(8);
        cases.push(broken);
    }
    for broken in cases {
        let request = produce_request("t", broken.clone().into());
        let mut client = Client::new(&scene.broker);
        if let Ok(response) = client.call(&request, 9) {
            let code = response.responses[0].partition_responses[0].error_code;
            assert_ne!(code, 0, "{broken:02x?}");
        }
    }
    assert_eq!(
        scene.bystander.fetch("t", 0).unwrap().1,
        1,
        "only the first record is there"
    );
    scene.check();
    scene.end();
}

#[test]
fn a_header_alone_is_no_request() {
    let mut scene = Scene::new();
    for api in ApiKey::ALL {
        let mut client = scene.send(&frame(key(api), 0, 1, &[]));
        client.stream.shutdown(std::net::Shutdown::Write).ok();
        assert!(is_closed(&mut client.stream), "{api}");
    }
    assert_eq!(<ApiVersionsRequest as Request>::KEY, ApiKey::ApiVersions);
    scene.check();
    scene.end();
}
