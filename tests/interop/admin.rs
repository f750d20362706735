//! Kafka's tools for records, partitions and log directories.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::process::{Finished, run};
use limpid_interop::records::Record;
use limpid_interop::tools::Kafka;

const LIMIT: Duration = Duration::from_secs(60);

fn tool(lab: &mut Lab, kafka: Kafka, class: &str, args: &[&str]) -> Result<Finished> {
    let address = lab.address()?;
    let mut java = lab.tools.java(kafka)?;
    java.arg(class)
        .args(["--bootstrap-server", &address])
        .args(args);
    run(&mut java, b"", LIMIT)
}

/// `kafka-delete-records`, `kafka-topics --alter --partitions`, `kafka-log-dirs`.
pub fn records_are_deleted_partitions_added_and_directories_told(lab: &mut Lab) -> Result<()> {
    for kafka in Kafka::ALL {
        let topic = format!("administered-{}", kafka.version());
        one_release(lab, kafka, &topic)
            .with_context(|| format!("with the tools of {}", kafka.version()))?;
    }
    Ok(())
}

fn one_release(lab: &mut Lab, kafka: Kafka, topic: &str) -> Result<()> {
    lab.create_topic(topic, 2)?;
    let address = lab.address()?;
    let records: Vec<Record> = (0..50_u8).map(|n| Record::unkeyed(&[n; 100])).collect();
    limpid_interop::librdkafka::produce(&address, &[], topic, Some(0), &records)?;

    let wishes = lab.folder("delete-records")?.join(format!("{topic}.json"));
    let partition = |p: i32, offset: i64| {
        format!("{{\"topic\":\"{topic}\",\"partition\":{p},\"offset\":{offset}}}")
    };
    let delete = |lab: &mut Lab, partitions: &[String]| -> Result<String> {
        let list = partitions.join(",");
        std::fs::write(
            &wishes,
            format!("{{\"version\":1,\"partitions\":[{list}]}}"),
        )?;
        let file = wishes.display().to_string();
        let class = "org.apache.kafka.tools.DeleteRecordsCommand";
        Ok(tool(lab, kafka, class, &["--offset-json-file", &file])?
            .success()?
            .text())
    };
    let said = delete(lab, &[partition(0, 17), partition(1, -1)])?;
    ensure!(
        said.contains(&format!("partition: {topic}-0\tlow_watermark: 17")),
        "{said}"
    );
    ensure!(
        said.contains(&format!("partition: {topic}-1\tlow_watermark: 0")),
        "{said}"
    );
    let said = delete(lab, &[partition(0, 51)])?;
    ensure!(said.contains("OffsetOutOfRange"), "{said}");
    let earliest = ["--topic", topic, "--time", "earliest"];
    let said = tool(
        lab,
        kafka,
        "org.apache.kafka.tools.GetOffsetShell",
        &earliest,
    )?
    .success()?;
    let mut offsets: Vec<String> = said.text().lines().map(str::to_owned).collect();
    offsets.sort();
    ensure!(
        offsets == [format!("{topic}:0:17"), format!("{topic}:1:0")],
        "{offsets:?}"
    );

    let topics = "org.apache.kafka.tools.TopicCommand";
    let alter = ["--alter", "--topic", topic, "--partitions"];
    tool(lab, kafka, topics, &[&alter[..], &["4"]].concat())?.success()?;
    let said = tool(lab, kafka, topics, &["--describe", "--topic", topic])?
        .success()?
        .text();
    ensure!(said.contains("PartitionCount: 4"), "{said}");
    let said = tool(lab, kafka, topics, &[&alter[..], &["3"]].concat())?;
    let text = said.text() + &said.stderr;
    ensure!(text.contains("InvalidPartitionsException"), "{text}");

    let dirs = "org.apache.kafka.tools.LogDirsCommand";
    let said = tool(lab, kafka, dirs, &["--describe", "--topic-list", topic])?
        .success()?
        .text();
    let json = said
        .lines()
        .find(|line| line.starts_with('{'))
        .context("no JSON")?;
    let value: serde_json::Value = serde_json::from_str(json)?;
    let dir = &value["brokers"][0]["logDirs"][0];
    ensure!(dir["error"].is_null(), "{json}");
    let partitions = dir["partitions"].as_array().context("no partitions")?;
    ensure!(partitions.len() == 4, "{json}");
    let name = format!("{topic}-0");
    let first = partitions.iter().find(|p| p["partition"] == name.as_str());
    let size = first.and_then(|p| p["size"].as_i64()).unwrap_or(0);
    ensure!(size > 5_000, "{json}");
    ensure!(
        partitions
            .iter()
            .all(|p| p["offsetLag"] == 0 && p["isFuture"] == false),
        "{json}"
    );
    Ok(())
}
