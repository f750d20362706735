//! Cases of transactions.

mod offsets;
mod tools;

use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use limpid_interop::process::wait_for;
use limpid_protocol::ApiKey;
use limpid_protocol::codec::Request;
use limpid_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use limpid_protocol::messages::{
    DescribeTransactionsRequest, EndTxnRequest, FindCoordinatorRequest, InitProducerIdRequest,
    ListTransactionsRequest,
};
use limpid_protocol::records::{BatchBuilder, Codec, Producer};

use super::case::{Case, Outcome, case, talk};
use super::setup::{TIME, WRITTEN, produce};
use super::side::{Reply, Side};
use super::walk::fields;

/// What is waited for must come within this.
const LIMIT: Duration = Duration::from_secs(30);
/// "Wait and ask again": loading, no coordinator, another transaction in the way.
const TRANSIENT: [i16; 4] = [14, 15, 16, 51];
/// The version of EndTxn and others from which the epoch is raised with each end.
const RAISES_EPOCH: i16 = 5;

/// Adds them.
pub fn cases(all: &mut Vec<Case>) {
    starting(all);
    adding(all);
    writing(all);
    ending(all);
    offsets::cases(all);
    tools::cases(all);
}

/// Who writes, on one side.
#[derive(Clone, Copy)]
struct Who {
    id: i64,
    epoch: i16,
}

fn init(id: &str) -> InitProducerIdRequest {
    InitProducerIdRequest {
        transactional_id: Some(id.to_owned()),
        transaction_timeout_ms: 60_000,
        producer_id: -1,
        producer_epoch: -1,
        ..InitProducerIdRequest::default()
    }
}

/// A producer under a transactional id.
fn start(side: &mut Side, id: &str) -> Result<Who> {
    wait_for("producer", LIMIT, || {
        let answer = side.must(&init(id), 4)?;
        if TRANSIENT.contains(&answer.error_code) {
            return Ok(None);
        }
        ensure!(answer.error_code == 0, "init said {}", answer.error_code);
        let (id, epoch) = (answer.producer_id, answer.producer_epoch);
        Ok(Some(Who { id, epoch }))
    })
}

/// Waits until both the topic and all its partitions are there.
pub fn await_coordinator(side: &mut Side) -> Result<()> {
    wait_for("coordinator of transactions", LIMIT, || {
        let find = FindCoordinatorRequest {
            key_type: 1,
            key: "any".to_owned(),
            ..FindCoordinatorRequest::default()
        };
        let found = side.must(&find, 3)?.error_code == 0;
        let listed = found
            && side
                .must(&ListTransactionsRequest::default(), 0)?
                .error_code
                == 0;
        let ids = (0..200).map(|n| format!("id-{n}")).collect();
        let describe = DescribeTransactionsRequest {
            transactional_ids: ids,
        };
        // 105: no such id, which only a coordinator that has loaded it can say.
        let ready = listed && {
            let described = side.must(&describe, 0)?;
            described
                .transaction_states
                .iter()
                .all(|t| t.error_code == 105)
        };
        Ok(ready.then_some(()))
    })
}

/// The answer with what differs between any two runs by its meaning.
fn told<R: Request>(side: &mut Side, request: &R, version: i16, who: Who) -> Result<Outcome>
where
    R::Response: std::fmt::Debug,
{
    Ok(match side.ask(request, version)? {
        Reply::Inexpressible => Outcome::Inexpressible,
        Reply::Closed => Outcome::Closed,
        Reply::Answer(answer) => {
            let mut fields = fields(&answer, side);
            for (path, value) in &mut fields {
                let path = path.rsplit('.').next().unwrap_or(path);
                let is_time = path == "transaction_start_time_ms" && value != "-1";
                if path == "producer_id" && *value == who.id.to_string() {
                    "the producer".clone_into(value);
                } else if is_time {
                    "a time".clone_into(value);
                }
            }
            Outcome::Answer(fields)
        }
    })
}

fn add(id: &str, who: Who, topics: &[(&str, &[i32])], version: i16) -> AddPartitionsToTxnRequest {
    let topics = topics
        .iter()
        .map(|(name, partitions)| AddPartitionsToTxnTopic {
            name: (*name).to_owned(),
            partitions: partitions.to_vec(),
        });
    if version < 4 {
        return AddPartitionsToTxnRequest {
            v3_and_below_transactional_id: id.to_owned(),
            v3_and_below_producer_id: who.id,
            v3_and_below_producer_epoch: who.epoch,
            v3_and_below_topics: topics.collect(),
            ..AddPartitionsToTxnRequest::default()
        };
    }
    AddPartitionsToTxnRequest {
        transactions: vec![AddPartitionsToTxnTransaction {
            transactional_id: id.to_owned(),
            producer_id: who.id,
            producer_epoch: who.epoch,
            topics: topics.collect(),
            ..AddPartitionsToTxnTransaction::default()
        }],
        ..AddPartitionsToTxnRequest::default()
    }
}

/// Makes the second partition of the written topic part of a transaction.
fn open(side: &mut Side, id: &str, who: Who, raises_epoch: bool) -> Result<()> {
    let version = if raises_epoch { 4 } else { 3 };
    side.must(&add(id, who, &[(WRITTEN, &[1])], version), version)?;
    Ok(())
}

fn end(id: &str, who: Who, committed: bool) -> EndTxnRequest {
    EndTxnRequest {
        transactional_id: id.to_owned(),
        producer_id: who.id,
        producer_epoch: who.epoch,
        committed,
    }
}

/// Waits until all markers are written.
fn await_complete(side: &mut Side, id: &str) -> Result<()> {
    let describe = DescribeTransactionsRequest {
        transactional_ids: vec![id.to_owned()],
    };
    wait_for("markers", LIMIT, || {
        let described = side.must(&describe, 0)?;
        let state = &described.transaction_states[0].transaction_state;
        Ok(state.starts_with("Complete").then_some(()))
    })
}

fn older(who: Who) -> Who {
    Who {
        epoch: who.epoch - 1,
        ..who
    }
}

fn starting(all: &mut Vec<Case>) {
    let api = ApiKey::InitProducerId;
    all.push(talk(api, "a transactional id", |side, version, _| {
        let who = start(side, &format!("init-{version}"))?;
        told(side, &init(&format!("init-{version}")), version, who)
    }));
    all.push(talk(api, "going on after an error", |side, version, _| {
        let id = format!("init-on-{version}");
        let who = start(side, &id)?;
        let request = InitProducerIdRequest {
            producer_id: who.id,
            producer_epoch: who.epoch,
            ..init(&id)
        };
        told(side, &request, version, who)
    }));
    all.push(talk(
        api,
        "going on as somebody else",
        |side, version, _| {
            let id = format!("init-else-{version}");
            let who = start(side, &id)?;
            let request = InitProducerIdRequest {
                producer_id: 7,
                producer_epoch: 0,
                ..init(&id)
            };
            told(side, &request, version, who)
        },
    ));
    all.push(talk(
        api,
        "while a transaction is open",
        |side, version, _| {
            let id = format!("init-open-{version}");
            let who = start(side, &id)?;
            open(side, &id, who, true)?;
            told(side, &init(&id), version, who)
        },
    ));
    for (name, timeout_ms) in [("a timeout too long", 900_001), ("no time at all", 0)] {
        all.push(case(name, move |_, version| InitProducerIdRequest {
            transaction_timeout_ms: timeout_ms,
            ..init(&format!("init-{name}-{version}"))
        }));
    }
    all.push(case("a transaction", |_, version| {
        let key = "tx".to_owned();
        let request = FindCoordinatorRequest {
            key_type: 1,
            ..FindCoordinatorRequest::default()
        };
        match version {
            4.. => FindCoordinatorRequest {
                coordinator_keys: vec![key],
                ..request
            },
            _ => FindCoordinatorRequest { key, ..request },
        }
    }));
}

fn adding(all: &mut Vec<Case>) {
    let api = ApiKey::AddPartitionsToTxn;
    type Wanted = &'static [(&'static str, &'static [i32])];
    let wanted: [(&str, Wanted); 4] = [
        ("a partition", &[(WRITTEN, &[1])]),
        ("nothing", &[]),
        (
            "an unknown topic among others",
            &[("absent", &[0]), (WRITTEN, &[1])],
        ),
        ("an unknown partition among others", &[(WRITTEN, &[1, 17])]),
    ];
    for (name, topics) in wanted {
        all.push(talk(api, name, move |side, version, _| {
            let id = format!("add-{name}-{version}");
            let who = start(side, &id)?;
            told(side, &add(&id, who, topics, version), version, who)
        }));
    }
    all.push(talk(api, "an epoch that is over", |side, version, _| {
        let id = format!("add-old-{version}");
        start(side, &id)?;
        let who = start(side, &id)?;
        told(
            side,
            &add(&id, older(who), &[(WRITTEN, &[1])], version),
            version,
            who,
        )
    }));
    all.push(talk(api, "somebody else", |side, version, _| {
        let id = format!("add-else-{version}");
        let who = start(side, &id)?;
        let other = Who { id: 7, epoch: 0 };
        told(
            side,
            &add(&id, other, &[(WRITTEN, &[1])], version),
            version,
            who,
        )
    }));
    all.push(talk(api, "an unknown id", |side, version, _| {
        let other = Who { id: 7, epoch: 0 };
        told(
            side,
            &add("nobody", other, &[(WRITTEN, &[1])], version),
            version,
            other,
        )
    }));
    all.push(talk(api, "only to know", |side, version, _| {
        let id = format!("verify-{version}");
        let who = start(side, &id)?;
        open(side, &id, who, false)?;
        let mut request = add(&id, who, &[(WRITTEN, &[0, 1])], version);
        request
            .transactions
            .iter_mut()
            .for_each(|t| t.verify_only = true);
        if version < 4 {
            return Ok(Outcome::Inexpressible);
        }
        told(side, &request, version, who)
    }));
}

/// The first version of Produce that is answered.
const SERVED: i16 = 3;

/// A batch of a producer's transaction.
fn batch(who: Who, base_sequence: i32) -> Bytes {
    let mut builder = BatchBuilder::new(Codec::None)
        .producer(Producer {
            id: who.id,
            epoch: who.epoch,
            base_sequence,
        })
        .transactional(true);
    let appended = builder.append(TIME, Some(b"key"), Some(b"value"), &[]);
    appended.expect("a small batch");
    builder.build().expect("a small batch")
}

fn writing(all: &mut Vec<Case>) {
    let api = ApiKey::Produce;
    all.push(talk(api, "in a transaction", |side, version, _| {
        if version < SERVED {
            // One of the two is not even asked then.
            return Ok(Outcome::Inexpressible);
        }
        let id = format!("write-{version}");
        let who = start(side, &id)?;
        if version < 12 {
            open(side, &id, who, false)?;
        }
        let mut request = produce(side, WRITTEN, 1, -1, batch(who, 0));
        request.transactional_id = Some(id.clone());
        let outcome = told(side, &request, version, who)?;
        let version = if version < 12 { 4 } else { RAISES_EPOCH };
        side.must(&end(&id, who, false), version)?;
        await_complete(side, &id)?;
        Ok(outcome)
    }));
    all.push(talk(
        api,
        "not part of the transaction",
        |side, version, _| {
            if version >= 12 {
                // It becomes part of it.
                return Ok(Outcome::Inexpressible);
            }
            let id = format!("write-not-{version}");
            let who = start(side, &id)?;
            let mut request = produce(side, WRITTEN, 0, -1, batch(who, 0));
            request.transactional_id = Some(id.clone());
            told(side, &request, version, who)
        },
    ));
    all.push(talk(
        api,
        "in a transaction without an id",
        |side, version, _| {
            let who = Who { id: 7, epoch: 0 };
            let request = produce(side, WRITTEN, 0, -1, batch(who, 0));
            told(side, &request, version, who)
        },
    ));
    all.push(talk(
        api,
        "in a transaction nobody knows",
        |side, version, _| {
            let who = Who { id: 7, epoch: 0 };
            let mut request = produce(side, WRITTEN, 0, -1, batch(who, 0));
            request.transactional_id = Some("nobody".to_owned());
            told(side, &request, version, who)
        },
    ));
    all.push(talk(
        api,
        "in a transaction that is over",
        |side, version, _| {
            let id = format!("write-old-{version}");
            start(side, &id)?;
            let who = start(side, &id)?;
            let mut request = produce(side, WRITTEN, 0, -1, batch(older(who), 0));
            request.transactional_id = Some(id.clone());
            told(side, &request, version, who)
        },
    ));
}

fn ending(all: &mut Vec<Case>) {
    let api = ApiKey::EndTxn;
    for (name, is_open, first, second) in [
        ("a commit", true, None, true),
        ("an abort", true, None, false),
        ("a commit of nothing", false, None, true),
        ("an abort of nothing", false, None, false),
        ("a commit again", true, Some(true), true),
        ("an abort again", true, Some(false), false),
        ("an abort after a commit", true, Some(true), false),
        ("a commit after an abort", true, Some(false), true),
    ] {
        all.push(talk(api, name, move |side, version, _| {
            let id = format!("end-{name}-{version}");
            let who = start(side, &id)?;
            if is_open {
                open(side, &id, who, version >= RAISES_EPOCH)?;
            }
            if let Some(committed) = first {
                side.must(&end(&id, who, committed), version)?;
                await_complete(side, &id)?;
            }
            told(side, &end(&id, who, second), version, who)
        }));
    }
    all.push(talk(api, "the next transaction", |side, version, _| {
        let id = format!("end-next-{version}");
        let mut who = start(side, &id)?;
        for _ in 0..2 {
            open(side, &id, who, version >= RAISES_EPOCH)?;
            let ended = side.must(&end(&id, who, true), version)?;
            await_complete(side, &id)?;
            if version >= RAISES_EPOCH {
                who.epoch = ended.producer_epoch;
            }
        }
        open(side, &id, who, version >= RAISES_EPOCH)?;
        told(side, &end(&id, who, false), version, who)
    }));
    all.push(talk(api, "an epoch that is over", |side, version, _| {
        let id = format!("end-old-{version}");
        start(side, &id)?;
        let who = start(side, &id)?;
        told(side, &end(&id, older(who), true), version, who)
    }));
    all.push(talk(api, "an unknown id", |side, version, _| {
        let who = Who { id: 7, epoch: 0 };
        told(side, &end("nobody", who, true), version, who)
    }));
    all.push(talk(api, "an empty id", |side, version, _| {
        let who = Who { id: 7, epoch: 0 };
        told(side, &end("", who, true), version, who)
    }));
}
