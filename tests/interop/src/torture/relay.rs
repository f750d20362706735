//! Read, process, write: members of one group who turn each record of one topic into one of
//! another, in transactions that hold the offsets too.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Result;
use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::Producer;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::run::{MOMENT, Run};
use super::value::{Place, Topic};
use super::writers::Teller;
use crate::chance::Chance;
use crate::librdkafka::config;
use crate::process::pause;

/// The members' group.
pub(super) const GROUP: &str = "relay";
/// How many records a transaction may hold.
const BATCH_MAX: usize = 60;
/// How long one waits for them.
const BATCH_TIME: Duration = Duration::from_millis(60);
/// How long one call of a client may take.
const CALL: Duration = Duration::from_secs(20);
/// Seconds after which a member leaves and another one joins.
const LIFE: std::ops::Range<u64> = 10..40;

/// The partitions that were taken away since they were last looked at.
#[derive(Debug, Default)]
struct Revoked(Mutex<BTreeSet<i32>>);

impl ClientContext for Revoked {
    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Revoked {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, change: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = change {
            let partitions = partitions.elements();
            self.0
                .lock()
                .extend(partitions.iter().map(|of| of.partition()));
        }
    }
}

type Member = BaseConsumer<Revoked>;

/// Relays until it is asked to end, as one member after another.
pub(super) fn relay(run: &Arc<Run>, writer: u32) -> Result<()> {
    let steps = run.steps("relay");
    let mut teller = Teller::new(run, writer, Topic::Relayed)?;
    let mut chance = Chance::new(run.seed ^ u64::from(writer));
    while run.is_reading() {
        let member = join(run)?;
        let until = Instant::now() + Duration::from_secs(chance.within(LIFE));
        while Instant::now() < until && run.is_reading() {
            let batch = collect(run, &member)?;
            if batch.is_empty() {
                continue;
            }
            match hand_on(&mut teller, &member, &batch) {
                Ok(true) => {
                    steps.fetch_add(batch.len() as u64, Ordering::Relaxed);
                }
                // What was read is not done: another member begins where the last commit was.
                Ok(false) => break,
                Err(error) => {
                    run.told("relay", &error);
                    drop(teller.replace()?);
                    break;
                }
            }
        }
        pause(MOMENT);
    }
    Ok(())
}

/// Half of the runs use the protocol of KIP-848, the others the classic one.
fn protocol(run: &Run) -> &'static [(&'static str, &'static str)] {
    match run.seed.is_multiple_of(2) {
        true => &[("group.protocol", "consumer")],
        false => &[
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "500"),
        ],
    }
}

fn join(run: &Run) -> Result<Member> {
    let mut settings = vec![
        ("group.id", GROUP),
        ("enable.auto.commit", "false"),
        ("auto.offset.reset", "earliest"),
        ("isolation.level", "read_committed"),
        ("fetch.wait.max.ms", "50"),
        ("fetch.error.backoff.ms", "50"),
        ("reconnect.backoff.ms", "20"),
        ("reconnect.backoff.max.ms", "200"),
    ];
    settings.extend(protocol(run));
    let member: Member = config(&run.address, &settings).create_with_context(Revoked::default())?;
    member.subscribe(&[Topic::Whole.name()])?;
    Ok(member)
}

/// Places and offsets of records, all of one assignment.
fn collect(run: &Run, member: &Member) -> Result<Vec<(i32, i64)>> {
    let mut batch = Vec::new();
    let until = Instant::now() + BATCH_TIME;
    member.context().0.lock().clear();
    while batch.len() < BATCH_MAX && Instant::now() < until {
        let polled = member.poll(BATCH_TIME);
        // What was read before belongs to whoever has the partition now.
        let revoked = std::mem::take(&mut *member.context().0.lock());
        batch.retain(|(partition, _)| !revoked.contains(partition));
        match polled {
            None => {}
            Some(Ok(message)) => batch.push((message.partition(), message.offset())),
            Some(Err(error)) => run.told("member", &error),
        }
    }
    Ok(batch)
}

/// Writes what the batch becomes. False when nobody knows whether it is committed.
fn hand_on(teller: &mut Teller, member: &Member, batch: &[(i32, i64)]) -> Result<bool, KafkaError> {
    let topic = Topic::Relayed;
    let records: Vec<_> = batch
        .iter()
        .map(|(partition, offset)| {
            (
                Place {
                    topic,
                    partition: *partition,
                },
                Some(*offset),
            )
        })
        .collect();
    teller.transact(&records, true, |producer| {
        let mut offsets = TopicPartitionList::new();
        for (partition, offset) in batch {
            let next = Offset::Offset(offset + 1);
            let known = offsets.find_partition(Topic::Whole.name(), *partition);
            match known {
                Some(mut known) => known.set_offset(next)?,
                None => {
                    offsets.add_partition_offset(Topic::Whole.name(), *partition, next)?;
                }
            }
        }
        let group = member.group_metadata().ok_or(KafkaError::Canceled)?;
        producer.send_offsets_to_transaction(&offsets, &group, CALL)
    })
}
