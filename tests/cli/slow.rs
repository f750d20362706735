//! Connections that are slow, silent or half open: each costs little and ends; others go on.

use std::io::Write;

use limpid_protocol::ApiKey;

use crate::broker::Setup;
use crate::wire::{Client, frame, is_closed, key, topic_for};

/// Enough to use the request memory up several times over, were it not shared out.
const SLOW_CLIENTS: usize = 64;
const FRAME_BYTES: usize = 4 << 20;

#[test]
fn requests_that_never_end_hold_little_and_are_closed_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Setup::new(dir.path())
        .set("socket.request.max.bytes=4194304")
        .set("limpid.request.memory.bytes=8388608")
        .set("limpid.tail.cache.bytes=4194304")
        .set("limpid.connection.body.timeout.ms=3000")
        .start();
    let mut bystander = topic_for(&broker, "t", &[]);
    let before = broker.resident_bytes();
    let head = frame(key(ApiKey::Produce), 9, 1, &[]);
    let mut slow: Vec<Client> = (0..SLOW_CLIENTS)
        .map(|_| {
            let mut client = Client::new(&broker);
            client.stream.set_nonblocking(true).unwrap();
            client
                .stream
                .write_all(&i32::try_from(FRAME_BYTES).unwrap().to_be_bytes())
                .unwrap();
            client.stream.write_all(&head[4..]).unwrap();
            client
        })
        .collect();
    // as much of each as the broker and the sockets take, short of the end
    let chunk = vec![0_u8; 64 << 10];
    let mut sent = vec![0; slow.len()];
    loop {
        let mut progress = false;
        for (client, sent) in slow.iter_mut().zip(&mut sent) {
            if *sent + chunk.len() < FRAME_BYTES - 1024
                && let Ok(count) = client.stream.write(&chunk)
            {
                *sent += count;
                progress |= count > 0;
            }
        }
        if !progress {
            break;
        }
    }
    // while they hang there, small requests are served
    for _ in 0..20 {
        assert_eq!(bystander.produce("t", &[b"on we go"]).unwrap().0, 0);
    }
    let grown = broker.resident_bytes().saturating_sub(before);
    assert!(
        grown < 48 << 20,
        "grew by {grown} bytes, the request memory is 8 MiB"
    );
    for client in &mut slow {
        client.stream.set_nonblocking(false).unwrap();
        assert!(is_closed(&mut client.stream));
    }
    assert_eq!(bystander.produce("t", &[b"on we go"]).unwrap().0, 0);
    broker.assert_well();
    broker.stop();
}

#[test]
fn silent_connections_are_closed_after_the_idle_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Setup::new(dir.path())
        .set("connections.max.idle.ms=300")
        .start();
    let mut silent: Vec<Client> = (0..20).map(|_| Client::new(&broker)).collect();
    let mut spoke = Client::new(&broker);
    spoke.topics().unwrap();
    for client in silent.iter_mut().chain([&mut spoke]) {
        assert!(is_closed(&mut client.stream));
    }
    broker.assert_well();
    broker.stop();
}

#[test]
fn half_closed_connections_get_their_answers() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Setup::new(dir.path()).start();
    topic_for(&broker, "t", &[]);
    let mut client = Client::new(&broker);
    let request = limpid_protocol::messages::MetadataRequest::default();
    client.send(&request, 12).unwrap();
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    client
        .answer::<limpid_protocol::messages::MetadataRequest>(12)
        .unwrap();
    assert!(is_closed(&mut client.stream));
    broker.stop();
}

#[test]
fn clients_that_do_not_read_their_answers_hold_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Setup::new(dir.path())
        .set("limpid.tail.cache.bytes=4194304")
        .start();
    let mut bystander = topic_for(&broker, "t", &[]);
    let big = vec![b'x'; 900_000];
    for _ in 0..4 {
        assert_eq!(bystander.produce("t", &[&big]).unwrap().0, 0);
    }
    let before = broker.resident_bytes();
    let request = crate::wire::fetch_request("t", 1, 0);
    let mut deaf: Vec<Client> = Vec::new();
    for _ in 0..20 {
        let mut client = Client::new(&broker);
        client.stream.set_nonblocking(true).unwrap();
        // until the broker stops reading, or a thousand are under way
        for _ in 0..1000 {
            if client.send(&request, 12).is_err() {
                break;
            }
        }
        deaf.push(client);
    }
    for _ in 0..20 {
        assert_eq!(bystander.produce("t", &[b"on we go"]).unwrap().0, 0);
    }
    let grown = broker.resident_bytes().saturating_sub(before);
    assert!(grown < 128 << 20, "grew by {grown} bytes");
    drop(deaf);
    broker.assert_well();
    broker.stop();
}
