//! A broker's whole state in small: written by requests, told in lines, and acted upon.
//!
//! [`write`] leaves something of every kind in a data directory, [`dump`] says what is there, and
//! [`act`] does what only works where the state is meant as it reads: logins, denials, an open
//! transaction that goes on. The tests of upgrades use it and those that hand a directory from one
//! broker to another, so it speaks through [`Wire`] and knows neither.

mod access;
mod dump;
mod groups;
mod shares;
mod topics;
mod transactions;

use std::fmt::Debug;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use limpid_protocol::codec::Request;
use limpid_protocol::messages::produce_request::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use limpid_protocol::messages::{FindCoordinatorRequest, ListGroupsRequest};
use limpid_protocol::records::{BatchBuilder, Codec, Producer};

pub use access::LISTENERS;
pub use dump::{Facts, dump};

/// Long enough for a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(20);
/// When the first record was written, by its own account.
const TIME: i64 = 1_700_000_000_000;
/// How often [`act`] finds something to do.
pub const ROUNDS: i16 = 2;

/// What a broker must be told so that nothing of all this goes away by the clock: the state may be
/// years old when it is opened.
pub const SETTINGS: [(&str, &str); 13] = [
    ("log.retention.check.interval.ms", "86400000"),
    ("log.cleaner.backoff.ms", "200"),
    ("log.initial.task.delay.ms", "200"),
    ("log.cleaner.dedupe.buffer.size", "4194304"),
    ("offsets.retention.minutes", "2147483647"),
    ("offsets.topic.num.partitions", "2"),
    ("transaction.state.log.num.partitions", "2"),
    ("share.coordinator.state.topic.num.partitions", "2"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("log.index.size.max.bytes", "4096"),
    (
        "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        "86400000",
    ),
    (
        "transaction.remove.expired.transaction.cleanup.interval.ms",
        "86400000",
    ),
    ("metadata.log.max.record.bytes.between.snapshots", "2000"),
];

/// A connection to a broker.
pub trait Wire {
    /// Sends a request that must be answered.
    fn ask<R>(&mut self, request: &R, version: i16) -> Result<R::Response>
    where
        R: Request,
        R::Response: Debug;
}

/// Writes something of everything, through a connection that may do anything.
pub fn write(wire: &mut impl Wire) -> Result<()> {
    topics::write(wire).context("topics")?;
    access::write(wire).context("access")?;
    transactions::write(wire).context("transactions")?;
    groups::write(wire).context("groups")?;
    shares::write(wire).context("share groups")
}

/// Looks whether a state holds what [`write`] wrote, by a few lines of each kind.
pub fn expect_all(facts: &Facts) -> Result<()> {
    for kind in dump::KINDS {
        let has = facts
            .keys()
            .any(|name| name.split(' ').next() == Some(kind));
        ensure!(has, "nothing of the kind {kind:?}");
    }
    Ok(())
}

/// Looks whether everything told before is still told.
pub fn compare(before: &Facts, after: &Facts) -> Result<()> {
    let unlike: Vec<String> = before
        .iter()
        .filter(|(name, value)| after.get(*name) != Some(value))
        .map(|(name, value)| format!("{name}: was {value}, is {:?}", after.get(name)))
        .collect();
    ensure!(
        unlike.is_empty(),
        "facts have changed:\n{}",
        unlike.join("\n")
    );
    Ok(())
}

/// Goes on with what is there, for the `round`th time (from 1 to [`ROUNDS`]); `guest` has yet to
/// log in.
pub fn act(wire: &mut impl Wire, guest: &mut impl Wire, round: i16) -> Result<()> {
    await_coordinators(wire)?;
    groups::act(wire, round).context("groups")?;
    shares::act(wire, round).context("share groups")?;
    transactions::act(wire, round).context("transactions")?;
    access::act(guest).context("access")
}

/// Looks until `ready` gives something.
fn wait_for<T>(what: &str, mut ready: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(value) = ready().with_context(|| format!("while waiting for {what}"))? {
            return Ok(value);
        }
        ensure!(began.elapsed() < PATIENCE, "no {what} within {PATIENCE:?}");
        std::thread::park_timeout(STEP);
    }
}

/// Waits until the coordinators of groups and of transactions have read what they coordinate.
pub fn await_coordinators(wire: &mut impl Wire) -> Result<()> {
    for key_type in [0, 1] {
        let find = FindCoordinatorRequest {
            key: "any".to_owned(),
            key_type,
            ..FindCoordinatorRequest::default()
        };
        wait_for("coordinator", || {
            Ok((wire.ask(&find, 3)?.error_code == 0).then_some(()))
        })?;
    }
    wait_for("all groups", || {
        let listed = wire.ask(&ListGroupsRequest::default(), 5)?;
        Ok((listed.error_code == 0).then_some(()))
    })?;
    transactions::await_loaded(wire)
}

/// Records of a batch: keys, values and what codecs must not change.
fn batch(codec: Codec, first: usize, count: usize, producer: Option<Producer>) -> Result<Bytes> {
    let mut builder = BatchBuilder::new(codec);
    if let Some(producer) = producer {
        builder = builder.producer(producer).transactional(true);
    }
    for n in first..first + count {
        let key = format!("key-{n}");
        let value = format!("value {n} {}", "of many letters ".repeat(n));
        let key = (n % 3 != 0).then_some(key.as_bytes());
        let value = (n % 4 != 3).then_some(value.as_bytes());
        let headers: [(&[u8], Option<&[u8]>); 2] = [(b"a", Some(b"1")), (b"b", None)];
        builder.append(TIME + i64::try_from(n)?, key, value, &headers)?;
    }
    Ok(builder.build()?)
}

/// A produce request for one partition.
fn produce(topic: &str, index: i32, id: Option<&str>, records: Bytes) -> ProduceRequest {
    let data = PartitionProduceData {
        index,
        records: Some(records),
    };
    ProduceRequest {
        transactional_id: id.map(str::to_owned),
        acks: -1,
        timeout_ms: 10_000,
        topic_data: vec![TopicProduceData {
            name: topic.to_owned(),
            partition_data: vec![data],
            ..TopicProduceData::default()
        }],
    }
}

/// Sends one, which must be accepted as soon as the partition is there; its first offset.
fn append(wire: &mut impl Wire, request: &ProduceRequest) -> Result<i64> {
    /// No leader yet, no such topic yet, another transaction not yet ended.
    const TRANSIENT: [i16; 4] = [3, 5, 6, 51];
    wait_for("acceptance", || {
        let answer = wire.ask(request, 9)?;
        let part = &answer.responses[0].partition_responses[0];
        if TRANSIENT.contains(&part.error_code) {
            return Ok(None);
        }
        ensure!(part.error_code == 0, "producing: {answer:?}");
        Ok(Some(part.base_offset))
    })
}
