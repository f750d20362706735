//! More than a slow disk takes.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Result;
use limpid_interop::disk::Order;
use limpid_interop::lab::Lab;
use limpid_interop::process::{Daemon, pause};
use limpid_interop::tools::Kafka;

use super::room::{CLIENT_METRICS, Room};
use super::traffic::Traffic;
use crate::alarms::watch::Watch;

const SUBSCRIPTION: &str = "short-ones";
/// More senders than there is memory for.
const SENDERS: usize = 8;
/// What one of them announces, and what comes of it.
const ANNOUNCED: u32 = 900_000;
const LARGE: usize = 200_000;
const MOMENT: Duration = Duration::from_millis(250);
/// By Kafka's definition its gauge is the mean of up to a minute: the end is waited for later.
pub const SLOW_TO_END: &str = "LimpidNetworkThreadsSaturated";
/// What each write takes, in microseconds. Mostly an append makes one; more than 0.25 s is late.
const SLOW: u32 = 300_000;

/// Each write takes 0.3 s. A Java producer with little memory says that it is short of it, and
/// requests wait for the thread that does them. Then the disk is well, and requests wait for memory.
pub fn slow_writes(lab: &Lab, room: &Room, watch: &Watch) -> Result<()> {
    let asked = [
        ("metrics", Some("*")),
        ("interval.ms", Some("1000")),
        ("match", Some("client_id=short-.*")),
    ];
    room.configure((CLIENT_METRICS, SUBSCRIPTION), &asked)?;
    let java = short_producer(lab, room)?;
    room.disk.order(Order::SlowWrite, SLOW)?;
    let alerts = [
        "LimpidProduceLatency",
        "LimpidProduceLatencyBudget",
        "LimpidProducerBufferExhausted",
        "LimpidProducerWaitsForBuffer",
        "LimpidRequestHandlersSaturated",
    ];
    for alert in alerts {
        watch.fires(alert)?;
    }
    watch.fires(SLOW_TO_END)?;
    java.kill();
    room.disk.heal()?;
    let senders = slow_senders(&room.peer.address());
    watch.fires("LimpidBufferWaits")?;
    drop(senders);
    watch.ends(&alerts)?;
    watch.ends(&["LimpidBufferWaits"])
}

/// Clients whose requests come by a slow line: a part of each arrives, and takes memory; the rest does
/// not come, and they give up.
fn slow_senders(address: &str) -> Traffic {
    let address = address.to_owned();
    let mut request = vec![0; LARGE];
    request[..4].copy_from_slice(&ANNOUNCED.to_be_bytes());
    Traffic::start(move || {
        let mut open = Vec::new();
        for _ in 0..SENDERS {
            let sent = TcpStream::connect(&address).and_then(|mut stream| {
                stream.set_write_timeout(Some(MOMENT))?;
                // What finds no room at the broker stays with the sender.
                stream.write_all(&request).ok();
                Ok(stream)
            });
            open.extend(sent.ok());
        }
        pause(4 * MOMENT);
    })
}

fn short_producer(lab: &Lab, room: &Room) -> Result<Daemon> {
    let mut java = lab.tools.java(Kafka::V4_3)?;
    java.arg("org.apache.kafka.tools.ProducerPerformance");
    java.args(["--bootstrap-server", &room.peer.address()]);
    java.args(["--topic", &room.weak, "--num-records", "100000000"]);
    java.args(["--record-size", "1000", "--throughput", "200"]);
    // The word once: each further one would replace what came before.
    java.args([
        "--command-property",
        "client.id=short-of-memory",
        "buffer.memory=65536",
        "max.block.ms=600000",
        "acks=1",
    ]);
    Daemon::spawn("the producer", &mut java, &room.folder.join("java.log"))
}
