//! Scenarios of applications with Kafka's Java clients, and every call of its `Admin`.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::java::Program;
use limpid_interop::lab::Lab;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::process::run;

const LIMIT: Duration = Duration::from_secs(400);

/// Groups that settle fast, and somebody who may do everything.
const PROPERTIES: [(&str, &str); 6] = [
    ("group.initial.rebalance.delay.ms", "0"),
    ("group.consumer.min.heartbeat.interval.ms", "300"),
    ("group.consumer.heartbeat.interval.ms", "300"),
    ("auto.create.topics.enable", "false"),
    (
        "authorizer.class.name",
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    ),
    ("super.users", "User:ANONYMOUS"),
];

/// What no call is made of: groups of Streams and delegation tokens, of which Limpid has none;
/// share groups, which have tests of their own; and what never leaves the client.
const UNCALLED: &str = "[alterShareGroupOffsets, close, create, createDelegationToken, \
     deleteShareGroupOffsets, deleteShareGroups, describeDelegationToken, describeShareGroups, \
     describeStreamsGroups, expireDelegationToken, listShareGroupOffsets, \
     registerMetricForSubscription, renewDelegationToken, unregisterMetricFromSubscription]";

fn scenarios(lab: &mut Lab, name: &str, wanted: &[&str]) -> Result<()> {
    let folder = lab.folder(name)?;
    let mut peer = Peer::start_new(lab.kind().clone(), &lab.tools, &folder, &PROPERTIES)?;
    let mut java = lab.tools.program(Program::Scenarios)?;
    java.arg(peer.address()).args(wanted);
    let text = run(&mut java, b"", LIMIT)?.success()?.text();
    for scenario in wanted {
        let done = format!("{scenario} ok");
        ensure!(text.lines().any(|line| line == done), "no {done:?}: {text}");
    }
    peer.stop()
}

/// Cooperative rebalances, static members and patterns, with both protocols of groups.
pub fn groups(lab: &mut Lab) -> Result<()> {
    let wanted = [
        "cooperative:classic",
        "cooperative:consumer",
        "static:classic",
        "static:consumer",
        "pattern:classic",
        "pattern:consumer",
    ];
    scenarios(lab, "java-groups", &wanted)
}

/// Look-ups by time, records that are too large, and readers that move about.
pub fn records(lab: &mut Lab) -> Result<()> {
    scenarios(lab, "java-records", &["times", "too-large", "seeks"])
}

fn admin_calls(lab: &Lab, kind: Kind) -> Result<Vec<String>> {
    let folder = lab.folder(&format!("admin-{}", kind.name()))?;
    let mut peer = Peer::start_new(kind, &lab.tools, &folder, &PROPERTIES)?;
    let mut java = lab.tools.program(Program::AdminCalls)?;
    java.arg(peer.address());
    let text = run(&mut java, b"", LIMIT)?.success()?.text();
    peer.stop()?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Each call ends as it does with Apache Kafka.
pub fn every_admin_call(lab: &mut Lab) -> Result<()> {
    let ours = admin_calls(lab, lab.kind().clone())?;
    let theirs = admin_calls(lab, Kind::Kafka)?;
    let last = theirs.last().context("nothing was called")?;
    ensure!(last == &format!("uncalled -> {UNCALLED}"), "{last}");
    let pairs = theirs.iter().zip(&ours);
    let differing: Vec<_> = pairs.filter(|(theirs, ours)| theirs != ours).collect();
    ensure!(
        differing.is_empty() && ours.len() == theirs.len(),
        "{} and {} lines; (Kafka's, ours): {differing:#?}",
        theirs.len(),
        ours.len()
    );
    Ok(())
}
