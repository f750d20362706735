//! Checks passwords on a thread of its own.
//!
//! Argon2 is made to take time and memory. One thread checks one password at a time, and few may wait
//! for it: whoever sends many makes neither the processors busy nor the memory full, only the queue.
//! What a script sends with every request and was right lately is not hashed again for a while.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use limpid_platform::clock::Clock;
use limpid_platform::random::Random;
use limpid_telemetry::Gauge;
use parking_lot::Mutex;
use ring::hmac;

use crate::digest::Digest;
use crate::phc::PasswordHash;

/// Most passwords that wait to be checked: about half a second's work.
pub const QUEUE_MAX: usize = 16;
/// Most passwords that are remembered to be right, and for how long.
pub const REMEMBERED_MAX: usize = 1_000;
const REMEMBERED_FOR: Duration = Duration::from_secs(300);

/// Hears whether a password was right.
type Done = Box<dyn FnOnce(bool) + Send>;

struct Job {
    password: String,
    hash: PasswordHash,
    mark: Digest,
    done: Done,
}

/// Too many passwords wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// The thread and its queue; dropping this ends it after what it is at.
pub(crate) struct Passwords {
    jobs: SyncSender<Job>,
    key: hmac::Key,
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    /// When each was found to be right, by a mark that means nothing outside this process.
    right: Mutex<HashMap<Digest, Duration>>,
    queued: Gauge,
    remembered: Gauge,
}

impl Passwords {
    /// Starts the thread.
    pub(crate) fn start(
        clock: Arc<dyn Clock>,
        random: &dyn Random,
        queued: Gauge,
        remembered: Gauge,
    ) -> io::Result<Self> {
        let mut key = [0; 32];
        random.fill(&mut key)?;
        let shared = Arc::new(Shared {
            clock,
            right: Mutex::default(),
            queued,
            remembered,
        });
        let (jobs, queue) = sync_channel::<Job>(QUEUE_MAX);
        let worker = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("limpid-password".to_owned())
            .spawn(move || {
                while let Ok(job) = queue.recv() {
                    worker.queued.dec();
                    let right = job.hash.fits(&job.password);
                    if right {
                        worker.remember(job.mark);
                    }
                    (job.done)(right);
                }
            })?;
        Ok(Self {
            jobs,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            shared,
        })
    }

    /// Whether this password was found to be right lately.
    pub(crate) fn was_right(&self, name: &str, password: &str, hash: &PasswordHash) -> bool {
        let mark = self.mark(name, password, hash);
        let now = self.shared.clock.monotonic();
        let right = self.shared.right.lock();
        let since = right.get(&mark);
        since.is_some_and(|since| now.saturating_sub(*since) < REMEMBERED_FOR)
    }

    /// Has a password checked; `done` hears of it on the thread.
    pub(crate) fn check(
        &self,
        name: &str,
        password: &str,
        hash: PasswordHash,
        done: Done,
    ) -> Result<(), Busy> {
        let job = Job {
            password: password.to_owned(),
            mark: self.mark(name, password, &hash),
            hash,
            done,
        };
        self.shared.queued.inc();
        self.jobs.try_send(job).map_err(|error| {
            let (TrySendError::Full(_) | TrySendError::Disconnected(_)) = error;
            self.shared.queued.dec();
            Busy
        })
    }

    fn mark(&self, name: &str, password: &str, hash: &PasswordHash) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [name.as_bytes(), &hash.digest(), password.as_bytes()] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }
}

impl Shared {
    fn remember(&self, mark: Digest) {
        let now = self.clock.monotonic();
        let mut right = self.right.lock();
        if right.len() >= REMEMBERED_MAX {
            right.retain(|_, since| now.saturating_sub(*since) < REMEMBERED_FOR);
        }
        if right.len() >= REMEMBERED_MAX {
            right.clear();
        }
        right.insert(mark, now);
        self.remembered.set(right.len() as i64);
    }
}
