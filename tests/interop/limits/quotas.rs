//! Client quotas, set with Kafka's own tool and obeyed by Kafka's own clients.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::http;
use limpid_interop::lab::Lab;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::process::{Finished, pause, run, wait_for};
use limpid_interop::tools::{Kafka, Tools};
use limpid_interop::wire::create_topic;
use limpid_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use limpid_protocol::messages::create_topics_request::CreatableTopic;
use limpid_protocol::messages::{
    AlterClientQuotasRequest, ApiVersionsRequest, CreateTopicsRequest,
};

use crate::differential::side::Side;

const LIMIT: Duration = Duration::from_secs(120);
const CONFIGS: &str = "kafka.admin.ConfigCommand";
/// As long as the broker holds a client back, the answer to its next request must not come.
const THROTTLING_QUOTA_EXCEEDED: i16 = 89;

/// A broker and Java's tools for it.
struct Limited {
    peer: Peer,
    tools: Tools,
}

impl Limited {
    fn start(lab: &Lab, name: &str) -> Result<Self> {
        let folder = lab.folder(name)?;
        let peer = Peer::start_new(lab.kind().clone(), &lab.tools, &folder, &[])?;
        let tools = lab.tools.clone();
        Ok(Self { peer, tools })
    }

    fn java(&self, class: &str, args: &[&str], input: &str) -> Result<Finished> {
        let mut java = self.tools.java(Kafka::V4_3)?;
        java.arg(class)
            .args(["--bootstrap-server", &self.peer.address()]);
        run(java.args(args), input.as_bytes(), LIMIT)
    }

    fn configs(&self, args: &[&str]) -> Result<String> {
        let said = self.java(CONFIGS, args, "")?.success();
        Ok(said
            .with_context(|| format!("kafka-configs {args:?}"))?
            .text())
    }

    /// Without a tool, whose start takes its time.
    fn set(&self, (kind, name): (&str, &str), key: &str, value: f64) -> Result<()> {
        let request = AlterClientQuotasRequest {
            entries: vec![EntryData {
                entity: vec![EntityData {
                    entity_type: kind.to_owned(),
                    entity_name: Some(name.to_owned()),
                }],
                ops: vec![OpData {
                    key: key.to_owned(),
                    value,
                    remove: false,
                }],
            }],
            validate_only: false,
        };
        let answer = Side::new("the subject", &self.peer).must(&request, 1)?;
        ensure!(answer.entries[0].error_code == 0, "{answer:?}");
        // Kafka answers before its quotas follow.
        pause(Duration::from_millis(500));
        Ok(())
    }

    /// The value of a series on Limpid's page of metrics; Kafka has none, and so no value.
    fn metric(&self, series: &str) -> Result<Option<f64>> {
        if *self.peer.kind() == Kind::Kafka {
            return Ok(None);
        }
        let page = http::get(&self.peer.http_address(), "/metrics")?;
        let line = page.lines().find_map(|line| line.strip_prefix(series));
        let value = line.with_context(|| format!("no {series} on the page"))?;
        Ok(Some(value.trim().parse()?))
    }
}

/// `kafka-configs` for users, clients, both, addresses and a default: set, shown, taken back, and
/// all of it there after a restart. A user of SCRAM shows both.
pub fn are_set_shown_and_removed(lab: &mut Lab) -> Result<()> {
    let mut limited = Limited::start(lab, "quota-tools")?;
    let alice = ["--entity-type", "users", "--entity-name", "alice"];
    let both = [
        &alice[..],
        &["--entity-type", "clients", "--entity-name", "app"],
    ]
    .concat();
    let clients = ["--entity-type", "clients", "--entity-default"];
    let address = ["--entity-type", "ips", "--entity-name", "10.9.8.7"];
    let rates = "producer_byte_rate=1024,consumer_byte_rate=2048,controller_mutation_rate=7.5";
    for (entity, quota) in [
        (&alice[..], rates),
        (&alice, "SCRAM-SHA-256=[iterations=4096,password=secret]"),
        (&both, "request_percentage=12.5"),
        (&clients, "producer_byte_rate=99"),
        (&address, "connection_creation_rate=5"),
    ] {
        let args = [entity, &["--alter", "--add-config", quota]].concat();
        let said = limited.configs(&args)?;
        ensure!(said.contains("Completed updating"), "{args:?}: {said}");
    }
    limited.peer.stop()?;
    limited.peer.start()?;
    let users = ["--entity-type", "users"];
    let wanted: [(&[&str], &[&str]); 4] = [
        (
            &users,
            &[
                "user-principal 'alice'",
                "producer_byte_rate=1024.0",
                "consumer_byte_rate=2048.0",
                "controller_mutation_rate=7.5",
                "SCRAM-SHA-256=iterations=4096",
            ],
        ),
        (
            &both,
            &[
                "user-principal 'alice', client-id 'app'",
                "request_percentage=12.5",
            ],
        ),
        (&clients, &["default client-id", "producer_byte_rate=99.0"]),
        (&address, &["ip '10.9.8.7'", "connection_creation_rate=5.0"]),
    ];
    for (entity, parts) in wanted {
        let shown = limited.configs(&[entity, &["--describe"]].concat())?;
        for part in parts {
            ensure!(shown.contains(part), "no {part} in {shown}");
        }
    }
    let remove = [
        "--alter",
        "--delete-config",
        "producer_byte_rate,controller_mutation_rate",
    ];
    limited.configs(&[&alice[..], &remove].concat())?;
    let shown = limited.configs(&[&alice[..], &["--describe"]].concat())?;
    ensure!(
        shown.contains("consumer_byte_rate=2048.0") && !shown.contains("producer_byte_rate"),
        "one of two was taken back: {shown}"
    );
    let wrong = ["--alter", "--add-config", "producer_byte_rate=-1"];
    let refused = limited.java(CONFIGS, &[&alice[..], &wrong].concat(), "")?;
    ensure!(
        !refused.status.success(),
        "it was taken: {}",
        refused.text()
    );
    Ok(())
}

/// Producers with a byte rate are told to wait, and do: the perf test's own metrics say so, and the
/// broker's of the console producer.
pub fn producers_are_held_back(lab: &mut Lab) -> Result<()> {
    let limited = Limited::start(lab, "quota-produce")?;
    create_topic(&limited.peer.address(), "slow", 1, &[])?;
    limited.set(("client-id", "slow"), "producer_byte_rate", 20_000.0)?;
    let mut java = limited.tools.java(Kafka::V4_3)?;
    java.arg("org.apache.kafka.tools.ProducerPerformance");
    java.args([
        "--topic",
        "slow",
        "--num-records",
        "300",
        "--record-size",
        "1000",
    ]);
    java.args(["--throughput", "-1", "--print-metrics"]);
    java.args(["--bootstrap-server", &limited.peer.address()]);
    java.args(["--command-property", "client.id=slow"]);
    let said = run(&mut java, b"", LIMIT)?.success()?.text();
    let throttled = metric(&said, "producer-metrics:produce-throttle-time-max:")?;
    ensure!(
        throttled > 0.0,
        "a producer beyond its quota was not told to wait"
    );
    let series = "limpid_quota_throttled_requests_total\
                  {client_id=\"slow\",quota=\"Produce\",user=\"\"}";
    let before = limited.metric(series)?;
    let lines = "x".repeat(999) + "\n";
    let console = ["--topic", "slow", "--command-property", "client.id=slow"];
    let producer = "org.apache.kafka.tools.ConsoleProducer";
    limited
        .java(producer, &console, &lines.repeat(300))?
        .success()?;
    if let (Some(before), Some(after)) = (before, limited.metric(series)?) {
        ensure!(
            after > before,
            "the console producer was not held back: {before} to {after}"
        );
    }
    Ok(())
}

/// The value of a client's metric in what a tool printed.
fn metric(said: &str, name: &str) -> Result<f64> {
    let line = said.lines().find(|line| line.starts_with(name));
    let line = line.with_context(|| format!("no {name} in {said}"))?;
    Ok(line.rsplit(':').next().unwrap_or_default().trim().parse()?)
}

/// A consumer with a byte rate gets everything, but is told to wait.
pub fn consumers_are_held_back(lab: &mut Lab) -> Result<()> {
    let limited = Limited::start(lab, "quota-fetch")?;
    create_topic(&limited.peer.address(), "much", 1, &[])?;
    let line = "x".repeat(999) + "\n";
    let mut kcat = limited.tools.kcat()?;
    kcat.args(["-b", &limited.peer.address(), "-P", "-t", "much"]);
    run(
        kcat.args(["-X", "batch.size=10000"]),
        line.repeat(300).as_bytes(),
        LIMIT,
    )?
    .success()?;
    limited.set(("user", "ANONYMOUS"), "consumer_byte_rate", 20_000.0)?;
    let mut java = limited.tools.java(Kafka::V4_3)?;
    java.arg("org.apache.kafka.tools.ConsumerPerformance");
    java.args([
        "--bootstrap-server",
        &limited.peer.address(),
        "--topic",
        "much",
    ]);
    java.args([
        "--num-records",
        "300",
        "--print-metrics",
        "--timeout",
        "60000",
    ]);
    java.args(["--command-property", "max.partition.fetch.bytes=50000"]);
    let said = run(&mut java, b"", LIMIT)?.success()?.text();
    let throttled = metric(
        &said,
        "consumer-fetch-manager-metrics:fetch-throttle-time-max:",
    )?;
    ensure!(
        throttled > 0.0,
        "a consumer beyond its quota was not told to wait"
    );
    Ok(())
}

/// A member of a share group with a byte rate gets everything once, but is told to wait.
pub fn members_of_share_groups_are_held_back(lab: &mut Lab) -> Result<()> {
    let limited = Limited::start(lab, "quota-share-fetch")?;
    create_topic(&limited.peer.address(), "shared", 1, &[])?;
    let line = "x".repeat(999) + "\n";
    let mut kcat = limited.tools.kcat()?;
    kcat.args(["-b", &limited.peer.address(), "-P", "-t", "shared"]);
    run(
        kcat.args(["-X", "batch.size=10000"]),
        line.repeat(300).as_bytes(),
        LIMIT,
    )?
    .success()?;
    let setting = "share.auto.offset.reset=earliest";
    limited.configs(&["--alter", "--group", "held", "--add-config", setting])?;
    limited.set(("user", "ANONYMOUS"), "consumer_byte_rate", 20_000.0)?;
    let consumer = "org.apache.kafka.tools.ShareConsumerPerformance";
    let args = [
        "--topic",
        "shared",
        "--group",
        "held",
        "--num-records",
        "300",
    ];
    let more = ["--print-metrics", "--timeout", "60000", "--hide-header"];
    let said = limited.java(consumer, &[&args[..], &more].concat(), "")?;
    let said = said.success()?.text();
    let throttled = metric(
        &said,
        "consumer-share-fetch-manager-metrics:fetch-throttle-time-max:",
    )?;
    ensure!(
        throttled > 0.0,
        "a member beyond its quota was not told to wait"
    );
    let read = metric(
        &said,
        "consumer-share-fetch-manager-metrics:records-consumed-total:",
    );
    ensure!(read? >= 300.0, "{said}");
    let series = "limpid_quota_throttled_requests_total\
                  {client_id=\"\",quota=\"Fetch\",user=\"ANONYMOUS\"}";
    let held_back = limited.metric(series)?;
    ensure!(held_back.is_none_or(|count| count > 0.0), "{held_back:?}");
    Ok(())
}

/// Who makes too many partitions is told so by the error, if they know it, and may go on later.
pub fn changes_are_rationed(lab: &mut Lab) -> Result<()> {
    let limited = Limited::start(lab, "quota-changes")?;
    limited.set(("client-id", "raw"), "controller_mutation_rate", 1.0)?;
    let mut side = Side::new("raw", &limited.peer);
    let make = |name: &str, partitions| CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: name.to_owned(),
            num_partitions: partitions,
            replication_factor: 1,
            ..CreatableTopic::default()
        }],
        timeout_ms: 10_000,
        ..CreateTopicsRequest::default()
    };
    side.client_id = "raw";
    let first = side.must(&make("one", 20), 7)?;
    ensure!(
        first.topics[0].error_code == 0,
        "the bucket was full: {first:?}"
    );
    let second = side.must(&make("two", 1), 7)?;
    ensure!(
        second.topics[0].error_code == THROTTLING_QUOTA_EXCEEDED,
        "in debt: {second:?}"
    );
    let told_ms = second.throttle_time_ms;
    ensure!((1..=11_000).contains(&told_ms), "told to wait {told_ms} ms");
    // Nothing is read from the connection meanwhile, but from others it is.
    let mut other = Side::new("other", &limited.peer);
    other.client_id = "other";
    let third = other.must(&make("three", 30), 7)?;
    ensure!(third.throttle_time_ms == 0, "not limited: {third:?}");
    let asked = ApiVersionsRequest {
        client_software_name: "raw".to_owned(),
        client_software_version: "1".to_owned(),
    };
    let began = std::time::Instant::now();
    side.must(&asked, 3)?;
    let waited = began.elapsed();
    ensure!(
        waited > Duration::from_millis(u64::try_from(told_ms)? / 2),
        "told to wait {told_ms} ms, but answered after {waited:?}"
    );
    wait_for("a permit", LIMIT, || {
        let again = side.must(&make("four", 1), 7)?;
        Ok((again.topics[0].error_code == 0).then_some(()))
    })
}
