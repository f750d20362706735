//! How many connections there may be.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::peer::Peer;
use limpid_interop::ports;
use limpid_interop::process::wait_for;

/// ApiVersions version 0, correlation id 7, no client id.
const ASK: &[u8] = b"\0\0\0\x0a\0\x12\0\0\0\0\0\x07\xff\xff";
/// An answer that is not there by then is not coming yet.
const SOON: Duration = Duration::from_millis(1_500);
const LIMIT: Duration = Duration::from_secs(30);

/// What becomes of a new connection that asks something.
#[derive(Debug, PartialEq)]
enum Fate {
    Answered(TcpStreamHeld),
    Closed,
    Waits(TcpStreamHeld),
}

/// Held open; no two are the same.
#[derive(Debug)]
struct TcpStreamHeld(TcpStream);

impl PartialEq for TcpStreamHeld {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

fn connect(port: u16) -> Result<Fate> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    if stream.write_all(ASK).is_err() {
        return Ok(Fate::Closed);
    }
    look(stream, SOON)
}

fn look(mut stream: TcpStream, patience: Duration) -> Result<Fate> {
    stream.set_read_timeout(Some(patience))?;
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Ok(()) => {
            let mut body = vec![0; usize::try_from(u32::from_be_bytes(length))?];
            stream.read_exact(&mut body)?;
            Ok(Fate::Answered(TcpStreamHeld(stream)))
        }
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(Fate::Waits(TcpStreamHeld(stream))),
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => Ok(Fate::Closed),
            _ => Err(error.into()),
        },
    }
}

/// An address has so many connections, a listener so many; the others wait or are closed, and get
/// in when somebody leaves.
pub fn are_counted(lab: &mut Lab) -> Result<()> {
    let folder = lab.folder("connections")?;
    let mut peer = Peer::new(lab.kind().clone(), &lab.tools, &folder, &[])?;
    let (plain, narrow, controller) = (peer.port(), ports::next()?, peer.controller_port());
    let clients = format!("PLAINTEXT://127.0.0.1:{plain},NARROW://127.0.0.1:{narrow}");
    peer.set(
        "listeners",
        &format!("{clients},CONTROLLER://127.0.0.1:{controller}"),
    );
    peer.set("advertised.listeners", &clients);
    peer.set(
        "listener.security.protocol.map",
        "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,NARROW:PLAINTEXT",
    );
    peer.set("inter.broker.listener.name", "PLAINTEXT");
    peer.set("listener.name.narrow.max.connections", "2");
    peer.set("max.connections.per.ip", "6");
    peer.format()?;
    peer.start()?;

    let first = connect(narrow)?;
    let second = connect(narrow)?;
    ensure!(
        matches!((&first, &second), (Fate::Answered(_), Fate::Answered(_))),
        "two may come: {first:?} {second:?}"
    );
    let Fate::Waits(third) = connect(narrow)? else {
        anyhow::bail!("the third of two was answered or closed");
    };
    drop(first);
    let third = look(third.0, LIMIT)?;
    ensure!(
        matches!(third, Fate::Answered(_)),
        "the place was free: {third:?}"
    );

    // The broker's own connections to itself count as well: so some get in, and some don't.
    let mut held = Vec::new();
    let closed = wait_for("an address that has too many", LIMIT, || {
        let fate = connect(plain)?;
        let is_closed = fate == Fate::Closed;
        held.push(fate);
        Ok((is_closed || held.len() > 10).then_some(is_closed))
    })?;
    ensure!(closed, "eleven from one address, six are allowed");
    ensure!(
        held.iter().any(|fate| matches!(fate, Fate::Answered(_))),
        "nobody got in: {held:?}"
    );
    drop((held, second, third));
    wait_for("a place for the address", LIMIT, || {
        let fate = connect(plain).context("a new connection")?;
        Ok(matches!(fate, Fate::Answered(_)).then_some(()))
    })?;
    peer.check_alive()?;
    peer.stop()
}
