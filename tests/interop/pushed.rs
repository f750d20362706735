//! Clients push their metrics (KIP-714), and `/metrics` shows them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::http;
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka::config;
use limpid_interop::peer::Kind;
use limpid_interop::process::{Daemon, run, wait_for};
use limpid_interop::tools::Kafka;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

const TOPIC: &str = "pushed";
/// Clients push once a second; a slow machine gets more.
const LIMIT: Duration = Duration::from_secs(120);
const SUBSCRIPTION: &str = "everything-of-some";

/// A Java producer, librdkafka and franz-go are asked for everything once a second. What they push is on
/// `/metrics`, by the names of KIP-714, and is gone once the client said goodbye.
pub fn metrics_of_clients_are_shown(lab: &mut Lab) -> Result<()> {
    if *lab.kind() == Kind::Kafka {
        eprintln!("Apache Kafka needs a plug-in for this: not run");
        return Ok(());
    }
    lab.create_topic(TOPIC, 1)?;
    let asked = ["--metrics", "*", "--interval", "1000"];
    let whom = ["--match", "client_id=pushing-.*"];
    subscription(lab, &[&["--alter"], &asked[..], &whom].concat())?;
    let address = lab.address()?;
    let rdkafka: ThreadedProducer<DefaultProducerContext> =
        config(&address, &[("client.id", "pushing-librdkafka")]).create()?;
    let record: BaseRecord<'_, (), [u8]> = BaseRecord::to(TOPIC).payload(b"value");
    rdkafka.send(record).map_err(|(error, _)| error)?;
    let mut java = lab.tools.java(Kafka::V4_3)?;
    java.arg("org.apache.kafka.tools.ProducerPerformance");
    java.args(["--bootstrap-server", &address, "--topic", TOPIC]);
    java.args(["--num-records", "100000", "--record-size", "10"]);
    java.args(["--throughput", "20"]);
    java.args(["--command-property", "client.id=pushing-java"]);
    let log = lab.folder("pushed")?.join("java.log");
    let java = Daemon::spawn("the producer", &mut java, &log)?;
    let mut franz = lab.tools.franz()?;
    franz.args([&address, TOPIC, "pushing-franz"]);
    let log = lab.folder("pushed")?.join("franz.log");
    let franz = Daemon::spawn("franz-go", &mut franz, &log)?;

    let http = lab.subject()?.http_address();
    for (client, name, family) in [
        (
            "pushing-java",
            "apache-kafka-java",
            "kafka_client_producer_request_latency_avg",
        ),
        (
            "pushing-java",
            "apache-kafka-java",
            "kafka_client_producer_record_queue_time_max",
        ),
        (
            "pushing-librdkafka",
            "librdkafka",
            "kafka_client_producer_connection_creation_total",
        ),
        (
            "pushing-franz",
            // It asks for versions as if the broker were older than that.
            "",
            "kafka_client_producer_node_request_latency_avg",
        ),
    ] {
        let found = wait_for(family, LIMIT, || {
            let page = http::get(&http, "/metrics")?;
            Ok(sample(&page, family, client).map(str::to_owned))
        });
        let line = found.with_context(|| format!("{family} of {client}"))?;
        let software = format!("client_software_name=\"{name}\"");
        ensure!(line.contains(&software) || name.is_empty(), "{line}");
        let value: f64 = line.rsplit(' ').next().unwrap_or_default().parse()?;
        ensure!(value.is_finite() && value >= 0.0, "{line}");
    }
    rdkafka.flush(LIMIT)?;
    drop(rdkafka);
    java.terminate(LIMIT)?;
    franz.terminate(LIMIT)?;
    wait_for("all to be forgotten", LIMIT, || {
        let page = http::get(&http, "/metrics")?;
        let mut pushed = page
            .lines()
            .filter(|line| line.starts_with("kafka_client_"));
        let one_left = pushed.any(|line| line.contains("client_id=\"pushing-"));
        Ok((!one_left).then_some(()))
    })?;
    subscription(lab, &["--delete"])
}

fn sample<'a>(page: &'a str, family: &str, client: &str) -> Option<&'a str> {
    let start = format!("{family}{{client_id=\"{client}\"");
    page.lines().find(|line| line.starts_with(&start))
}

fn subscription(lab: &mut Lab, args: &[&str]) -> Result<()> {
    let address = lab.address()?;
    let mut java = lab.tools.java(Kafka::V4_3)?;
    java.arg("org.apache.kafka.tools.ClientMetricsCommand");
    java.args(["--bootstrap-server", &address, "--name", SUBSCRIPTION]);
    run(java.args(args), b"", LIMIT)?.success()?;
    Ok(())
}
