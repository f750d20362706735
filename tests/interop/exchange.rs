//! Apache Kafka 4.3 starts on a directory that Limpid wrote and serves the same records, and the
//! other way round; after a stop in good order and after kill -9.

pub mod state;

use std::collections::BTreeMap;
use std::thread::ScopedJoinHandle;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka::{produce, read_all};
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::records::{CODECS, Partitions, Record, awkward, compare};
use limpid_interop::wire::{create_topic, delete_topic};

type Ledger = BTreeMap<String, Partitions>;

/// A broker of Kafka's that was killed may come back when its session is over, after 9 s unless told
/// otherwise.
const SESSION: [(&str, &str); 2] = [
    ("broker.session.timeout.ms", "1500"),
    ("broker.heartbeat.interval.ms", "300"),
];

/// How the first broker ends.
#[derive(Clone, Copy)]
enum End {
    Stop,
    Kill,
}

/// Everything the clients of the other tests wrote, served by Kafka; Kafka writes on, and the
/// broker under test serves the lot.
pub fn kafka_takes_over_what_all_tests_wrote(lab: &mut Lab) -> Result<()> {
    let ours = lab.kind().clone();
    let (mut peer, mut ledger) = lab.retire_subject()?;
    ensure!(
        ledger.len() > 5,
        "too little was written before: {:?}",
        ledger.keys()
    );
    take_over(&mut peer, Kind::Kafka, &mut ledger, End::Stop)?;
    take_over(&mut peer, ours, &mut ledger, End::Stop)
}

/// A directory of Limpid's from a process that was killed.
pub fn kafka_opens_after_a_kill(lab: &mut Lab) -> Result<()> {
    there_and_back(lab, &[lab.kind().clone(), Kind::Kafka], End::Kill)
}

/// A directory that Kafka formatted, wrote and closed.
pub fn limpid_opens_what_kafka_wrote(lab: &mut Lab) -> Result<()> {
    there_and_back(lab, &[Kind::Kafka, lab.kind().clone()], End::Stop)
}

/// A directory of Kafka's from a process that was killed.
pub fn limpid_opens_what_a_killed_kafka_wrote(lab: &mut Lab) -> Result<()> {
    there_and_back(lab, &[Kind::Kafka, lab.kind().clone()], End::Kill)
}

/// `first` writes, `second` serves that and writes more, and `first` serves both.
fn there_and_back(lab: &Lab, [first, second]: &[Kind; 2], end: End) -> Result<()> {
    let way = match end {
        End::Stop => "stopped",
        End::Kill => "killed",
    };
    // Against Apache Kafka itself both directions have the same names.
    let folder = tempfile::Builder::new()
        .prefix(&format!("{way}-{}-then-{}-", first.name(), second.name()))
        .tempdir_in(lab.folder("exchange")?)?
        .keep();
    let properties = [
        ("log.segment.bytes", "1048576"),
        ("log.index.interval.bytes", "1024"),
        ("log.initial.task.delay.ms", "500"),
        SESSION[0],
        SESSION[1],
    ];
    let mut peer = Peer::start_new(first.clone(), &lab.tools, &folder, &properties)?;
    let mut ledger = Ledger::new();
    write(&peer.address(), "first", &mut ledger)?;
    take_over(&mut peer, second.clone(), &mut ledger, end)?;
    take_over(&mut peer, first.clone(), &mut ledger, end)?;
    peer.stop()
}

/// Ends the broker, starts the other kind on its directory and checks all records; then writes
/// more to the topics that were there and to new ones.
fn take_over(peer: &mut Peer, next: Kind, ledger: &mut Ledger, end: End) -> Result<()> {
    let name = format!(
        "{}-{}-after-{}",
        ledger.len(),
        next.name(),
        peer.kind().name()
    );
    match end {
        End::Stop => peer.stop()?,
        End::Kill => peer.kill(),
    }
    peer.replace_kind(next);
    peer.start()
        .with_context(|| format!("{name} on the other's directory"))?;
    check(peer, ledger).with_context(|| name.clone())?;
    let (topic, partitions) = ledger.iter_mut().next().context("nothing was written")?;
    let more = awkward(&name);
    produce(
        &peer.address(),
        &[("enable.idempotence", "true")],
        topic,
        Some(0),
        &more,
    )?;
    partitions[0].extend(more);
    write(&peer.address(), &name, ledger)?;
    check(peer, ledger).with_context(|| name)
}

fn check(peer: &Peer, ledger: &Ledger) -> Result<()> {
    let received = read_all(&peer.address(), ledger)?;
    for (topic, written) in ledger {
        compare(topic, written, &received[topic])?;
    }
    Ok(())
}

/// A topic for each codec, one of many segments, an empty one, and one that is deleted again.
fn write(address: &str, prefix: &str, ledger: &mut Ledger) -> Result<()> {
    let write_with = |codec: &str| -> Result<(String, Partitions)> {
        let topic = format!("{prefix}-{codec}");
        create_topic(address, &topic, 2, &[("retention.ms", "86400000")])?;
        let records = awkward(codec);
        let settings = [("compression.codec", codec), ("enable.idempotence", "true")];
        produce(address, &settings, &topic, Some(1), &records)?;
        Ok((topic, vec![Vec::new(), records]))
    };
    // At once: each idempotent producer waits half a second before it begins.
    let written: Result<Vec<_>> = std::thread::scope(|scope| {
        let writers = CODECS.map(|codec| scope.spawn(|| write_with(codec)));
        let join = |writer: ScopedJoinHandle<'_, _>| writer.join().expect("a writer panicked");
        writers.into_iter().map(join).collect()
    });
    ledger.extend(written?);
    let topic = format!("{prefix}-segments");
    create_topic(address, &topic, 1, &[("segment.bytes", "1048576")])?;
    let records: Vec<Record> = (0..3_000_u32)
        .map(|n| Record::unkeyed(&n.to_be_bytes().repeat(250)))
        .collect();
    produce(
        address,
        &[("batch.num.messages", "20")],
        &topic,
        Some(0),
        &records,
    )?;
    ledger.insert(topic, vec![records]);
    let empty = format!("{prefix}-empty");
    create_topic(address, &empty, 3, &[])?;
    ledger.insert(empty, vec![Vec::new(); 3]);
    let deleted = format!("{prefix}-deleted");
    create_topic(address, &deleted, 1, &[])?;
    produce(address, &[], &deleted, Some(0), &awkward("deleted"))?;
    delete_topic(address, &deleted)
}
