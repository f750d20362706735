//! The torture: real clients write, read and relay while everything around the broker is broken
//! again and again, and a checker watches over what it promised.
//!
//! The seed decides which faults come in which order and what is written; how far the broker is when
//! one strikes is up to the machine.

pub mod checker;
pub mod findings;
mod nemesis;
mod proxy;
mod readers;
mod relay;
mod report;
mod run;
pub mod value;
mod writers;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use self::checker::View;
use self::findings::Fault as Finding;
use self::nemesis::Nemesis;
use self::proxy::Proxy;
use self::run::{MOMENT, Run};
use self::value::Topic;
use crate::disk::Disk;
use crate::peer::{Kind, Peer};
use crate::ports;
use crate::process::{pause, wait_for};
use crate::tools::Tools;
use crate::wire::create_topic;

pub use self::report::Report;

/// What the broker is told to keep free of the disk.
const MIN_FREE: u64 = 32 << 20;
/// More files than the broker ever has.
const FILES: u64 = 1_000_000;
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// After the last fault everything that was acknowledged must be seen within this.
const END_LIMIT: Duration = Duration::from_secs(180);

/// How many clients count their steps.
const STEPPING: usize = 10;

/// Stands for findings of every kind.
pub const ANY: &str = "any";

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// For how long there are faults.
    pub time: Duration,
    /// Decides what happens.
    pub seed: u64,
    /// The kinds of findings of which one ends the run ([`ANY`]: each does); none goes on to its end.
    pub until_found: Vec<String>,
    /// The names of the only faults that there may be, or nothing.
    pub only: Vec<String>,
}

impl Plan {
    fn is_reached(&self, run: &Run) -> bool {
        let checker = run.checker.lock();
        let mut found = checker.findings.counts().keys();
        found.any(|kind| {
            let kind = format!("{kind:?}");
            self.until_found
                .iter()
                .any(|name| name == ANY || *name == kind)
        })
    }
}

/// Tortures a broker in `folder`, which must be in namespaces of this process's own.
///
/// # Errors
/// When the broker doesn't come back, or a client can't go on; what was found so far is told then.
pub fn torture(kind: &Kind, tools: &Tools, folder: &Path, plan: &Plan) -> Result<Report> {
    let disk = Disk::mount(folder, "", FILES)?;
    let mut peer = peer(kind, tools, folder, &disk)?;
    let proxy = Proxy::start(ports::next()?, peer.port())?;
    peer.advertise(&proxy.address());
    peer.format()?;
    peer.start()?;
    for topic in Topic::ALL {
        let address = peer.address();
        create_topic(&address, topic.name(), topic.partitions(), topic.configs())?;
    }
    let run = Arc::new(Run::new(proxy.address(), plan.seed));
    let clients = Clients::start(&run);
    let mut nemesis = Nemesis::new(&run, peer, &proxy, disk, &plan.only)?;
    let began = Instant::now();
    let done = under_faults(&mut nemesis, &clients, plan, began)
        .and_then(|()| come_to_an_end(&mut nemesis, clients, plan));
    if let Err(error) = done {
        run.found(Finding::Stuck, || format!("{error:#}"));
    }
    if nemesis.peer.log().contains("panicked at") {
        run.found(Finding::Crashed, || {
            "a panic in the broker's log".to_owned()
        });
    }
    let report = Report::new(&run, &nemesis.done, plan.seed, began.elapsed());
    nemesis.peer.kill();
    if report.findings.count() > 0 {
        nemesis.disk.keep()?;
    }
    Ok(report)
}

fn peer(kind: &Kind, tools: &Tools, folder: &Path, disk: &Disk) -> Result<Peer> {
    let data = disk.path.join("data").display().to_string();
    let mut properties = vec![
        ("log.dirs", data.as_str()),
        ("log.segment.bytes", "1048576"),
        ("log.index.interval.bytes", "1024"),
        ("log.retention.bytes", "8388608"),
        ("log.retention.check.interval.ms", "2000"),
        ("log.segment.delete.delay.ms", "1000"),
        (
            "transaction.abort.timed.out.transaction.cleanup.interval.ms",
            "500",
        ),
        ("group.initial.rebalance.delay.ms", "0"),
        // What coordinators write down is compacted all the time.
        ("log.roll.ms", "8000"),
        ("log.cleaner.min.cleanable.ratio", "0.05"),
        ("log.cleaner.backoff.ms", "700"),
        ("group.consumer.session.timeout.ms", "6000"),
        ("group.consumer.min.session.timeout.ms", "6000"),
        ("group.consumer.heartbeat.interval.ms", "500"),
        ("group.consumer.min.heartbeat.interval.ms", "500"),
    ];
    let least = MIN_FREE.to_string();
    if matches!(kind, Kind::Limpid(_)) {
        properties.push(("limpid.disk.min.free", &least));
        properties.push(("limpid.disk.min.free.bytes", &least));
        properties.push(("log.index.size.max.bytes", "1048576"));
    }
    let mut peer = Peer::new(kind.clone(), tools, folder, &properties)?;
    peer.environment = disk.environment();
    Ok(peer)
}

/// Breaks things until the time is over.
fn under_faults(
    nemesis: &mut Nemesis<'_>,
    clients: &Clients,
    plan: &Plan,
    began: Instant,
) -> Result<()> {
    wait_for("client", END_LIMIT, || {
        Ok((clients.run.all_steps().len() >= STEPPING).then_some(()))
    })?;
    nemesis.calm().context("before the first fault")?;
    let mut told = Instant::now();
    while began.elapsed() < plan.time {
        nemesis.strike()?;
        clients.check()?;
        if plan.is_reached(nemesis.run) {
            return Ok(());
        }
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            report::progress(nemesis.run, nemesis.count(), began.elapsed());
        }
    }
    nemesis.calm().context("after the last fault")
}

/// Nobody writes any more; what was acknowledged comes to all who are to see it.
fn come_to_an_end(nemesis: &mut Nemesis<'_>, clients: Clients, plan: &Plan) -> Result<()> {
    let run = nemesis.run;
    if plan.is_reached(run) {
        return Ok(());
    }
    run.stop(false);
    clients.join(|client| !client.reads)?;
    let began = Instant::now();
    loop {
        let open = run.checker.lock().open();
        if open.is_empty() {
            break;
        }
        if began.elapsed() > END_LIMIT {
            let mut checker = run.checker.lock();
            open.into_iter()
                .for_each(|what| checker.findings.add(Finding::Lost, || what));
            break;
        }
        pause(MOMENT);
    }
    Ok(())
}

struct Client {
    name: String,
    /// Goes on when the writers have come to an end.
    reads: bool,
    thread: JoinHandle<Result<()>>,
}

/// The threads of a run's clients.
struct Clients {
    run: Arc<Run>,
    all: parking_lot::Mutex<Vec<Client>>,
}

impl Clients {
    fn start(run: &Arc<Run>) -> Self {
        let clients = Self {
            run: Arc::clone(run),
            all: parking_lot::Mutex::default(),
        };
        clients.add("plain writer", false, |run| {
            writers::write_plainly(run, 1, Topic::Plain)
        });
        clients.add("plain writer", false, |run| {
            writers::write_plainly(run, 2, Topic::Plain)
        });
        clients.add("flushed writer", false, |run| {
            writers::write_plainly(run, 3, Topic::Flushed)
        });
        clients.add("teller", false, |run| writers::tell(run, 11));
        clients.add("teller", false, |run| writers::tell(run, 12));
        clients.add("notes", false, readers::note_offsets);
        clients.add("relay", true, |run| relay::relay(run, 21));
        clients.add("relay", true, |run| relay::relay(run, 22));
        clients.add("offsets", true, |run| {
            readers::watch_relay(run, relay::GROUP)
        });
        clients.add("reader", true, |run| readers::read(run, View::Everything));
        clients.add("reader", true, |run| readers::read(run, View::Committed));
        clients
    }

    fn add(
        &self,
        name: &str,
        reads: bool,
        work: impl FnOnce(&Arc<Run>) -> Result<()> + Send + 'static,
    ) {
        let run = Arc::clone(&self.run);
        let thread = std::thread::spawn(move || work(&run));
        self.all.lock().push(Client {
            name: name.to_owned(),
            reads,
            thread,
        });
    }

    /// Fails when one has ended by itself.
    fn check(&self) -> Result<()> {
        let all = self.all.lock();
        match all.iter().any(|client| client.thread.is_finished()) {
            false => Ok(()),
            true => {
                drop(all);
                self.join(|client| client.thread.is_finished())
            }
        }
    }

    /// Waits for some to end, and fails with what went wrong for one of them.
    fn join(&self, which: impl Fn(&Client) -> bool) -> Result<()> {
        let mut all = self.all.lock();
        let (chosen, left) = all.drain(..).partition(which);
        *all = left;
        drop(all);
        for Client { name, thread, .. } in chosen {
            let ended = thread.join().map_err(|_| anyhow!("{name} panicked"))?;
            ended.context(name)?;
        }
        Ok(())
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // A client whose broker is gone may hang; the process ends soon, so nobody waits for it.
        self.run.stop(true);
    }
}
