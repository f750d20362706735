//! The kill -9 checker: idempotent producers write while the broker is killed again and again;
//! afterwards every acknowledged record must be there exactly once, at the offset that was
//! acknowledged, and each producer's records must be in order in each partition.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rdkafka::ClientContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use crate::librdkafka;
use crate::peer::{Kind, Peer};
use crate::process::{pause, wait_for};
use crate::tools::Tools;
use crate::wire::create_topic;

const TOPIC: &str = "torture";
const PARTITIONS: i32 = 3;
const PRODUCERS: u32 = 3;
/// Records a producer may have waiting for an acknowledgement.
const WAITING_MAX: i32 = 400;
/// The least number of acknowledgements in the last second before a kill.
const BUSY: usize = 500;
const VALUE_BYTES: usize = 700;
/// A busy second must come within this after a start.
const BUSY_LIMIT: Duration = Duration::from_secs(60);
const FLUSH_LIMIT: Duration = Duration::from_secs(120);

/// A record's identity: which producer wrote it and its place in that producer's order.
type Id = (u32, u64);

/// What the checker found; all zero but for the first two on a broker that keeps its word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Acknowledged records.
    pub acknowledged: usize,
    /// Records in the log.
    pub found: usize,
    /// Acknowledged records that are not in the log.
    pub lost: usize,
    /// Records that are in the log more than once.
    pub doubled: usize,
    /// Acknowledged records that are at another offset than the acknowledged one.
    pub misplaced: usize,
    /// Neighbours of one producer in a partition that are in the wrong order.
    pub disordered: usize,
    /// Records whose bytes are not those written.
    pub damaged: usize,
}

impl Verdict {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.misplaced + self.disordered + self.damaged == 0
    }
}

/// Acknowledged records with their partition and offset, and the times of the last ones.
#[derive(Debug, Default)]
struct Acks {
    places: HashMap<Id, (i32, i64)>,
    recent: VecDeque<Instant>,
    failure: Option<String>,
}

impl Acks {
    fn in_last_second(&mut self) -> usize {
        while self
            .recent
            .front()
            .is_some_and(|at| at.elapsed() > Duration::from_secs(1))
        {
            self.recent.pop_front();
        }
        self.recent.len()
    }
}

/// Notes the fate of each record a producer sends.
#[derive(Clone, Debug)]
struct Ledger(Arc<Mutex<Acks>>);

impl Ledger {
    fn lock(&self) -> std::sync::MutexGuard<'_, Acks> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl ClientContext for Ledger {
    // Brokers vanish all the time here; what counts is what becomes of the records.
    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: rdkafka::error::KafkaError, _: &str) {}
}

impl ProducerContext for Ledger {
    type DeliveryOpaque = Box<Id>;

    fn delivery(&self, result: &DeliveryResult<'_>, id: Box<Id>) {
        let mut acks = self.lock();
        match result {
            Ok(message) => {
                acks.places
                    .insert(*id, (message.partition(), message.offset()));
                acks.recent.push_back(Instant::now());
            }
            Err((error, _)) => {
                acks.failure
                    .get_or_insert_with(|| format!("record {id:?}: {error}"));
            }
        }
    }
}

/// The value of a record: its identity and a pattern that depends on it.
fn value(id: Id) -> Vec<u8> {
    let mut value = format!("{} {} ", id.0, id.1).into_bytes();
    let seed = id.1.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(id.0);
    while value.len() < VALUE_BYTES {
        let at = value.len() as u64;
        value.push((seed.rotate_left((at % 64) as u32) ^ at) as u8);
    }
    value
}

/// Splits a record's value into its identity and whether every byte is as written.
fn identify(bytes: &[u8]) -> Option<(Id, bool)> {
    let mut parts = bytes.splitn(3, |byte| *byte == b' ');
    let mut number = || std::str::from_utf8(parts.next()?).ok()?.parse::<u64>().ok();
    let id = (u32::try_from(number()?).ok()?, number()?);
    Some((id, bytes == value(id)))
}

/// The producers, writing in threads of their own until they are stopped.
struct Writers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<()>>>,
}

impl Writers {
    fn start(address: &str, ledger: &Ledger) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |number| {
            let (address, ledger, stop) = (address.to_owned(), ledger.clone(), Arc::clone(&stop));
            std::thread::spawn(move || write(&address, ledger, number, &stop))
        };
        let threads = (0..PRODUCERS).map(start).collect();
        Self { stop, threads }
    }

    fn finish(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread
                .join()
                .map_err(|_| anyhow::anyhow!("a producer's thread panicked"))??;
        }
        Ok(())
    }
}

fn write(address: &str, ledger: Ledger, number: u32, stop: &AtomicBool) -> Result<()> {
    let settings = [
        ("enable.idempotence", "true"),
        ("acks", "all"),
        ("max.in.flight.requests.per.connection", "5"),
        ("linger.ms", "2"),
        ("batch.num.messages", "25"),
        ("message.timeout.ms", "300000"),
        ("reconnect.backoff.ms", "20"),
        ("reconnect.backoff.max.ms", "200"),
        ("retry.backoff.ms", "20"),
    ];
    let producer: BaseProducer<Ledger> =
        librdkafka::config(address, &settings).create_with_context(ledger)?;
    let mut next = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        if producer.in_flight_count() >= WAITING_MAX {
            producer.poll(Duration::from_millis(2));
            continue;
        }
        let id = (number, next);
        let payload = value(id);
        let partition = i32::try_from(next % u64::try_from(PARTITIONS)?)?;
        let record: BaseRecord<'_, [u8], [u8], Box<Id>> =
            BaseRecord::with_opaque_to(TOPIC, Box::new(id))
                .partition(partition)
                .payload(&payload);
        match producer.send(record) {
            Ok(()) => next += 1,
            Err((error, _)) => match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::QueueFull) => {
                    producer.poll(Duration::from_millis(2));
                }
                _ => bail!("producer {number}: {error}"),
            },
        }
        if next.is_multiple_of(25) {
            producer.poll(Duration::ZERO);
        }
    }
    producer
        .flush(FLUSH_LIMIT)
        .with_context(|| format!("producer {number}"))
}

/// When a broker acknowledges: decides how much is appended but not acknowledged at a kill.
#[derive(Clone, Copy, Debug)]
pub enum Acknowledged {
    /// Right after the append: hardly ever is anything in between.
    OnceAppended,
    /// After the disk has it (`flush.messages=1`): nearly always batches are in between, and are
    /// sent again after the restart.
    OnceFlushed,
}

impl Acknowledged {
    const fn configs(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::OnceAppended => &[],
            Self::OnceFlushed => &[("flush.messages", "1")],
        }
    }
}

/// Kills the broker `rounds` times under load and then judges what is in its log.
///
/// # Errors
/// When the broker doesn't come back, a producer gives up, or the log can't be read.
pub fn torture(
    kind: &Kind,
    tools: &Tools,
    folder: &std::path::Path,
    (rounds, seed): (u32, u64),
    acks: Acknowledged,
) -> Result<Verdict> {
    let properties = [
        ("log.segment.bytes", "1048576"),
        ("log.index.interval.bytes", "1024"),
    ];
    let mut peer = Peer::start_new(kind.clone(), tools, folder, &properties)?;
    create_topic(&peer.address(), TOPIC, PARTITIONS, acks.configs())?;
    let ledger = Ledger(Arc::default());
    let writers = Writers::start(&peer.address(), &ledger);
    let chance = AtomicU64::new(seed);
    for round in 0..rounds {
        kill_when_busy(&mut peer, &ledger, &chance)
            .with_context(|| format!("round {round} of seed {seed}"))?;
        ledger.lock().recent.clear();
        peer.start()
            .with_context(|| format!("after kill {round} of seed {seed}"))?;
    }
    writers.finish()?;
    let written = ledger.lock();
    if let Some(failure) = &written.failure {
        bail!("a record was given up: {failure}");
    }
    let verdict = judge(&peer.address(), &written.places)?;
    drop(written);
    peer.stop()?;
    Ok(verdict)
}

/// Kills the broker at a random moment of a busy phase.
fn kill_when_busy(peer: &mut Peer, ledger: &Ledger, chance: &AtomicU64) -> Result<()> {
    wait_for("busy second", BUSY_LIMIT, || {
        peer.check_alive()?;
        if let Some(failure) = &ledger.lock().failure {
            bail!("a record was given up: {failure}");
        }
        if ledger.lock().in_last_second() < BUSY {
            return Ok(None);
        }
        // Not a wait for anything: the random moment at which the process dies. The phase may have
        // become quiet by then, on a machine with other work; then there is another.
        pause(Duration::from_micros(random(chance) % 400_000));
        Ok((ledger.lock().in_last_second() >= BUSY).then_some(()))
    })?;
    peer.kill();
    Ok(())
}

/// The next of a sequence of numbers that look random (SplitMix64).
fn random(state: &AtomicU64) -> u64 {
    let mut mixed = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Compares the log with what was acknowledged.
fn judge(address: &str, places: &HashMap<Id, (i32, i64)>) -> Result<Verdict> {
    let mut verdict = Verdict {
        acknowledged: places.len(),
        ..Verdict::default()
    };
    let mut seen: HashMap<Id, Vec<(i32, i64)>> = HashMap::new();
    let mut last: BTreeMap<(i32, u32), u64> = BTreeMap::new();
    librdkafka::read_each(address, TOPIC, PARTITIONS, |partition, offset, record| {
        verdict.found += 1;
        let Some((id, intact)) = identify(record.value.as_deref().unwrap_or_default()) else {
            verdict.damaged += 1;
            return;
        };
        verdict.damaged += usize::from(!intact);
        seen.entry(id).or_default().push((partition, offset));
        let before = last.insert((partition, id.0), id.1);
        verdict.disordered += usize::from(before.is_some_and(|before| before >= id.1));
    })?;
    for found in seen.values() {
        verdict.doubled += found.len() - 1;
    }
    for (id, place) in places {
        match seen.get(id) {
            None => verdict.lost += 1,
            Some(found) => verdict.misplaced += usize::from(!found.contains(place)),
        }
    }
    Ok(verdict)
}
