//! Signals: the first SIGTERM or SIGINT begins the drain, the second ends the process at once.
//!
//! Handlers are set explicitly, so that they work for process 1 of a container too. SIGHUP is
//! a wish to load certificates, users and tokens again.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

/// What a shell expects of a process that a signal ended.
const EXIT_INTERRUPTED: i32 = 130;
const EXIT_TERMINATED: i32 = 143;

/// What a signal asks for.
pub enum Signal {
    /// SIGHUP.
    Reload,
    /// The first of those that end the process, by its name.
    Stop(&'static str),
}

/// Waits for signals on a thread of its own.
pub struct Signals {
    signals: Receiver<Signal>,
    started: Arc<AtomicBool>,
}

impl Signals {
    /// Begins to listen. Until [`Signals::receive`] is called, the first signal ends the process:
    /// there is nothing to drain yet.
    pub fn listen() -> anyhow::Result<Self> {
        let (sender, signals) = channel();
        let started = Arc::new(AtomicBool::new(false));
        let is_started = Arc::clone(&started);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("can't start the runtime for signals")?;
        let kinds = {
            let _context = runtime.enter();
            [
                SignalKind::terminate(),
                SignalKind::interrupt(),
                SignalKind::hangup(),
            ]
            .map(signal)
        };
        let [terminate, interrupt, hangup] = kinds;
        let (mut terminate, mut interrupt, mut hangup) = (terminate?, interrupt?, hangup?);
        let listen = async move {
            let mut seen = 0;
            loop {
                let (name, code) = tokio::select! {
                    _ = terminate.recv() => ("SIGTERM", EXIT_TERMINATED),
                    _ = interrupt.recv() => ("SIGINT", EXIT_INTERRUPTED),
                    _ = hangup.recv() => {
                        tracing::info!("SIGHUP: loading certificates, users and tokens again");
                        if sender.send(Signal::Reload).is_err() {
                            return;
                        }
                        continue;
                    }
                };
                seen += 1;
                if seen > 1 || !is_started.load(Ordering::Acquire) {
                    // Not through `tracing`: its thread may be what hangs.
                    eprintln!("limpid: {name}: stopped at once, the next start recovers");
                    process::exit(code);
                }
                if sender.send(Signal::Stop(name)).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .name("limpid-signals".to_owned())
            .spawn(move || runtime.block_on(listen))
            .context("can't start the thread for signals")?;
        Ok(Self { signals, started })
    }

    /// The next signal.
    pub fn receive(&self) -> Signal {
        self.started.store(true, Ordering::Release);
        self.signals.recv().unwrap_or_else(|_| gone())
    }

    /// The next signal, if one comes within that time.
    pub fn receive_within(&self, time: Duration) -> Option<Signal> {
        self.started.store(true, Ordering::Release);
        match self.signals.recv_timeout(time) {
            Ok(signal) => Some(signal),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(gone()),
        }
    }

    /// The name of the first signal that ends the process.
    pub fn wait(&self) -> &'static str {
        loop {
            if let Signal::Stop(name) = self.receive() {
                return name;
            }
        }
    }
}

fn gone() -> Signal {
    Signal::Stop("the end of the signal thread")
}
