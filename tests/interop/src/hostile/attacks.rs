//! What a hostile client does, each in a process of its own until that is killed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use limpid_protocol::messages::metadata_request::MetadataRequestTopic;
use limpid_protocol::messages::{
    ApiVersionsRequest, MetadataRequest, SaslAuthenticateRequest, SaslHandshakeRequest,
};
use limpid_protocol::records::Codec;

use crate::chance::Chance;
use crate::process::pause;
use crate::talk;

/// A topic with more bytes than caches hold.
pub const BAIT: &str = "bait";
/// A topic to write to, which keeps little.
pub const DUMP: &str = "dump";
/// Connections of attacks that need many.
const MANY: usize = 2_000;
/// Connections of attacks whose requests are large.
const SOME: usize = 64;
/// Announced by requests that never come; `socket.request.max.bytes` is just as large.
const ANNOUNCED_BYTES: i32 = 100 << 20;
/// A record that `message.max.bytes` allows.
const LARGE_BYTES: usize = 1_000_000;
/// What a bomb becomes when it is decompressed: more than any record may have.
const BOMB_BYTES: usize = 64 << 20;

/// Where the victim listens.
#[derive(Debug, Clone)]
pub struct Target {
    /// The plain listener.
    pub plain: String,
    /// The listener that wants a login.
    pub login: String,
}

/// One thing that a hostile client does.
#[derive(Debug)]
pub struct Attack {
    /// A word for the command line.
    pub name: &'static str,
    /// For people.
    pub what: &'static str,
    /// Whether it goes on just the same when nobody answers.
    pub is_one_way: bool,
    /// Does it; never ends by itself.
    pub run: fn(&Target) -> Result<()>,
}

/// All of them.
pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "silent",
        what: "2,000 connections that say nothing",
        is_one_way: false,
        run: silent,
    },
    Attack {
        name: "announced",
        what: "2,000 connections that announce 100 MiB and send a byte of it",
        is_one_way: false,
        run: announced,
    },
    Attack {
        name: "trickle",
        what: "2,000 connections that send a request of 64 KiB a byte at a time",
        is_one_way: false,
        run: trickle,
    },
    Attack {
        name: "noise",
        what: "random bytes, with and without a length in front, on ever new connections",
        is_one_way: true,
        run: noise,
    },
    Attack {
        name: "unread",
        what: "64 connections that fetch 50 MiB again and again and read nothing",
        is_one_way: false,
        run: unread,
    },
    Attack {
        name: "flood",
        what: "64 connections that produce 1 MB records without reading an answer",
        is_one_way: true,
        run: flood,
    },
    Attack {
        name: "pipeline",
        what: "64 connections that ask for ApiVersions without reading an answer",
        is_one_way: false,
        run: pipeline,
    },
    Attack {
        name: "bomb",
        what: "64 connections that produce zstd batches of 64 MiB of zeros",
        is_one_way: false,
        run: bomb,
    },
    Attack {
        name: "names",
        what: "64 connections that ask for the metadata of 80,000 topics that do not exist",
        is_one_way: false,
        run: names,
    },
    Attack {
        name: "logins",
        what: "wrong passwords, each on a new connection",
        is_one_way: false,
        run: logins,
    },
];

/// Does one of them.
///
/// # Errors
/// There is none of that name.
pub fn attack(name: &str, target: &Target) -> Result<()> {
    let found = ATTACKS.iter().find(|attack| attack.name == name);
    let attack = found.with_context(|| format!("no attack is called {name}"))?;
    (attack.run)(target)
}

/// What is written in one call.
const PUSH_BYTES: usize = 32 * 1024;

/// A connection, as soon as there can be one.
fn connect(address: &str) -> TcpStream {
    loop {
        match talk::connect(address) {
            Ok(stream) => return stream,
            Err(_) => pause(Duration::from_millis(20)),
        }
    }
}

/// Connections on which `send` is called again and again without waiting for anything; those that the
/// broker closed are replaced.
fn crowd(address: &str, size: usize, mut send: impl FnMut(usize, &mut TcpStream) -> bool) -> ! {
    let open = || {
        let stream = connect(address);
        stream.set_nonblocking(true).ok();
        stream
    };
    let mut streams: Vec<TcpStream> = (0..size).map(|_| open()).collect();
    loop {
        for (which, stream) in streams.iter_mut().enumerate() {
            if !send(which, stream) {
                *stream = open();
            }
        }
        pause(Duration::from_millis(1));
    }
}

/// Writes what fits; false when the broker has closed. A little at a time: who is in a call is asked for the
/// processor by nobody, so a megabyte would keep the bystander from it who shares it, whatever the broker does.
fn push(stream: &mut TcpStream, bytes: &[u8]) -> (usize, bool) {
    let bytes = &bytes[..bytes.len().min(PUSH_BYTES)];
    match stream.write(bytes) {
        Ok(count) => (count, true),
        Err(error) => (0, error.kind() == std::io::ErrorKind::WouldBlock),
    }
}

fn silent(target: &Target) -> Result<()> {
    crowd(&target.plain, MANY, |_, stream| {
        !matches!(stream.read(&mut [0; 1]), Ok(0))
    })
}

fn announced(target: &Target) -> Result<()> {
    let mut begun = vec![false; MANY];
    crowd(&target.plain, MANY, |which, stream| {
        if !begun[which] {
            let head = [&ANNOUNCED_BYTES.to_be_bytes()[..], &[0]].concat();
            begun[which] = push(stream, &head).0 == head.len();
        }
        let alive = !matches!(stream.read(&mut [0; 1]), Ok(0));
        begun[which] &= alive;
        alive
    })
}

fn trickle(target: &Target) -> Result<()> {
    let head = (64_i32 << 10).to_be_bytes();
    let mut sent = vec![0_usize; MANY];
    crowd(&target.plain, MANY, |which, stream| {
        let byte = head.get(sent[which]).copied().unwrap_or(0);
        let (count, alive) = push(stream, &[byte]);
        sent[which] = if alive { sent[which] + count } else { 0 };
        alive
    })
}

fn noise(target: &Target) -> Result<()> {
    let mut chance = Chance::new(1);
    loop {
        let length = 8 + chance.within(0..4_000);
        let mut bytes: Vec<u8> = (0..length).map(|_| chance.within(0..256) as u8).collect();
        if chance.one_in(2) {
            let length = i32::try_from(bytes.len())?.to_be_bytes();
            bytes.splice(0..0, length);
        }
        let mut stream = connect(&target.plain);
        stream.write_all(&bytes).ok();
    }
}

/// One request over and over, each connection at its own place in it.
fn without_reading(address: &str, request: &Bytes) -> Result<()> {
    let mut at = vec![0; SOME];
    crowd(address, SOME, |which, stream| {
        let (count, alive) = push(stream, &request[at[which]..]);
        at[which] = if alive {
            (at[which] + count) % request.len()
        } else {
            0
        };
        alive
    })
}

fn unread(target: &Target) -> Result<()> {
    let request = talk::frame(&talk::fetch(BAIT, 0, 50 << 20), talk::FETCH)?;
    without_reading(&target.plain, &request)
}

fn flood(target: &Target) -> Result<()> {
    let batch = talk::batch(Codec::None, &vec![b'x'; LARGE_BYTES])?;
    let request = talk::frame(&talk::produce(DUMP, 1, batch), talk::PRODUCE)?;
    without_reading(&target.plain, &request)
}

fn pipeline(target: &Target) -> Result<()> {
    let request = talk::frame(&ApiVersionsRequest::default(), 0)?;
    let many: Bytes = request.repeat(1_000).into();
    without_reading(&target.plain, &many)
}

/// A request, and its answer read, on several connections at once.
fn ask_and_read(address: &str, request: &Bytes) -> Result<()> {
    std::thread::scope(|scope| {
        for _ in 0..SOME {
            scope.spawn(|| {
                loop {
                    let mut stream = connect(address);
                    while stream.write_all(request).is_ok() && talk::answer(&mut stream).is_ok() {}
                }
            });
        }
    });
    Ok(())
}

fn bomb(target: &Target) -> Result<()> {
    let batch = talk::batch(Codec::Zstd, &vec![0; BOMB_BYTES])?;
    let request = talk::frame(&talk::produce(DUMP, 1, batch), talk::PRODUCE)?;
    ask_and_read(&target.plain, &request)
}

fn names(target: &Target) -> Result<()> {
    let topic = |number: i32| MetadataRequestTopic {
        name: Some(format!("none-{number:06}")),
        ..MetadataRequestTopic::default()
    };
    let request = MetadataRequest {
        topics: Some((0..80_000).map(topic).collect()),
        allow_auto_topic_creation: false,
        ..MetadataRequest::default()
    };
    ask_and_read(&target.plain, &talk::frame(&request, 9)?)
}

fn logins(target: &Target) -> Result<()> {
    std::thread::scope(|scope| {
        for _ in 0..SOME {
            scope.spawn(|| {
                loop {
                    let mut stream = connect(&target.login);
                    // The broker lets those wait who were wrong, and then closes.
                    login(&mut stream).ok();
                }
            });
        }
    });
    Ok(())
}

fn login(stream: &mut TcpStream) -> Result<()> {
    let handshake = SaslHandshakeRequest {
        mechanism: "PLAIN".into(),
    };
    talk::call(stream, &handshake, 1)?;
    let authenticate = SaslAuthenticateRequest {
        auth_bytes: Bytes::from_static(b"\0alice\0wrong"),
    };
    talk::call(stream, &authenticate, 2)?;
    Ok(())
}
