//! The command line tools of Apache Kafka 3.7.1 and 4.3.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::process::{Finished, run};
use limpid_interop::records::{Received, Record, by_key, compare};
use limpid_interop::tools::Kafka;

const LIMIT: Duration = Duration::from_secs(60);
const PARTITIONS: usize = 2;

fn tool(lab: &Lab, kafka: Kafka, class: &str, args: &[&str], input: &str) -> Result<Finished> {
    let mut java = lab.tools.java(kafka)?;
    java.arg(class).args(args);
    run(&mut java, input.as_bytes(), LIMIT)?.success()
}

fn topics(lab: &mut Lab, kafka: Kafka, args: &[&str]) -> Result<String> {
    let address = lab.address()?;
    let args = [&["--bootstrap-server", &address], args].concat();
    Ok(tool(lab, kafka, "org.apache.kafka.tools.TopicCommand", &args, "")?.text())
}

const fn console_producer(kafka: Kafka) -> &'static str {
    match kafka {
        Kafka::V3_7 => "kafka.tools.ConsoleProducer",
        Kafka::V4_3 => "org.apache.kafka.tools.ConsoleProducer",
    }
}

const fn console_consumer(kafka: Kafka) -> &'static str {
    match kafka {
        Kafka::V3_7 => "kafka.tools.ConsoleConsumer",
        Kafka::V4_3 => "org.apache.kafka.tools.consumer.ConsoleConsumer",
    }
}

/// `kafka-topics --create`, `--describe`, `--list` and `--delete`.
pub fn manage_topics(lab: &mut Lab) -> Result<()> {
    for kafka in Kafka::ALL {
        let name = format!("managed-by-{}", kafka.version());
        let create = ["--create", "--topic", &name, "--partitions", "3"];
        let config = [
            "--replication-factor",
            "1",
            "--config",
            "retention.ms=7200000",
        ];
        let said = topics(lab, kafka, &[&create[..], &config].concat())?;
        ensure!(
            said.contains(&format!("Created topic {name}.")),
            "--create said {said:?}"
        );

        let said = topics(lab, kafka, &["--describe", "--topic", &name])?;
        let head = said.lines().next().context("--describe said nothing")?;
        let parts: Vec<&str> = head.split('\t').map(str::trim).collect();
        ensure!(
            parts[0] == format!("Topic: {name}"),
            "--describe said {said}"
        );
        ensure!(parts[1].starts_with("TopicId: "), "--describe said {said}");
        ensure!(
            parts[2..4] == ["PartitionCount: 3", "ReplicationFactor: 1"],
            "said {said}"
        );
        ensure!(
            parts[4].contains("retention.ms=7200000"),
            "--describe said {said}"
        );
        ensure!(said.lines().count() == 4, "--describe said {said}");
        for (number, line) in said.lines().skip(1).enumerate() {
            let parts: Vec<&str> = line.split('\t').map(str::trim).collect();
            let want = [
                format!("Partition: {number}"),
                "Leader: 1".into(),
                "Replicas: 1".into(),
            ];
            ensure!(
                parts[2..5] == want && parts[5] == "Isr: 1",
                "--describe said {said}"
            );
        }

        let said = topics(lab, kafka, &["--list"])?;
        ensure!(said.lines().any(|line| line == name), "--list said {said}");
        topics(lab, kafka, &["--delete", "--topic", &name])?;
        let said = topics(lab, kafka, &["--list"])?;
        ensure!(
            !said.lines().any(|line| line == name),
            "after --delete, --list said {said}"
        );
    }
    Ok(())
}

/// `kafka-console-producer` with keys (the older one with its `--broker-list` spelling), and
/// `kafka-console-consumer --from-beginning --partition` of both releases on what both wrote.
pub fn console(lab: &mut Lab) -> Result<()> {
    for kafka in Kafka::ALL {
        let topic = format!("console-{}", kafka.version());
        lab.create_topic(&topic, PARTITIONS as i32)?;
        let records: Vec<Record> = (0..200)
            .map(|n| {
                Record::new(
                    format!("key {n}").as_bytes(),
                    format!("wert ü {n}").as_bytes(),
                )
            })
            .collect();
        let mut input = String::new();
        for record in &records {
            let text = |bytes: &Option<Vec<u8>>| {
                String::from_utf8(bytes.clone().unwrap_or_default()).expect("written as text")
            };
            input.push_str(&format!("{}={}\n", text(&record.key), text(&record.value)));
        }
        let server = match kafka {
            Kafka::V3_7 => "--broker-list",
            Kafka::V4_3 => "--bootstrap-server",
        };
        let address = lab.address()?;
        let property = match kafka {
            Kafka::V3_7 => "--property",
            Kafka::V4_3 => "--reader-property",
        };
        let keys = [property, "parse.key=true", property, "key.separator=="];
        let args = [&[server, &address, "--topic", &topic], &keys[..]].concat();
        tool(lab, kafka, console_producer(kafka), &args, &input)?;
        lab.wrote(&topic, by_key(&records, PARTITIONS))?;
    }
    for reader in Kafka::ALL {
        for writer in Kafka::ALL {
            read_console(lab, reader, &format!("console-{}", writer.version()))?;
        }
    }
    Ok(())
}

fn read_console(lab: &mut Lab, kafka: Kafka, topic: &str) -> Result<()> {
    let address = lab.address()?;
    let written = lab
        .ledger()
        .get(topic)
        .context("nothing was written")?
        .clone();
    let property = match kafka {
        Kafka::V3_7 => "--property",
        Kafka::V4_3 => "--formatter-property",
    };
    let mut received = Received::new();
    for (partition, expected) in written.iter().enumerate() {
        let (number, count) = (partition.to_string(), expected.len().to_string());
        let mut args = vec![
            "--bootstrap-server",
            &address,
            "--topic",
            topic,
            "--from-beginning",
        ];
        args.extend([
            "--partition",
            &number,
            "--max-messages",
            &count,
            "--timeout-ms",
            "20000",
        ]);
        for shown in [
            "print.key=true",
            "print.offset=true",
            "print.partition=true",
        ] {
            args.extend([property, shown]);
        }
        let said = tool(lab, kafka, console_consumer(kafka), &args, "")?.text();
        for line in said.lines() {
            let (partition, offset, record) =
                parse_shown(line).with_context(|| format!("line {line:?}"))?;
            received
                .entry(partition)
                .or_default()
                .push((offset, record));
        }
    }
    compare(topic, &written, &received)
}

/// Partition, offset, key and value, with tabs between.
fn parse_shown(line: &str) -> Result<(i32, i64, Record)> {
    let mut fields = line.splitn(4, '\t');
    let mut next = || fields.next().context("a field is missing");
    let partition = next()?
        .strip_prefix("Partition:")
        .context("no partition")?
        .parse()?;
    let offset = next()?
        .strip_prefix("Offset:")
        .context("no offset")?
        .parse()?;
    Ok((
        partition,
        offset,
        Record::new(next()?.as_bytes(), next()?.as_bytes()),
    ))
}
