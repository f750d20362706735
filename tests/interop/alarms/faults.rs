//! Faults of clients and of their traffic, one after another, and the alerts that each must raise.

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use limpid_interop::librdkafka::config;
use limpid_interop::process::{pause, run as run_to_end, wait_for};
use limpid_interop::wire::delete_topic;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::node::{Node, REFUSED};
use super::sink::Sink;
use super::watch::Watch;
use crate::security::stronghold::fixture;

const LIMIT: Duration = Duration::from_secs(120);
const SLOW: &str = "demo.archiver";
/// How often a fault is made.
const TRIES: usize = 12;
/// More client ids than are told apart.
const CLIENT_IDS: usize = 1_200;

/// Every fault; the node is gone afterwards.
pub fn run(mut node: Node, watch: &Watch, sink: &Sink) -> Result<()> {
    watch.fires("LimpidWatchdog")?;
    node.healthy_traffic()?;
    lag(&node, watch, sink)?;
    groups(&node, watch)?;
    requests(&node, watch)?;
    connections(&node, watch)?;
    certificate(&node, watch)?;
    // What the demo does of its own accord, and takes its time for.
    watch.fires("LimpidConsumerNeverCommits")?;
    watch.fires("LimpidGroupRebalanceStorm")?;
    node.hold.peer.kill();
    watch.fires("LimpidBrokerDown")?;
    watch.fires("LimpidNotScraped")?;
    node.hold.peer.start()?;
    watch.fires("LimpidUncleanStart")?;
    watch.ends(&["LimpidBrokerDown", "LimpidNotScraped"])?;
    node.stop()
}

/// A group falls behind and catches up, and the Alertmanager is told of both.
fn lag(node: &Node, watch: &Watch, sink: &Sink) -> Result<()> {
    let alert = "LimpidConsumerLag";
    node.demo(&["--slow-down", "1"])?;
    watch.fires(alert)?;
    watch.fires("LimpidConsumerLagGrowing")?;
    let hears = |status: &str| {
        wait_for(&format!("{alert} {status} at the receiver"), LIMIT, || {
            Ok(sink.heard(alert, SLOW, status).then_some(()))
        })
    };
    hears("firing")?;
    node.demo(&["--speed-up"])?;
    hears("resolved")
}

fn groups(node: &Node, watch: &Watch) -> Result<()> {
    node.stopped_group()?;
    for alert in [
        "LimpidConsumerGroupStopped",
        "LimpidImportantGroupStopped",
        "LimpidOffsetsExpireSoon",
    ] {
        watch.fires(alert)?;
    }
    // A member that is in and does not come back when another joins.
    let member = || -> Result<BaseConsumer> {
        let member: BaseConsumer = config(&node.address(), &[("group.id", "stuck")]).create()?;
        member.subscribe(&["plain"])?;
        Ok(member)
    };
    let silent = member()?;
    wait_for("an assignment", LIMIT, || {
        drop(silent.poll(Duration::from_millis(200)));
        Ok((silent.assignment()?.count() > 0).then_some(()))
    })?;
    let joining = member()?;
    let fired = watch.fires("LimpidGroupStuckRebalancing");
    drop((silent, joining));
    fired
}

fn requests(node: &Node, watch: &Watch) -> Result<()> {
    again(watch, &|| node.refused(), "LimpidProduceErrors")?;
    again(watch, &|| node.refused(), "LimpidProduceErrorBudget")?;
    watch.fires("LimpidUnderMinIsr")?;
    // Counted from 0, so that one is enough.
    node.oversized()?;
    watch.fires("LimpidOversizedRecords")?;
    again(watch, &|| node.throttled(), "LimpidThrottledClients")?;
    again(watch, &|| node.denied(), "LimpidAclDenied")?;
    again(watch, &|| node.strangers(60), "LimpidAuthFailures")?;
    let open = node.transaction("open")?;
    let fired = watch.fires("LimpidHangingTransaction");
    drop(open);
    delete_topic(&node.address(), REFUSED)?;
    watch.ends(&[
        "LimpidProduceErrors",
        "LimpidUnderMinIsr",
        "LimpidAclDenied",
        "LimpidAuthFailures",
    ])?;
    fired
}

/// The broker's certificate is replaced by one that ends within days, and by a good one.
fn certificate(node: &Node, watch: &Watch) -> Result<()> {
    let alert = "LimpidCertificateExpires";
    let mut openssl = Command::new("openssl");
    openssl.args([
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "5",
    ]);
    openssl.args(["-subj", "/CN=localhost", "-keyout", "-", "-out", "-"]);
    let ending = run_to_end(&mut openssl, b"", LIMIT)?.success()?;
    std::fs::write(node.hold.key_store(), ending.stdout)?;
    watch.fires(alert)?;
    std::fs::copy(fixture("broker.p12"), node.hold.key_store())?;
    watch.ends(&[alert])
}

/// A fault until its alert fires: a counter that was not there at 0 has not grown by the first one.
fn again(watch: &Watch, fault: &dyn Fn() -> Result<()>, alert: &str) -> Result<()> {
    for _ in 0..TRIES {
        fault()?;
        pause(Duration::from_secs(1));
        if watch.is_firing(alert)? {
            return Ok(());
        }
    }
    bail!("{alert} does not fire")
}

fn connections(node: &Node, watch: &Watch) -> Result<()> {
    for number in 0..CLIENT_IDS {
        stranger(node, &format!("client-{number}"))?;
    }
    watch.fires("LimpidSeriesDropped")?;
    watch.fires("LimpidConnectionsChurn")?;
    let address = node.address();
    let open = (0..120)
        .map(|_| TcpStream::connect(&address))
        .collect::<Result<Vec<_>, _>>()?;
    let fired = watch.fires("LimpidConnectionsNearLimit");
    drop(open);
    fired?;
    watch.ends(&["LimpidConnectionsNearLimit"])
}

/// One ApiVersions request by a client that nobody has seen before.
fn stranger(node: &Node, client_id: &str) -> Result<()> {
    let mut request = Vec::new();
    request.extend(18_i16.to_be_bytes());
    request.extend(0_i16.to_be_bytes());
    request.extend(7_i32.to_be_bytes());
    request.extend(i16::try_from(client_id.len())?.to_be_bytes());
    request.extend(client_id.as_bytes());
    let mut stream = TcpStream::connect(node.address())?;
    stream.write_all(&i32::try_from(request.len())?.to_be_bytes())?;
    stream.write_all(&request)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut size = [0; 4];
    std::io::Read::read_exact(&mut stream, &mut size)?;
    Ok(())
}
