//! Transactions: committed, aborted, and open when the broker ends.

use anyhow::{Context, Result, ensure};
use limpid_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use limpid_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use limpid_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, DescribeTransactionsRequest, EndTxnRequest,
    InitProducerIdRequest, ListTransactionsRequest, TxnOffsetCommitRequest,
};
use limpid_protocol::records::{Codec, Producer};

use super::dump::{end, records};
use super::topics::create;
use super::{ROUNDS, Wire, append, batch, produce, wait_for};

/// "Wait and ask again": loading, no coordinator, another transaction in the way.
const TRANSIENT: [i16; 4] = [14, 15, 16, 51];
/// The epoch is one of before.
const FENCED: [i16; 2] = [47, 90];
const LEDGER: &str = "ledger";
/// Each open transaction writes as many before the broker ends.
const WRITTEN: usize = 3;

/// Who writes.
#[derive(Clone, Copy)]
struct Who {
    id: i64,
    epoch: i16,
}

fn start(wire: &mut impl Wire, id: &str) -> Result<Who> {
    let request = InitProducerIdRequest {
        transactional_id: Some(id.to_owned()),
        transaction_timeout_ms: 900_000,
        producer_id: -1,
        producer_epoch: -1,
        ..InitProducerIdRequest::default()
    };
    wait_for("producer", || {
        let answer = wire.ask(&request, 4)?;
        if TRANSIENT.contains(&answer.error_code) {
            return Ok(None);
        }
        ensure!(answer.error_code == 0, "init of {id}: {answer:?}");
        let (id, epoch) = (answer.producer_id, answer.producer_epoch);
        Ok(Some(Who { id, epoch }))
    })
}

/// Adds the topic's first partition to the transaction.
fn add(wire: &mut impl Wire, id: &str, who: Who, topic: &str) -> Result<()> {
    let request = AddPartitionsToTxnRequest {
        v3_and_below_transactional_id: id.to_owned(),
        v3_and_below_producer_id: who.id,
        v3_and_below_producer_epoch: who.epoch,
        v3_and_below_topics: vec![AddPartitionsToTxnTopic {
            name: topic.to_owned(),
            partitions: vec![0],
        }],
        ..AddPartitionsToTxnRequest::default()
    };
    wait_for("partition in a transaction", || {
        let answer = wire.ask(&request, 3)?;
        let topics = &answer.results_by_topic_v3_and_below;
        let code = topics[0].results_by_partition[0].partition_error_code;
        // Kafka's writer of markers may be late with those of the one before.
        if TRANSIENT.contains(&code) {
            return Ok(None);
        }
        ensure!(code == 0, "adding to {id}: {answer:?}");
        Ok(Some(()))
    })
}

fn send(
    wire: &mut impl Wire,
    (id, who): (&str, Who),
    topic: &str,
    sequence: usize,
    count: usize,
) -> Result<()> {
    let producer = Producer {
        id: who.id,
        epoch: who.epoch,
        base_sequence: i32::try_from(sequence)?,
    };
    let records = batch(Codec::Zstd, sequence, count, Some(producer))?;
    append(wire, &produce(topic, 0, Some(id), records))?;
    Ok(())
}

fn end_txn(wire: &mut impl Wire, id: &str, who: Who, committed: bool) -> Result<i16> {
    let request = EndTxnRequest {
        transactional_id: id.to_owned(),
        producer_id: who.id,
        producer_epoch: who.epoch,
        committed,
    };
    wait_for("end of a transaction", || {
        let code = wire.ask(&request, 3)?.error_code;
        Ok((!TRANSIENT.contains(&code)).then_some(code))
    })
}

/// Waits until all partitions of the state are read.
pub fn await_loaded(wire: &mut impl Wire) -> Result<()> {
    let ids = (0..20).map(|n| format!("nobody-{n}")).collect();
    let describe = DescribeTransactionsRequest {
        transactional_ids: ids,
    };
    wait_for("transactions", || {
        let listed = wire.ask(&ListTransactionsRequest::default(), 0)?;
        let described = wire.ask(&describe, 0)?;
        let mut states = described.transaction_states.iter();
        // 105: no such id, which only a coordinator that has loaded it can say.
        let ready = listed.error_code == 0 && states.all(|state| state.error_code == 105);
        Ok(ready.then_some(()))
    })
}

fn offsets(wire: &mut impl Wire, id: &str, who: Who, group: &str, offset: i64) -> Result<()> {
    let add = AddOffsetsToTxnRequest {
        transactional_id: id.to_owned(),
        producer_id: who.id,
        producer_epoch: who.epoch,
        group_id: group.to_owned(),
    };
    let added = wire.ask(&add, 3)?;
    ensure!(added.error_code == 0, "{added:?}");
    let request = TxnOffsetCommitRequest {
        transactional_id: id.to_owned(),
        group_id: group.to_owned(),
        producer_id: who.id,
        producer_epoch: who.epoch,
        topics: vec![TxnOffsetCommitRequestTopic {
            name: LEDGER.to_owned(),
            partitions: vec![TxnOffsetCommitRequestPartition {
                partition_index: 0,
                committed_offset: offset,
                committed_metadata: Some("in a transaction".to_owned()),
                ..TxnOffsetCommitRequestPartition::default()
            }],
        }],
        ..TxnOffsetCommitRequest::default()
    };
    let answer = wire.ask(&request, 3)?;
    let code = answer.topics[0].partitions[0].error_code;
    ensure!(code == 0, "{answer:?}");
    Ok(())
}

/// Names of the topic and of the id of an open transaction.
fn open(way: &str, round: i16) -> String {
    format!("{way}-{round}")
}

/// One id that committed and aborted, and two for each round whose transactions stay open.
pub fn write(wire: &mut impl Wire) -> Result<()> {
    super::await_coordinators(wire)?;
    create(wire, LEDGER, 1, &[])?;
    let who = start(wire, "done")?;
    for (at, commits) in [true, false, true, false].into_iter().enumerate() {
        add(wire, "done", who, LEDGER)?;
        send(wire, ("done", who), LEDGER, at * WRITTEN, WRITTEN)?;
        let offset = i64::try_from(at)? + 1;
        offsets(wire, "done", who, "paid", offset)?;
        let code = end_txn(wire, "done", who, commits)?;
        ensure!(code == 0, "ending said {code}");
    }
    await_complete(wire, "done")?;
    for round in 1..=ROUNDS {
        for way in ["resumed", "fenced"] {
            let name = open(way, round);
            create(wire, &name, 1, &[])?;
            let who = start(wire, &name)?;
            add(wire, &name, who, &name)?;
            send(wire, (&name, who), &name, 0, WRITTEN)?;
        }
    }
    Ok(())
}

/// One open transaction is gone on with and committed, the other given up by a new producer.
pub fn act(wire: &mut impl Wire, round: i16) -> Result<()> {
    let name = open("resumed", round);
    let who = told(wire, &name)?;
    add(wire, &name, who, &name)?;
    ensure!(seen(wire, &name)? == 0, "{name}: seen before the commit");
    send(wire, (&name, who), &name, WRITTEN, 2)?;
    let code = end_txn(wire, &name, who, true)?;
    ensure!(code == 0, "{name}: committing said {code}");
    await_complete(wire, &name)?;
    wait_for("committed records", || {
        Ok((seen(wire, &name)? == WRITTEN + 2).then_some(()))
    })?;

    let name = open("fenced", round);
    let old = told(wire, &name)?;
    let new = start(wire, &name)?;
    ensure!(
        new.id == old.id && new.epoch > old.epoch,
        "{name}: epoch {} after {}",
        new.epoch,
        old.epoch
    );
    let code = end_txn(wire, &name, old, true)?;
    ensure!(FENCED.contains(&code), "{name}: the zombie was told {code}");
    wait_for("the abort's marker", || {
        // The records and the marker.
        let wanted = i64::try_from(WRITTEN)? + 1;
        Ok((end(wire, &name, 0, 1)? == wanted).then_some(()))
    })?;
    ensure!(seen(wire, &name)? == 0, "{name}: aborted records are seen");
    add(wire, &name, new, &name)?;
    send(wire, (&name, new), &name, 0, 1)?;
    let code = end_txn(wire, &name, new, true)?;
    ensure!(code == 0, "{name}: the new producer was told {code}");
    await_complete(wire, &name)
}

/// How many records a `read_committed` reader sees.
fn seen(wire: &mut impl Wire, topic: &str) -> Result<usize> {
    Ok(super::dump::committed(wire, topic, 0)?.len())
}

/// The producer of an open transaction, as the broker tells it.
fn told(wire: &mut impl Wire, id: &str) -> Result<Who> {
    let request = DescribeTransactionsRequest {
        transactional_ids: vec![id.to_owned()],
    };
    let answer = wire.ask(&request, 0)?;
    let state = answer.transaction_states.first().context("no answer")?;
    ensure!(
        state.error_code == 0 && state.transaction_state == "Ongoing",
        "{state:?}"
    );
    let count = records(wire, id, 0)?.len();
    ensure!(count == WRITTEN, "{id}: {count} records were written");
    Ok(Who {
        id: state.producer_id,
        epoch: state.producer_epoch,
    })
}

/// Waits until all markers are written.
fn await_complete(wire: &mut impl Wire, id: &str) -> Result<()> {
    let describe = DescribeTransactionsRequest {
        transactional_ids: vec![id.to_owned()],
    };
    wait_for("markers", || {
        let described = wire.ask(&describe, 0)?;
        let state = &described.transaction_states[0].transaction_state;
        Ok(state.starts_with("Complete").then_some(()))
    })
}
