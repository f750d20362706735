//! librdkafka's cooperative-sticky assignor: a rebalance takes from a member only what another gets.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka;
use limpid_interop::process::wait_for;
use rdkafka::consumer::{BaseConsumer, Consumer};

const PARTITIONS: i32 = 6;
const LIMIT: Duration = Duration::from_secs(60);

fn member(address: &str) -> Result<BaseConsumer> {
    let settings = [
        ("group.id", "cooperative"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("auto.offset.reset", "earliest"),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "200"),
    ];
    let consumer: BaseConsumer = librdkafka::config(address, &settings).create()?;
    consumer.subscribe(&["cooperative"])?;
    Ok(consumer)
}

fn owned(member: &BaseConsumer) -> Result<BTreeSet<i32>> {
    let assignment = member.assignment()?;
    let elements = assignment.elements();
    Ok(elements.iter().map(|element| element.partition()).collect())
}

/// Polls everybody until all partitions are owned once and evenly; at no moment one is owned twice.
fn settle(members: &[BaseConsumer]) -> Result<Vec<BTreeSet<i32>>> {
    let share = usize::try_from(PARTITIONS)? / members.len();
    wait_for("even shares", LIMIT, || {
        for member in members {
            // Rebalances are served by polling; there are no records.
            if let Some(Err(error)) = member.poll(Duration::from_millis(20)) {
                tell(&error);
            }
        }
        let now = members.iter().map(owned).collect::<Result<Vec<_>>>()?;
        let count: usize = now.iter().map(BTreeSet::len).sum();
        let union: BTreeSet<i32> = now.iter().flatten().copied().collect();
        ensure!(union.len() == count, "owned twice: {now:?}");
        let even = now.iter().all(|partitions| partitions.len() == share);
        Ok(even.then_some(now))
    })
}

fn tell(error: &rdkafka::error::KafkaError) {
    // Connections may break while nothing is wrong; what counts is who owns what.
    eprintln!("cooperative member: {error}");
}

/// With a second and a third member nobody loses a partition that it keeps afterwards.
pub fn a_rebalance_moves_only_what_it_must(lab: &mut Lab) -> Result<()> {
    lab.create_topic("cooperative", PARTITIONS)?;
    let address = lab.address()?;
    let mut members = vec![member(&address)?];
    let alone = settle(&members)?;
    ensure!(alone[0].len() == usize::try_from(PARTITIONS)?);
    for size in [2, 3] {
        let before = members.iter().map(owned).collect::<Result<Vec<_>>>()?;
        members.push(member(&address)?);
        let after = settle(&members)?;
        for (before, after) in before.iter().zip(&after) {
            ensure!(
                after.is_subset(before),
                "a member of {size} got new partitions: {before:?}, then {after:?}"
            );
        }
    }
    let before = members.iter().map(owned).collect::<Result<Vec<_>>>()?;
    members.remove(2).unsubscribe();
    let after = settle(&members)?;
    for (before, after) in before.iter().zip(&after) {
        ensure!(
            before.is_subset(after),
            "a member lost partitions when another left: {before:?}, then {after:?}"
        );
    }
    Ok(())
}
