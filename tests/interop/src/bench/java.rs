//! Kafka's own performance tools, and what they print.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::cases::Write;
use super::goals::RATE;
use super::raw::Values;
use crate::process::run;
use crate::tools::{Kafka, Tools};

const LIMIT: Duration = Duration::from_secs(900);
const TOOLS: &str = "org.apache.kafka.tools";

/// Runs `ProducerPerformance`; `config` is a property file of the client.
pub fn produce(
    tools: &Tools,
    address: &str,
    topic: &str,
    records: u64,
    write: &Write,
    config: Option<&Path>,
) -> Result<Values> {
    let mut java = tools.java_at_full_speed(Kafka::V4_3)?;
    java.arg(format!("{TOOLS}.ProducerPerformance"));
    java.args(["--topic", topic, "--throughput", "-1"]);
    java.args(["--num-records", &records.to_string()]);
    java.args(["--record-size", &write.bytes.to_string()]);
    java.args(["--bootstrap-server", address]);
    if let Some(config) = config {
        java.arg("--command-config").arg(config);
    }
    java.args(["--command-property", &format!("acks={}", write.acks)]);
    java.arg(format!("compression.type={}", write.compression));
    for (key, value) in write.more {
        java.arg(format!("{key}={value}"));
    }
    let said = run(&mut java, b"", LIMIT)?.success()?.text();
    let (sent, values) = produced(&said).with_context(|| said.clone())?;
    ensure!(sent == records, "{sent} of {records} records were sent");
    Ok(values)
}

/// The last line of `ProducerPerformance`: how many records were sent, and the rest.
fn produced(said: &str) -> Option<(u64, Values)> {
    let total = said.lines().rfind(|line| line.contains("records sent"))?;
    let mut parts = total.split(", ");
    let sent = parts.next()?.split(' ').next()?.parse().ok()?;
    let rate: f64 = parts.next()?.split(' ').next()?.parse().ok()?;
    let mut values = Values::from([(RATE.to_owned(), rate)]);
    for part in parts {
        let (number, what) = part.trim_end_matches('.').split_once(" ms ")?;
        let name = match what {
            "avg latency" => "mean_ms",
            "50th" => "p50_ms",
            "99th" => "p99_ms",
            "99.9th" => "p999_ms",
            _ => continue,
        };
        values.insert(name.to_owned(), number.parse().ok()?);
    }
    Some((sent, values))
}

/// Runs `ConsumerPerformance`.
pub fn consume(tools: &Tools, address: &str, topic: &str, records: u64) -> Result<Values> {
    let mut java = tools.java_at_full_speed(Kafka::V4_3)?;
    java.arg(format!("{TOOLS}.ConsumerPerformance"));
    java.args(["--bootstrap-server", address, "--topic", topic]);
    java.args(["--num-records", &records.to_string()]);
    java.args(["--timeout", "60000"]);
    let said = run(&mut java, b"", LIMIT)?.success()?.text();
    let (read, values) = consumed(&said).with_context(|| said.clone())?;
    ensure!(read >= records, "{read} of {records} records were read");
    Ok(values)
}

/// The line of `ConsumerPerformance` under its header: how many records were read, and the rest. Its rate
/// is without the seconds for which a new group waits for members.
fn consumed(said: &str) -> Option<(u64, Values)> {
    let mut lines = said
        .lines()
        .skip_while(|line| !line.starts_with("start.time"));
    let names = lines.next()?.split(", ").map(str::trim);
    let numbers: Vec<&str> = lines.next()?.split(", ").map(str::trim).collect();
    let at = |wanted: &str| names.clone().position(|name| name == wanted);
    let number = |wanted: &str| -> Option<f64> { numbers.get(at(wanted)?)?.parse().ok() };
    let read = number("data.consumed.in.nMsg")?;
    let values = Values::from([
        (RATE.to_owned(), number("fetch.nMsg.sec")?),
        ("per_s_with_joining".to_owned(), number("nMsg.sec")?),
        ("joining_ms".to_owned(), number("rebalance.time.ms")?),
    ]);
    Some((read as u64, values))
}

/// Runs `EndToEndLatency` with `acks=all`.
pub fn end_to_end(
    tools: &Tools,
    address: &str,
    topic: &str,
    records: u64,
    bytes: usize,
) -> Result<Values> {
    let mut java = tools.java_at_full_speed(Kafka::V4_3)?;
    java.arg(format!("{TOOLS}.EndToEndLatency"));
    java.args([
        address,
        topic,
        &records.to_string(),
        "all",
        &bytes.to_string(),
    ]);
    let said = run(&mut java, b"", LIMIT)?.success()?.text();
    latency(&said).with_context(|| said.clone())
}

/// The two last lines of `EndToEndLatency`; percentiles are whole milliseconds.
fn latency(said: &str) -> Option<Values> {
    let line = |name: &str| said.lines().find_map(|line| line.strip_prefix(name));
    let mean = line("Avg latency: ")?.split(' ').next()?.parse().ok()?;
    let mut values = Values::from([("mean_ms".to_owned(), mean)]);
    for part in line("Percentiles: ")?.split(", ") {
        let (which, number) = part.split_once(" = ")?;
        let name = match which {
            "50th" => "p50_ms",
            "99th" => "p99_ms",
            "99.9th" => "p999_ms",
            _ => continue,
        };
        values.insert(name.to_owned(), number.trim().parse().ok()?);
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_producers_total() {
        let said = "400 records sent, 80.0 records/sec (0.01 MB/sec), 2.0 ms avg latency, 9.0 ms max latency.\n\
                    10000000 records sent, 503727.584 records/sec (48.04 MB/sec), 120.30 ms avg latency, \
                    300.00 ms max latency, 100 ms 50th, 200 ms 95th, 250 ms 99th, 290 ms 99.9th.\n";
        let (sent, values) = produced(said).unwrap();
        assert_eq!(sent, 10_000_000);
        assert_eq!(values[RATE], 503_727.584);
        assert_eq!(values["mean_ms"], 120.3);
        assert_eq!(
            (values["p50_ms"], values["p99_ms"], values["p999_ms"]),
            (100.0, 250.0, 290.0)
        );
        assert!(produced("nothing").is_none());
    }

    #[test]
    fn the_consumers_table() {
        let said = "start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, \
                    rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec\n\
                    2026-11-22 16:00:00:000, 2026-11-22 16:00:10:000, 1907.3, 190.7, 20000000, 2000000.0, \
                    3200, 6800, 280.5, 2941176.5\n";
        let (read, values) = consumed(said).unwrap();
        assert_eq!(read, 20_000_000);
        assert_eq!(values[RATE], 2_941_176.5);
        assert_eq!(values["per_s_with_joining"], 2_000_000.0);
        assert_eq!(values["joining_ms"], 3_200.0);
        assert!(consumed("start.time, end.time\n1, 2\n").is_none());
    }

    #[test]
    fn the_latency_tools_summary() {
        let said = "0\t12.3\nAvg latency: 0.5812 ms\nPercentiles: 50th = 0, 99th = 4, 99.9th = 8\n";
        let values = latency(said).unwrap();
        assert_eq!(values["mean_ms"], 0.5812);
        assert_eq!((values["p99_ms"], values["p999_ms"]), (4.0, 8.0));
        assert!(latency("Avg latency: 1.0 ms\n").is_none());
    }
}
