//! A wire between clients and the broker that can be cut, held up and made to lose answers.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::Result;
use parking_lot::Mutex;

use super::run::MOMENT;
use crate::process::pause;

/// Bytes moved at once.
const CHUNK: usize = 64 << 10;

/// What happens to bytes and connections at the moment.
#[derive(Debug, Default)]
struct State {
    target: u16,
    /// New connections are closed at once.
    refuses: AtomicBool,
    /// Nothing is passed on, either way.
    holds: AtomicBool,
    /// Requests are passed on, answers are lost.
    loses_answers: AtomicBool,
    /// Whoever passes the next bytes on passes half of them and cuts the connection.
    tears: AtomicBool,
    links: Mutex<HashMap<u64, [TcpStream; 2]>>,
    last: AtomicU64,
}

/// The wire.
#[derive(Debug)]
pub(super) struct Proxy {
    state: Arc<State>,
    port: u16,
}

impl Proxy {
    /// Listens on `port` and connects to `target`.
    pub(super) fn start(port: u16, target: u16) -> Result<Self> {
        let state = Arc::new(State {
            target,
            ..State::default()
        });
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let accepting = Arc::clone(&state);
        // It ends with the process: nobody waits for it.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.link(client);
            }
        });
        Ok(Self { state, port })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Cuts every connection whose number `chosen` picks, and says how many.
    pub(super) fn cut(&self, mut chosen: impl FnMut() -> bool) -> usize {
        let links = self.state.links.lock();
        let chosen = links.values().filter(|_| chosen());
        chosen.map(|ends| ends.iter().for_each(close)).count()
    }

    /// New connections are refused from now on, or not any more.
    pub(super) fn refuse(&self, on: bool) {
        self.state.refuses.store(on, Ordering::SeqCst);
    }

    /// Nothing is passed on from now on, or again everything.
    pub(super) fn hold(&self, on: bool) {
        self.state.holds.store(on, Ordering::SeqCst);
    }

    /// Answers are lost from now on, or not any more. What lost some can't go on and is cut.
    pub(super) fn lose_answers(&self, on: bool) {
        if !on {
            self.cut(|| true);
        }
        self.state.loses_answers.store(on, Ordering::SeqCst);
    }

    /// Cuts the next connection that passes something on in the midst of it.
    pub(super) fn tear(&self) {
        self.state.tears.store(true, Ordering::SeqCst);
    }
}

impl State {
    fn link(self: &Arc<Self>, client: TcpStream) {
        if self.refuses.load(Ordering::SeqCst) {
            return;
        }
        // While the broker is away there is nothing to connect to.
        let Ok(broker) = TcpStream::connect(("127.0.0.1", self.target)) else {
            return;
        };
        let quick = client
            .set_nodelay(true)
            .and_then(|()| broker.set_nodelay(true));
        let copies = || Ok::<_, std::io::Error>([client.try_clone()?, broker.try_clone()?]);
        let (Ok(()), Ok(kept), Ok([to_client, to_broker])) = (quick, copies(), copies()) else {
            return;
        };
        let number = self.last.fetch_add(1, Ordering::SeqCst);
        self.links.lock().insert(number, kept);
        let (requests, answers) = (Arc::clone(self), Arc::clone(self));
        std::thread::spawn(move || requests.pass_on(client, to_broker, number, false));
        std::thread::spawn(move || answers.pass_on(broker, to_client, number, true));
    }

    fn pass_on(&self, mut from: TcpStream, mut to: TcpStream, number: u64, is_answer: bool) {
        let mut chunk = vec![0; CHUNK];
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            while self.holds.load(Ordering::SeqCst) {
                pause(MOMENT);
            }
            if is_answer && self.loses_answers.load(Ordering::SeqCst) {
                continue;
            }
            let torn = self.tears.swap(false, Ordering::SeqCst);
            let count = if torn { count / 2 } else { count };
            if to.write_all(&chunk[..count]).is_err() || torn {
                break;
            }
        }
        close(&from);
        close(&to);
        self.links.lock().remove(&number);
    }
}

fn close(end: &TcpStream) {
    // It may be closed already.
    end.shutdown(Shutdown::Both).ok();
}
