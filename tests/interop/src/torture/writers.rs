//! Those who write: idempotent producers without transactions, and transactional ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ThreadedProducer};

use super::checker::Outcome;
use super::findings::Fault;
use super::run::{Ledger, MOMENT, Run, Ticket};
use super::value::{Place, Topic, Value};
use crate::chance::Chance;
use crate::librdkafka::config;
use crate::process::pause;

/// Records a plain writer may have waiting for an acknowledgement.
const WAITING_MAX: i32 = 200;
/// How long a client is asked again before it counts as stuck.
pub(super) const LIMIT: Duration = Duration::from_secs(120);
/// How long one call of a client may take.
const CALL: Duration = Duration::from_secs(20);
/// Between two transactions: room for others on a small machine.
const REST: Duration = Duration::from_millis(10);

/// A producer of transactions, which serves itself.
pub(super) type Transactional = ThreadedProducer<Ledger>;

/// A client that was told that it can't go on has no reason to be: it had all the time it needs.
const PATIENT: [(&str, &str); 8] = [
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("max.in.flight.requests.per.connection", "5"),
    ("linger.ms", "2"),
    ("message.timeout.ms", "300000"),
    ("reconnect.backoff.ms", "20"),
    ("reconnect.backoff.max.ms", "200"),
    ("retry.backoff.ms", "20"),
];

/// Writes to one topic without transactions until it is asked to end.
pub(super) fn write_plainly(run: &Arc<Run>, writer: u32, topic: Topic) -> Result<()> {
    let steps = run.steps(&format!("writer {writer} of {}", topic.name()));
    let ledger = Ledger(Arc::clone(run), steps);
    let mut settings = PATIENT.to_vec();
    settings.push(("batch.num.messages", "20"));
    let producer: BaseProducer<Ledger> =
        config(&run.address, &settings).create_with_context(ledger)?;
    let mut chance = Chance::new(run.seed ^ u64::from(writer));
    let mut numbers = vec![0; usize::try_from(topic.partitions())?];
    while run.may_write(writer, topic) {
        producer.poll(Duration::ZERO);
        if producer.in_flight_count() >= WAITING_MAX {
            producer.poll(MOMENT);
            continue;
        }
        for _ in 0..chance.within(1..30) {
            let partition = chance.within(0..numbers.len() as u64) as usize;
            let place = Place {
                topic,
                partition: i32::try_from(partition)?,
            };
            let value = Value {
                writer,
                number: numbers[partition],
                txn: None,
                source: None,
            };
            match send(place, value, |record| {
                producer.send(record).map_err(|(error, _)| error)
            }) {
                Ok(()) => numbers[partition] += 1,
                Err(error) if is_queue_full(&error) => break,
                Err(error) => {
                    run.found(Fault::Fatal, || format!("writer {writer}: {error}"));
                    bail!("writer {writer}: {error}");
                }
            }
        }
        producer.poll(Duration::from_millis(chance.within(10..120)));
    }
    producer
        .flush(LIMIT)
        .with_context(|| format!("writer {writer} ends"))
}

/// Sends one record, whose fate the ledger then hears of.
pub(super) fn send(
    place: Place,
    value: Value,
    send: impl FnOnce(BaseRecord<'_, [u8], [u8], Box<Ticket>>) -> Result<(), KafkaError>,
) -> Result<(), KafkaError> {
    let Value { writer, number, .. } = value;
    let ticket = Ticket {
        place,
        writer,
        number,
    };
    let payload = value.encode(place);
    let record: BaseRecord<'_, [u8], [u8], Box<Ticket>> =
        BaseRecord::with_opaque_to(place.topic.name(), Box::new(ticket));
    send(record.partition(place.partition).payload(&payload))
}

fn is_queue_full(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull)
}

/// A writer of transactions with its producer, which is replaced when it can't go on.
pub(super) struct Teller {
    run: Arc<Run>,
    writer: u32,
    producer: Transactional,
    ledger: Ledger,
    txn: u64,
    /// What was sent so far to each partition.
    numbers: Vec<u64>,
}

impl Teller {
    /// One that writes to `topic`.
    pub(super) fn new(run: &Arc<Run>, writer: u32, topic: Topic) -> Result<Self> {
        let steps = run.steps(&format!("teller {writer} of {}", topic.name()));
        let ledger = Ledger(Arc::clone(run), steps);
        let producer = producer(run, &ledger, writer)?;
        let numbers = vec![0; usize::try_from(topic.partitions())?];
        Ok(Self {
            run: Arc::clone(run),
            writer,
            producer,
            ledger,
            txn: 0,
            numbers,
        })
    }

    /// Replaces the producer. The old one stays as it is, and must not get anything done any more.
    pub(super) fn replace(&mut self) -> Result<Transactional> {
        let new = producer(&self.run, &self.ledger, self.writer)?;
        Ok(std::mem::replace(&mut self.producer, new))
    }

    /// One transaction: records to these places (with the offsets that they are made of), what else
    /// belongs to it, and its end. False when nobody knows the end.
    pub(super) fn transact(
        &mut self,
        records: &[(Place, Option<i64>)],
        commit: bool,
        also: impl FnOnce(&Transactional) -> Result<(), KafkaError>,
    ) -> Result<bool, KafkaError> {
        let (writer, txn) = (self.writer, self.txn);
        self.txn += 1;
        self.run
            .checker
            .lock()
            .begin(writer, txn, records.len() as u32);
        let outcome = |outcome| self.run.checker.lock().outcome(writer, txn, outcome);
        let done = fill(&self.producer, &mut self.numbers, (writer, txn), records)
            .and_then(|()| also(&self.producer));
        if done.is_ok() && commit {
            outcome(Outcome::Committing);
            let done = patiently(|| self.producer.commit_transaction(CALL));
            outcome(if done.is_ok() {
                Outcome::Committed
            } else {
                Outcome::Unknown
            });
            let Err(error) = done else {
                return Ok(true);
            };
            self.run.told("commit", &error);
            if !is_abortable(&error) {
                return Err(error);
            }
            patiently(|| self.producer.abort_transaction(CALL))?;
            return Ok(false);
        }
        let aborted = patiently(|| self.producer.abort_transaction(CALL));
        // No commit was asked for, so it can't be anything else, whoever ends it.
        outcome(Outcome::Aborted);
        done.and(aborted).map(|()| true)
    }

    /// Begins a transaction, is replaced in the midst of it, and tries to commit it all the same.
    fn haunt(&mut self, records: &[(Place, Option<i64>)], written: bool) -> Result<()> {
        let (writer, txn) = (self.writer, self.txn);
        self.txn += 1;
        self.run
            .checker
            .lock()
            .begin(writer, txn, records.len() as u32);
        let begun = fill(&self.producer, &mut self.numbers, (writer, txn), records);
        let begun = begun.and_then(|()| match written {
            true => self.producer.flush(CALL),
            false => Ok(()),
        });
        let old = self.replace()?;
        self.run
            .checker
            .lock()
            .outcome(writer, txn, Outcome::Aborted);
        if begun.is_ok() && old.commit_transaction(CALL).is_ok() {
            self.run
                .found(Fault::Zombie, || format!("transaction {txn} of {writer}"));
        }
        Ok(())
    }
}

fn fill(
    producer: &Transactional,
    numbers: &mut [u64],
    (writer, txn): (u32, u64),
    records: &[(Place, Option<i64>)],
) -> Result<(), KafkaError> {
    producer.begin_transaction()?;
    for (place, source) in records {
        let number = &mut numbers[place.partition as usize];
        let value = Value {
            writer,
            number: *number,
            txn: Some(txn),
            source: *source,
        };
        send(*place, value, |record| {
            producer.send(record).map_err(|(error, _)| error)
        })?;
        *number += 1;
    }
    Ok(())
}

/// A producer that may begin transactions.
fn producer(run: &Arc<Run>, ledger: &Ledger, writer: u32) -> Result<Transactional> {
    let id = format!("teller-{writer}");
    let mut settings = PATIENT.to_vec();
    settings.retain(|(key, _)| *key != "message.timeout.ms");
    settings.extend([
        ("transactional.id", id.as_str()),
        ("transaction.timeout.ms", "15000"),
    ]);
    let until = Instant::now() + LIMIT;
    loop {
        let producer: Transactional =
            config(&run.address, &settings).create_with_context(ledger.clone())?;
        match producer.init_transactions(CALL) {
            Ok(()) => return Ok(producer),
            Err(error) if Instant::now() > until => {
                run.found(Fault::Stuck, || {
                    format!("{id} gets no producer id: {error}")
                });
                bail!("{id} gets no producer id: {error}");
            }
            Err(error) => run.told("init", &error),
        }
        pause(MOMENT);
    }
}

fn is_abortable(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.txn_requires_abort())
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

/// Writes transactions until it is asked to end.
pub(super) fn tell(run: &Arc<Run>, writer: u32) -> Result<()> {
    let topic = Topic::Whole;
    let mut teller = Teller::new(run, writer, topic)?;
    let mut chance = Chance::new(run.seed ^ u64::from(writer));
    while run.may_write(writer, topic) {
        let mut records = Vec::new();
        for partition in 0..topic.partitions() {
            for _ in 0..chance.within(0..4) {
                records.push((Place { topic, partition }, None));
            }
        }
        if chance.one_in(40) && !records.is_empty() {
            teller.haunt(&records, chance.one_in(2))?;
            continue;
        }
        let commit = !chance.one_in(4);
        if let Err(error) = teller.transact(&records, commit, |_| Ok(())) {
            run.told("transaction", &error);
            drop(teller.replace()?);
        }
        pause(REST);
    }
    Ok(())
}
