//! The tools of Apache Kafka 4.3 with which a cluster is looked after and tried out.

pub mod placement;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::peer::Kind;
use limpid_interop::process::{Finished, run};
use limpid_interop::tools::Kafka;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(90);
/// Written and read by the tools that measure.
const RECORDS: &str = "2000";

/// Runs a tool against the broker.
fn tool(lab: &mut Lab, class: &str, args: &[&str]) -> Result<Finished> {
    let address = lab.address()?;
    let mut java = lab.tools.java(Kafka::V4_3)?;
    java.arg(class).args(["--bootstrap-server", &address]);
    run(java.args(args), b"", LIMIT)
}

fn said(lab: &mut Lab, class: &str, args: &[&str]) -> Result<String> {
    let finished = tool(lab, class, args)?.success();
    let words = finished.with_context(|| format!("{class} {args:?}"))?;
    Ok(words.text())
}

fn says(lab: &mut Lab, class: &str, args: &[&str], wanted: &[&str]) -> Result<()> {
    let text = said(lab, class, args)?;
    for words in wanted {
        ensure!(
            text.contains(words),
            "{class} {args:?}: no {words:?} in\n{text}"
        );
    }
    Ok(())
}

/// `kafka-configs`: a topic's and the brokers' settings are set, shown and taken back.
pub fn configs(lab: &mut Lab) -> Result<()> {
    let class = "kafka.admin.ConfigCommand";
    lab.create_topic("configured", 1)?;
    let topic = ["--entity-type", "topics", "--entity-name", "configured"];
    let brokers = ["--entity-type", "brokers", "--entity-default"];
    for (entity, key, value) in [
        (&topic[..], "max.message.bytes", "54321"),
        (&brokers[..], "log.cleaner.threads", "2"),
    ] {
        let entry = format!("{key}={value}");
        let alter = [entity, &["--alter", "--add-config", &entry]].concat();
        says(lab, class, &alter, &["Completed updating"])?;
        let describe = [entity, &["--describe"]].concat();
        says(lab, class, &describe, &[&entry])?;
        let delete = [entity, &["--alter", "--delete-config", key]].concat();
        says(lab, class, &delete, &["Completed updating"])?;
        let text = said(lab, class, &describe)?;
        ensure!(!text.contains(&entry), "still there:\n{text}");
    }
    let wrong = [&topic[..], &["--alter", "--add-config", "no.such=1"]].concat();
    let refused = tool(lab, class, &wrong)?;
    ensure!(!refused.status.success(), "an unknown key was taken");
    Ok(())
}

/// `kafka-configs --entity-type broker-loggers`: levels are shown and altered, and the log obeys.
pub fn loggers(lab: &mut Lab) -> Result<()> {
    let class = "kafka.admin.ConfigCommand";
    let entity = ["--entity-type", "broker-loggers", "--entity-name", "1"];
    let described = |lab: &mut Lab| said(lab, class, &[&entity[..], &["--describe"]].concat());
    let alter = |lab: &mut Lab, how: &str, what: &str| {
        let args = [&entity[..], &["--alter", how, what]].concat();
        says(
            lab,
            class,
            &args,
            &["Completed updating config for broker-logger 1."],
        )
    };
    let is_limpid = matches!(lab.kind(), Kind::Limpid(_));
    let (logger, line) = match lab.kind() {
        Kind::Limpid(_) => ("limpid.request", "DEBUG limpid::request: request api="),
        Kind::Kafka => (
            "org.apache.kafka.server.logger.LoggingController",
            "no line",
        ),
    };
    let requests =
        |lab: &mut Lab| Ok::<_, anyhow::Error>(lab.subject()?.log().matches(line).count());

    let text = described(lab)?;
    let head = "Dynamic configs for broker-logger 1 are:";
    ensure!(text.lines().any(|row| row == head), "{text}");
    let level = |text: &str, logger: &str| {
        let row = text
            .lines()
            .find(|row| row.trim().starts_with(&format!("{logger}=")));
        let row = row.map(|row| row.trim().to_owned());
        row.with_context(|| format!("no {logger} in\n{text}"))
    };
    let root = level(&text, "root")?;
    ensure!(root.ends_with(" sensitive=false synonyms={}"), "{root}");
    ensure!(requests(lab)? == 0, "requests are logged unasked");

    alter(lab, "--add-config", &format!("{logger}=DEBUG"))?;
    let text = described(lab)?;
    ensure!(
        level(&text, logger)?.starts_with(&format!("{logger}=DEBUG ")),
        "{text}"
    );
    ensure!(level(&text, "root")? == root, "{text}");
    ensure!(requests(lab)? > 0 || !is_limpid, "no request is logged");

    alter(lab, "--delete-config", logger)?;
    let text = described(lab)?;
    let without = |row: String| row.split_once('=').map(|(_, rest)| rest.to_owned());
    ensure!(
        without(level(&text, logger)?) == without(root.clone()),
        "{text}"
    );
    let logged = requests(lab)?;
    described(lab)?;
    ensure!(requests(lab)? == logged, "requests are still logged");

    // The tool itself looks whether there is such a logger.
    for (how, what, words) in [
        (
            "--add-config",
            "root=debug",
            "InvalidConfigurationException",
        ),
        (
            "--add-config",
            "no.such=DEBUG",
            "Invalid broker logger(s): no.such",
        ),
        ("--delete-config", "root", "InvalidRequestException"),
    ] {
        let args = [&entity[..], &["--alter", how, what]].concat();
        let refused = tool(lab, class, &args)?;
        ensure!(!refused.status.success(), "{how} {what} was taken");
        let text = refused.text() + &refused.stderr;
        ensure!(text.contains(words), "{text}");
    }
    let text = described(lab)?;
    ensure!(level(&text, "root")? == root, "{text}");
    Ok(())
}

/// `kafka-broker-api-versions`, `-features`, `-metadata-quorum` and `-cluster`.
pub fn cluster(lab: &mut Lab) -> Result<()> {
    let package = "org.apache.kafka.tools";
    let versions = format!("{package}.BrokerApiVersionsCommand");
    let wanted = ["Produce(0): 0 to 13", "Fetch(1): 4 to 18"];
    says(lab, &versions, &[], &wanted)?;
    let features = format!("{package}.FeatureCommand");
    let wanted = [
        "Feature: metadata.version",
        "FinalizedVersionLevel: 4.3-IV0",
        "Feature: eligible.leader.replicas.version",
        "Feature: kraft.version",
    ];
    says(lab, &features, &["describe"], &wanted)?;
    let release = ["upgrade", "--release-version", "4.3"];
    says(
        lab,
        &features,
        &release,
        &["kraft.version was upgraded to 1"],
    )?;
    let lowered = tool(
        lab,
        &features,
        &["downgrade", "--feature", "kraft.version=0"],
    )?;
    ensure!(!lowered.status.success(), "kraft.version was lowered");
    let refused = tool(
        lab,
        &features,
        &["downgrade", "--feature", "metadata.version=20"],
    )?;
    ensure!(!refused.status.success(), "metadata.version was lowered");
    let quorum = format!("{package}.MetadataQuorumCommand");
    let text = said(lab, &quorum, &["describe", "--status"])?;
    let squeezed: Vec<&str> = text.split_whitespace().collect();
    for pair in [["LeaderId:", "1"], ["MaxFollowerLag:", "0"]] {
        ensure!(squeezed.windows(2).any(|words| words == pair), "{text}");
    }
    let text = said(lab, &quorum, &["describe", "--replication"])?;
    let row = text.lines().find(|line| line.contains("Leader"));
    let row = text.lines().nth(1).or(row).context("no voter")?;
    let cells: Vec<&str> = row.split_whitespace().collect();
    ensure!(
        cells.first() == Some(&"1") && row.contains("Leader"),
        "{text}"
    );
    let address = lab.address()?;
    let mut java = lab.tools.java(Kafka::V4_3)?;
    java.arg(format!("{package}.ClusterTool"));
    let asked = java.args(["cluster-id", "--bootstrap-server", &address]);
    let text = run(asked, b"", LIMIT)?.success()?.text();
    ensure!(text.starts_with("Cluster ID: "), "{text}");
    let mut java = lab.tools.java(Kafka::V4_3)?;
    java.arg(format!("{package}.ClusterTool"));
    let asked = ["unregister", "--bootstrap-server", &address, "--id", "7"];
    let refused = run(java.args(asked), b"", LIMIT)?;
    let words = "BrokerIdNotRegisteredException";
    ensure!(!refused.status.success(), "{}", refused.text());
    ensure!(refused.stderr.contains(words), "{}", refused.stderr);
    Ok(())
}

/// `kafka-client-metrics`: subscriptions are made, shown, listed and taken back.
pub fn client_metrics(lab: &mut Lab) -> Result<()> {
    let class = "org.apache.kafka.tools.ClientMetricsCommand";
    let named = ["--name", "web"];
    let asked = [
        "--metrics",
        "org.apache.kafka.producer.",
        "--interval",
        "30000",
    ];
    let whom = ["--match", "client_id=web-.*"];
    let alter = [&["--alter"], &named[..], &asked, &whom].concat();
    says(
        lab,
        class,
        &alter,
        &["Altered client metrics config for web."],
    )?;
    let wanted = [
        "interval.ms=30000",
        "match=client_id=web-.*",
        "metrics=org.apache.kafka.producer.",
    ];
    says(lab, class, &[&["--describe"], &named[..]].concat(), &wanted)?;
    let listed = said(lab, class, &["--list"])?;
    ensure!(listed.lines().any(|line| line == "web"), "{listed}");
    let wrong = [&["--alter"], &named[..], &["--match", "host=a"]].concat();
    ensure!(
        !tool(lab, class, &wrong)?.status.success(),
        "no such selector"
    );
    let delete = [&["--delete"], &named[..]].concat();
    says(
        lab,
        class,
        &delete,
        &["Deleted client metrics config for web."],
    )?;
    let listed = said(lab, class, &["--list"])?;
    ensure!(!listed.lines().any(|line| line == "web"), "{listed}");
    Ok(())
}

/// `kafka-get-offsets` and `-leader-election` on a topic with records.
pub fn partitions(lab: &mut Lab) -> Result<()> {
    let package = "org.apache.kafka.tools";
    lab.create_topic("moved", 2)?;
    perf(lab, "moved")?;
    let offsets = format!("{package}.GetOffsetShell");
    let ends = said(lab, &offsets, &["--topic", "moved"])?;
    let end = |line: &str| line.rsplit(':').next()?.parse::<u64>().ok();
    let sum: u64 = ends.lines().filter_map(end).sum();
    ensure!(sum.to_string() == RECORDS, "the ends are\n{ends}");
    let earliest = said(lab, &offsets, &["--topic", "moved", "--time", "earliest"])?;
    ensure!(
        earliest.lines().eq(["moved:0:0", "moved:1:0"]),
        "{earliest}"
    );

    let election = format!("{package}.LeaderElectionCommand");
    let elected = [
        "--election-type",
        "preferred",
        "--topic",
        "moved",
        "--partition",
        "0",
    ];
    says(
        lab,
        &election,
        &elected,
        &["Valid replica already elected for partitions moved-0"],
    )?;
    Ok(())
}

/// `kafka-producer-perf-test`.
fn perf(lab: &mut Lab, topic: &str) -> Result<()> {
    let class = "org.apache.kafka.tools.ProducerPerformance";
    let records = ["--num-records", RECORDS, "--record-size", "100"];
    let args = [&records[..], &["--topic", topic, "--throughput", "-1"]].concat();
    let wanted = format!("{RECORDS} records sent");
    says(lab, class, &args, &[&wanted])
}

/// The tools that measure, and the two that verify.
pub fn measure(lab: &mut Lab) -> Result<()> {
    let package = "org.apache.kafka.tools";
    lab.create_topic("measured", 1)?;
    perf(lab, "measured")?;
    let consumer = format!("{package}.ConsumerPerformance");
    let records = ["--topic", "measured", "--num-records", RECORDS];
    let text = said(lab, &consumer, &records)?;
    ensure!(text.contains(&format!(", {RECORDS}, ")), "read\n{text}");

    let address = lab.address()?;
    let mut java = lab.tools.java(Kafka::V4_3)?;
    java.arg(format!("{package}.EndToEndLatency"));
    let asked = ["--bootstrap-server", &address, "--topic", "measured"];
    let counts = [
        "--num-records",
        "500",
        "--producer-acks",
        "all",
        "--record-size",
        "100",
    ];
    let text = run(java.args(asked).args(counts), b"", LIMIT)?
        .success()?
        .text();
    ensure!(text.contains("Percentiles: 50th = "), "{text}");

    let producer = format!("{package}.VerifiableProducer");
    let args = [
        "--topic",
        "verified",
        "--max-messages",
        "300",
        "--acks",
        "-1",
    ];
    lab.create_topic("verified", 1)?;
    says(lab, &producer, &args, &["\"sent\":300,\"acked\":300"])?;
    let consumer = format!("{package}.VerifiableConsumer");
    let args = ["--topic", "verified", "--group-id", "verifying"];
    let args = [
        &args[..],
        &["--max-messages", "300", "--reset-policy", "earliest"],
    ]
    .concat();
    let text = said(lab, &consumer, &args)?;
    let counted = |line: &str| {
        let event: Value = serde_json::from_str(line).ok()?;
        (event["name"] == "records_consumed").then(|| event["count"].as_u64())?
    };
    let read: u64 = text.lines().filter_map(counted).sum();
    ensure!(read == 300, "{read} records consumed:\n{text}");
    Ok(())
}
