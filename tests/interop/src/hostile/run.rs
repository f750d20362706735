//! The rounds: calm and attack in turn, so that a slow minute of the machine meets both.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use limpid_protocol::records::Codec;

use super::apart::Apart;
use super::attacks::{ATTACKS, Attack, BAIT, DUMP, Target};
use super::bystander::{Bystander, Waits};
use super::report::{Phase, Pool, Report, Round, Row};
use crate::peer::{Kind, Peer};
use crate::process::{Daemon, pause, wait_for};
use crate::talk;
use crate::tools::Tools;
use crate::wire::create_topic;
use crate::{http, ports, process_usage};

/// The bystander's topic.
const QUIET: &str = "quiet";
/// Bytes of the bait: four times the tail cache.
const BAIT_BYTES: usize = 256 << 20;
/// Of each record of the bait.
const RECORD_BYTES: usize = 1_000_000;
/// How often the broker is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// A broker must answer its first request within this.
const READY: Duration = Duration::from_secs(60);
/// How the attackers are started.
pub const ATTACKER: &str = "--attacker";
/// How the other victim is started.
pub const SINK: &str = "--sink";
/// How somebody is started who keeps a processor busy.
pub const SPINNER: &str = "--spin";
/// What an attacker opens first takes a moment.
const OPENING: Duration = Duration::from_secs(1);

/// What is done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How often each attack is made.
    pub rounds: u32,
    /// How long each phase is.
    pub phase: Duration,
    /// Only these attacks; all, when empty.
    pub only: Vec<String>,
    /// Whether the broker has processors that nobody else uses.
    pub is_apart: bool,
}

/// Starts a broker and lets all attacks come.
///
/// # Errors
/// When the broker ends, or refuses the bystander anything.
pub fn hostile(kind: &Kind, tools: &Tools, folder: &Path, plan: &Plan) -> Result<Report> {
    let apart = plan.is_apart.then(Apart::here).transpose()?;
    // A process stays where the one was that started it, and so does a thread.
    if let Some(apart) = &apart {
        apart.go_to_broker()?;
    }
    let (mut peer, target) = start(kind, tools, folder)?;
    if let Some(apart) = &apart {
        apart.go_to_clients()?;
    }
    prepare(&target.plain)?;
    let bystander = Bystander::start(&target.plain, QUIET)?;
    pause(plan.phase);
    drop(bystander.take()?);
    let before = process_usage::mib(peer.pid(), "VmRSS")?;
    let rows = rounds(&mut peer, &target, &bystander, folder, plan);
    let ended = bystander.end();
    let rows = match (rows, ended) {
        (Ok(rows), Ok(())) => rows,
        (_, Err(refused)) => return Err(refused),
        (Err(error), _) => return Err(error),
    };
    pause(plan.phase);
    let after = process_usage::mib(peer.pid(), "VmRSS")?;
    peer.stop()?;
    Ok(Report {
        rows,
        resident: (before, after),
    })
}

fn rounds(
    peer: &mut Peer,
    target: &Target,
    bystander: &Bystander,
    folder: &Path,
    plan: &Plan,
) -> Result<Vec<Row>> {
    let (_swallowing, sink) = sink(folder, plan.is_apart)?;
    let mut scene = Scene {
        peer,
        bystander,
        target,
        sink: &sink,
        folder,
        phase: plan.phase,
        is_apart: plan.is_apart,
    };
    let mut rows = Vec::new();
    let chosen =
        |attack: &&Attack| plan.only.is_empty() || plan.only.iter().any(|name| name == attack.name);
    for attack in ATTACKS.iter().filter(chosen) {
        let mut row = Row::new(attack.what);
        for _ in 0..plan.rounds {
            row.rounds.push(scene.round(attack)?);
        }
        row.pools = pools(&scene.peer.http_address())?;
        eprintln_row(&row);
        rows.push(row);
    }
    Ok(rows)
}

/// Whom an attack meets, and for how long.
struct Scene<'a> {
    peer: &'a mut Peer,
    bystander: &'a Bystander,
    target: &'a Target,
    sink: &'a Target,
    folder: &'a Path,
    phase: Duration,
    is_apart: bool,
}

impl Scene<'_> {
    fn round(&mut self, attack: &Attack) -> Result<Round> {
        let (sink, target) = (self.sink, self.target);
        let calm = phase(self.peer, self.bystander, self.phase)?;
        let elsewhere = match attack.is_one_way {
            true => self.beside(attacker(attack, sink, self.folder)?)?,
            false => self.beside(spinner(self.folder, self.is_apart)?)?,
        };
        let attacked = self.beside(attacker(attack, target, self.folder)?)?;
        Ok(Round {
            calm,
            elsewhere,
            attacked,
        })
    }

    /// A phase beside a process that ends with it.
    fn beside(&mut self, mut process: Daemon) -> Result<Phase> {
        pause(OPENING);
        drop(self.bystander.take()?);
        let phase = phase(self.peer, self.bystander, self.phase)?;
        process.check_alive().context("the attacker")?;
        process.kill();
        Ok(phase)
    }
}

#[expect(clippy::print_stderr, reason = "progress for the person who waits")]
fn eprintln_row(row: &Row) {
    eprintln!("{row}");
}

fn start(kind: &Kind, tools: &Tools, folder: &Path) -> Result<(Peer, Target)> {
    let more = [("log.retention.check.interval.ms", "1000")];
    let mut peer = Peer::new(kind.clone(), tools, folder, &more)?;
    peer.full_speed = true;
    let (plain, controller) = (peer.port(), peer.controller_port());
    let login = ports::next()?;
    let listeners = format!("PLAINTEXT://127.0.0.1:{plain},SASL_PLAINTEXT://127.0.0.1:{login}");
    peer.set(
        "listeners",
        &format!("{listeners},CONTROLLER://127.0.0.1:{controller}"),
    );
    peer.set("advertised.listeners", &listeners);
    peer.set(
        "listener.security.protocol.map",
        "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
    );
    peer.set("sasl.enabled.mechanisms", "PLAIN");
    peer.set(
        "listener.name.sasl_plaintext.plain.sasl.jaas.config",
        "org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"right\";",
    );
    peer.format()?;
    peer.start()?;
    let target = Target {
        plain: peer.address(),
        login: format!("127.0.0.1:{login}"),
    };
    Ok((peer, target))
}

/// The topics, and what is in the one to be fetched.
fn prepare(address: &str) -> Result<()> {
    let little = [
        ("retention.bytes", "33554432"),
        ("segment.bytes", "16777216"),
    ];
    create_topic(address, QUIET, 1, &[])?;
    create_topic(address, BAIT, 1, &[])?;
    create_topic(address, DUMP, 1, &little)?;
    let mut stream = talk::connect(address)?;
    let batch = talk::batch(Codec::None, &vec![b'x'; RECORD_BYTES])?;
    for topic in [QUIET, BAIT, DUMP] {
        let first = talk::produce(topic, 1, talk::batch(Codec::None, b"first")?);
        wait_for("the topic's leader", READY, || {
            let answer = talk::call(&mut stream, &first, talk::PRODUCE)?;
            let code = answer.responses[0].partition_responses[0].error_code;
            Ok((code == 0).then_some(()))
        })?;
    }
    let request = talk::produce(BAIT, 1, batch);
    for _ in 0..BAIT_BYTES / RECORD_BYTES {
        talk::call(&mut stream, &request, talk::PRODUCE)?;
    }
    Ok(())
}

/// This program again, perhaps only for when nobody else wants to run (`SCHED_IDLE`).
fn ourselves(is_idle: bool) -> Result<Command> {
    let program = std::env::current_exe()?;
    if !is_idle {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("chrt");
    command.args(["--idle", "0"]).arg(program);
    Ok(command)
}

/// The attacker, who runs when nobody else wants to.
fn attacker(attack: &Attack, target: &Target, folder: &Path) -> Result<Daemon> {
    let mut command = ourselves(true)?;
    command.args([ATTACKER, attack.name, &target.plain, &target.login]);
    Daemon::spawn("attacker", &mut command, &folder.join("attacker.log"))
}

/// Somebody else to be attacked. Where the broker has processors of its own, this one is no more than a
/// part of the attack.
fn sink(folder: &Path, is_apart: bool) -> Result<(Daemon, Target)> {
    let address = format!("127.0.0.1:{}", ports::next()?);
    let mut command = ourselves(is_apart)?;
    command.args([SINK, &address]);
    let daemon = Daemon::spawn("sink", &mut command, &folder.join("sink.log"))?;
    let target = Target {
        plain: address.clone(),
        login: address,
    };
    Ok((daemon, target))
}

/// Somebody who keeps a processor busy: as the broker would, or where that has its own, as an attacker.
fn spinner(folder: &Path, is_apart: bool) -> Result<Daemon> {
    let mut command = ourselves(is_apart)?;
    command.arg(SPINNER);
    Daemon::spawn("spinner", &mut command, &folder.join("spinner.log"))
}

/// Lets time pass and looks at everything meanwhile.
fn phase(peer: &mut Peer, bystander: &Bystander, time: Duration) -> Result<Phase> {
    let begun = Instant::now();
    let mut resident_most = 0.0_f64;
    while begun.elapsed() < time {
        pause(LOOK);
        peer.check_alive()?;
        resident_most = resident_most.max(process_usage::mib(peer.pid(), "VmRSS")?);
    }
    let Waits { produce, fetch } = bystander.take()?;
    Ok(Phase {
        produce,
        fetch,
        resident_most,
    })
}

/// High water and limit of each pool; none, for a broker that has no such page.
fn pools(address: &str) -> Result<Vec<Pool>> {
    let Ok(text) = http::get(address, "/metrics") else {
        return Ok(Vec::new());
    };
    let values = |name: &str| -> Vec<(String, f64)> {
        let head = format!("{name}{{pool=\"");
        let of = |line: &str| {
            let (pool, value) = line.strip_prefix(&head)?.split_once("\"} ")?;
            Some((pool.to_owned(), value.parse().ok()?))
        };
        text.lines().filter_map(of).collect()
    };
    let limits = values("limpid_buffer_limit_bytes");
    let high = values("limpid_buffer_high_water_bytes").into_iter();
    let pools = high.map(|(name, high_water)| {
        let limit = limits.iter().find(|(other, _)| *other == name);
        let limit = limit.map_or(0.0, |(_, limit)| *limit);
        Pool {
            name,
            high_water,
            limit,
        }
    });
    Ok(pools.collect())
}
