//! The one who breaks things, in an order that its seed decides.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::MIN_FREE;
use super::findings::Fault as Finding;
use super::proxy::Proxy;
use super::run::{MOMENT, Run};
use crate::chance::Chance;
use crate::disk::{Disk, Order};
use crate::peer::{Kind, Peer};
use crate::process::pause;

/// Milliseconds between two faults.
const BETWEEN: std::ops::Range<u64> = 40..500;
/// After so many faults all must go on before there is another.
const CALM_EVERY: u64 = 40;
/// Within this everybody must have gone on, on a busy machine too.
const CALM_LIMIT: Duration = Duration::from_secs(120);
/// An ordered failure comes within this, or nothing was written or read.
const FAILURE_LIMIT: Duration = Duration::from_secs(2);

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// SIGKILL, and a start.
    Kill,
    /// SIGKILL, a start, and SIGKILL again before it is ready.
    KillTwice,
    /// SIGTERM, and a start.
    Terminate,
    /// SIGSTOP, and SIGCONT.
    Stop,
    /// SIGSTOP, and SIGKILL in place of SIGCONT.
    StopAndKill,
    /// Connections are cut.
    Cut,
    /// A connection is cut within a request or an answer.
    Tear,
    /// Requests arrive, their answers don't.
    LoseAnswers,
    /// Nothing arrives for a while.
    Hold,
    /// All connections are cut, and new ones refused for a while.
    Refuse,
    /// The disk is fuller than it may be.
    NearlyFull,
    /// The disk is full to the last byte.
    Full,
    /// SIGKILL while the disk is full.
    FullAndKill,
    /// Writing is slow.
    SlowWrites,
    /// The disk is slow.
    SlowSyncs,
    /// SIGKILL while the disk is slow.
    SlowAndKill,
    /// A write fails; the broker is restarted.
    FailedWrite,
    /// A write fails in the midst; the broker is restarted.
    TornWrite,
    /// A call for the disk fails; the broker is restarted.
    FailedSync,
    /// A read fails; the broker is restarted.
    FailedRead,
}

/// How often each comes.
const WEIGHTS: [(Fault, u64); 20] = [
    (Fault::Kill, 8),
    (Fault::KillTwice, 3),
    (Fault::Terminate, 2),
    (Fault::Stop, 6),
    (Fault::StopAndKill, 2),
    (Fault::Cut, 7),
    (Fault::Tear, 5),
    (Fault::LoseAnswers, 6),
    (Fault::Hold, 3),
    (Fault::Refuse, 3),
    (Fault::NearlyFull, 2),
    (Fault::Full, 3),
    (Fault::FullAndKill, 2),
    (Fault::SlowWrites, 2),
    (Fault::SlowSyncs, 3),
    (Fault::SlowAndKill, 3),
    (Fault::FailedWrite, 3),
    (Fault::TornWrite, 3),
    (Fault::FailedSync, 3),
    (Fault::FailedRead, 2),
];

impl Fault {
    /// Whether Apache Kafka promises anything for it; on a broken or full disk it ends.
    const fn suits(self, kind: &Kind) -> bool {
        match kind {
            Kind::Limpid(_) => true,
            Kind::Kafka => (self as u8) <= Self::Refuse as u8,
        }
    }
}

/// How often each fault came, and how long they took, until the broker was well again.
pub type Done = BTreeMap<Fault, (u64, Duration)>;

/// See the module.
pub(super) struct Nemesis<'a> {
    pub(super) run: &'a Run,
    pub(super) peer: Peer,
    pub(super) proxy: &'a Proxy,
    pub(super) disk: Disk,
    pub(super) done: Done,
    possible: Vec<(Fault, u64)>,
    chance: Chance,
}

impl<'a> Nemesis<'a> {
    /// One that does what suits the broker, or of that only what `only` names.
    pub(super) fn new(
        run: &'a Run,
        peer: Peer,
        proxy: &'a Proxy,
        disk: Disk,
        only: &[String],
    ) -> Result<Self> {
        let named = |fault: Fault| only.is_empty() || only.contains(&format!("{fault:?}"));
        let suits = |fault: Fault| fault.suits(peer.kind()) && named(fault);
        let possible: Vec<_> = WEIGHTS
            .into_iter()
            .filter(|(fault, _)| suits(*fault))
            .collect();
        ensure!(!possible.is_empty(), "no fault is called {only:?}");
        let chance = Chance::new(run.seed);
        let done = Done::new();
        Ok(Self {
            run,
            peer,
            proxy,
            disk,
            done,
            possible,
            chance,
        })
    }

    /// How many faults there were.
    pub(super) fn count(&self) -> u64 {
        self.done.values().map(|(count, _)| count).sum()
    }

    /// Another fault, and a pause. What it broke is whole again after it.
    pub(super) fn strike(&mut self) -> Result<()> {
        let fault = self.choose();
        let number = self.count();
        let began = Instant::now();
        self.commit(fault)
            .with_context(|| format!("fault {number}, {fault:?}"))?;
        let (count, took) = self.done.entry(fault).or_default();
        *count += 1;
        *took += began.elapsed();
        self.check_alive();
        self.rest(BETWEEN);
        if self.count().is_multiple_of(CALM_EVERY) {
            self.calm()?;
        }
        Ok(())
    }

    /// Waits until everybody has gone on.
    pub(super) fn calm(&mut self) -> Result<()> {
        let before = self.run.all_steps();
        let began = Instant::now();
        loop {
            self.check_alive();
            let now = self.run.all_steps();
            let mut late = now
                .iter()
                .filter(|(who, steps)| before.get(*who) == Some(steps));
            let Some((who, _)) = late.next() else {
                return Ok(());
            };
            if began.elapsed() > CALM_LIMIT {
                self.run.found(Finding::Stuck, || {
                    format!("{who} in {CALM_LIMIT:?} without faults")
                });
                bail!("{who} does not go on");
            }
            pause(MOMENT);
        }
    }

    fn check_alive(&mut self) {
        if let Err(error) = self.peer.check_alive() {
            self.run.found(Finding::Crashed, || format!("{error:#}"));
        }
    }

    fn choose(&mut self) -> Fault {
        let all = self.possible.iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.chance.within(0..all);
        for (fault, weight) in &self.possible {
            if drawn < *weight {
                return *fault;
            }
            drawn -= weight;
        }
        Fault::Kill
    }

    fn commit(&mut self, fault: Fault) -> Result<()> {
        match fault {
            Fault::Kill => self.restart(),
            Fault::KillTwice => {
                self.peer.kill();
                self.peer.spawn()?;
                self.rest(1..400);
                self.restart()
            }
            Fault::Terminate => {
                self.peer.stop()?;
                self.peer.start()
            }
            Fault::Stop | Fault::StopAndKill => self.freeze(fault == Fault::StopAndKill),
            Fault::Cut | Fault::Tear | Fault::LoseAnswers | Fault::Hold | Fault::Refuse => {
                self.disconnect(fault);
                Ok(())
            }
            Fault::NearlyFull | Fault::Full | Fault::FullAndKill => self.fill(fault),
            Fault::SlowWrites => self.slow_down(&[(Order::SlowWrite, 1..20_000)], false),
            Fault::SlowSyncs => self.slow_down(&[(Order::SlowSync, 1_000..300_000)], false),
            Fault::SlowAndKill => {
                let orders = [
                    (Order::SlowWrite, 1..10_000),
                    (Order::SlowSync, 1_000..300_000),
                ];
                self.slow_down(&orders, true)
            }
            Fault::FailedWrite => self.fail(Order::FailWrite, 60),
            Fault::TornWrite => self.fail(Order::TearWrite, 60),
            Fault::FailedSync => self.fail(Order::FailSync, 20),
            Fault::FailedRead => self.fail(Order::FailRead, 8),
        }
    }

    fn restart(&mut self) -> Result<()> {
        self.peer.kill();
        self.peer.start()
    }

    fn rest(&mut self, milliseconds: std::ops::Range<u64>) {
        pause(Duration::from_millis(self.chance.within(milliseconds)));
    }

    fn freeze(&mut self, to_death: bool) -> Result<()> {
        let pid = i32::try_from(self.peer.pid())?;
        let pid = Pid::from_raw(pid).context("a process id")?;
        kill_process(pid, Signal::STOP)?;
        self.rest(20..1_200);
        if to_death {
            return self.restart();
        }
        Ok(kill_process(pid, Signal::CONT)?)
    }

    fn disconnect(&mut self, fault: Fault) {
        let proxy = self.proxy;
        match fault {
            Fault::Tear => proxy.tear(),
            Fault::LoseAnswers => {
                proxy.lose_answers(true);
                self.rest(5..600);
                proxy.lose_answers(false);
            }
            Fault::Hold => {
                proxy.hold(true);
                self.rest(50..900);
                proxy.hold(false);
            }
            Fault::Refuse => {
                proxy.refuse(true);
                proxy.cut(|| true);
                self.rest(50..700);
                proxy.refuse(false);
            }
            _ => {
                let share = self.chance.within(1..4);
                let chance = &mut self.chance;
                proxy.cut(|| chance.one_in(share));
            }
        }
    }

    fn fill(&mut self, fault: Fault) -> Result<()> {
        let left = match fault {
            Fault::NearlyFull => MIN_FREE / 2,
            _ => self.chance.within(0..200_000),
        };
        self.disk.fill(left)?;
        self.rest(100..900);
        if fault == Fault::FullAndKill {
            self.peer.kill();
            self.peer.spawn()?;
            self.rest(0..800);
            self.disk.empty()?;
            return self.peer.wait_until_ready();
        }
        self.disk.empty()
    }

    fn slow_down(&mut self, orders: &[(Order, std::ops::Range<u64>)], kill: bool) -> Result<()> {
        for (order, micros) in orders {
            let micros = self.chance.within(micros.clone());
            self.disk.order(*order, u32::try_from(micros)?)?;
        }
        self.rest(100..900);
        if kill {
            self.peer.kill();
        }
        self.disk.heal()?;
        if kill { self.peer.start() } else { Ok(()) }
    }

    /// A call of the broker's fails. Its log directory is offline from then on, until a restart.
    fn fail(&mut self, order: Order, calls: u64) -> Result<()> {
        let before = self.disk.failed()?;
        let nth = self.chance.within(1..calls);
        self.disk.order(order, u32::try_from(nth)?)?;
        let began = Instant::now();
        while self.disk.failed()? == before && began.elapsed() < FAILURE_LIMIT {
            pause(MOMENT);
        }
        self.disk.heal()?;
        // What clients are told meanwhile must not be wrong.
        self.rest(20..500);
        if self.chance.one_in(3) {
            self.peer.stop()?;
            return self.peer.start();
        }
        self.restart()
    }
}
