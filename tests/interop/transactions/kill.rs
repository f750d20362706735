//! Transactions under `kill -9`: none is torn, none that was committed is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka::config;
use limpid_interop::peer::Peer;
use limpid_interop::process::pause;
use limpid_interop::wire::create_topic;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

const TOPIC: &str = "whole-or-nothing";
const PARTITIONS: i32 = 3;
/// Records of a transaction in each partition.
const EACH: usize = 2;
const WRITERS: usize = 2;
const ROUNDS: u32 = 8;
const LIMIT: Duration = Duration::from_secs(60);

/// Serves itself: a transaction waits for what was delivered.
type Writer = ThreadedProducer<DefaultProducerContext>;

/// What a writer was told.
#[derive(Default, Debug)]
struct Told {
    committed: BTreeSet<String>,
    aborted: BTreeSet<String>,
    unknown: usize,
}

/// Writers commit and abort while the broker is killed, again and again.
pub fn transactions_stay_whole(lab: &mut Lab) -> Result<()> {
    let folder = lab.folder("transactions-killed")?;
    let every = "transaction.abort.timed.out.transaction.cleanup.interval.ms";
    let properties = [(every, "500")];
    let mut peer = Peer::start_new(lab.kind().clone(), &lab.tools, &folder, &properties)?;
    let address = peer.address();
    create_topic(&address, TOPIC, PARTITIONS, &[])?;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|who| {
            let (address, stop) = (address.clone(), Arc::clone(&stop));
            std::thread::spawn(move || write(&address, who, &stop))
        })
        .collect();
    for round in 0..ROUNDS {
        pause(Duration::from_millis(1_500 + u64::from(round % 3) * 333));
        peer.kill();
        peer.start()?;
    }
    pause(Duration::from_secs(3));
    stop.store(true, Ordering::SeqCst);
    let mut told = Told::default();
    for writer in writers {
        let one = writer
            .join()
            .map_err(|_| anyhow::anyhow!("a writer panicked"))??;
        told.committed.extend(one.committed);
        told.aborted.extend(one.aborted);
        told.unknown += one.unknown;
    }
    // What a killed writer left open is aborted before it is read.
    let found = read(&address)?;
    let whole = EACH * usize::try_from(PARTITIONS)?;
    for (name, count) in &found {
        ensure!(*count == whole, "{name} has {count} of {whole} records");
        ensure!(
            !told.aborted.contains(name),
            "{name} was aborted and is there"
        );
    }
    let lost: Vec<_> = told
        .committed
        .iter()
        .filter(|n| !found.contains_key(*n))
        .collect();
    ensure!(lost.is_empty(), "committed and not there: {lost:?}");
    ensure!(
        told.committed.len() > 50,
        "too little was committed: {told:?}"
    );
    eprintln!(
        "{} committed, {} aborted, {} unknown, {} found",
        told.committed.len(),
        told.aborted.len(),
        told.unknown,
        found.len()
    );
    Ok(())
}

fn producer(address: &str, who: usize) -> Result<Writer> {
    let id = format!("writer-{who}");
    let settings = [
        ("transactional.id", id.as_str()),
        ("transaction.timeout.ms", "10000"),
        ("reconnect.backoff.max.ms", "300"),
        ("linger.ms", "0"),
    ];
    let until = Instant::now() + LIMIT;
    loop {
        let producer: Writer = config(address, &settings).create()?;
        match producer.init_transactions(Duration::from_secs(10)) {
            Ok(()) => return Ok(producer),
            Err(error) if Instant::now() > until => return Err(error.into()),
            Err(_) => pause(Duration::from_millis(100)),
        }
    }
}

fn write(address: &str, who: usize, stop: &AtomicBool) -> Result<Told> {
    let mut told = Told::default();
    let mut writer = producer(address, who)?;
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let name = format!("{who}-{number}");
        let commit = number % 4 != 3;
        match transaction(&writer, &name, commit) {
            Ok(true) => told.committed.insert(name),
            Ok(false) => told.aborted.insert(name),
            Err(_) => {
                told.unknown += 1;
                writer = producer(address, who).context("going on after an error")?;
                false
            }
        };
    }
    Ok(told)
}

/// True if it is committed, false if it is aborted; an error leaves that open.
fn transaction(writer: &Writer, name: &str, commit: bool) -> Result<bool, KafkaError> {
    writer.begin_transaction()?;
    for partition in 0..PARTITIONS {
        for _ in 0..EACH {
            let record: BaseRecord<'_, str, str> = BaseRecord::to(TOPIC);
            let sent = writer.send(record.partition(partition).key("k").payload(name));
            sent.map_err(|(error, _)| error)?;
        }
    }
    if commit {
        match patiently(|| writer.commit_transaction(Duration::from_secs(20))) {
            Ok(()) => return Ok(true),
            Err(KafkaError::Transaction(error)) if error.txn_requires_abort() => {}
            Err(error) => return Err(error),
        }
    }
    patiently(|| writer.abort_transaction(Duration::from_secs(20)))?;
    Ok(false)
}

/// Asks again while the client says that it may.
fn patiently(ask: impl Fn() -> Result<(), KafkaError>) -> Result<(), KafkaError> {
    let until = Instant::now() + LIMIT;
    loop {
        match ask() {
            Err(KafkaError::Transaction(error))
                if error.is_retriable() && Instant::now() < until => {}
            done => return done,
        }
    }
}

/// How many records each transaction has, for a reader of committed ones.
fn read(address: &str) -> Result<BTreeMap<String, usize>> {
    let settings = [
        ("group.id", "reader"),
        ("isolation.level", "read_committed"),
        ("enable.partition.eof", "true"),
        ("enable.auto.commit", "false"),
    ];
    // Open transactions end by their timeout; nothing may follow them then.
    pause(Duration::from_secs(12));
    let consumer: BaseConsumer = config(address, &settings).create()?;
    let mut assignment = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        assignment.add_partition_offset(TOPIC, partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let (mut found, mut ended) = (BTreeMap::new(), BTreeSet::new());
    let until = Instant::now() + LIMIT;
    while ended.len() < usize::try_from(PARTITIONS)? {
        ensure!(Instant::now() < until, "the end is not reached: {ended:?}");
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                let value = message.payload_view::<str>().context("no value")??;
                *found.entry(value.to_owned()).or_default() += 1;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                ended.insert(partition);
            }
            Some(Err(error))
                if error.rdkafka_error_code() == Some(RDKafkaErrorCode::BrokerTransportFailure) => {
            }
            Some(Err(error)) => return Err(error.into()),
            None => {}
        }
    }
    Ok(found)
}
