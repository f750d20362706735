//! `kafka-consumer-groups`: every way to reset offsets, and to delete them.

use std::time::Duration;

use anyhow::{Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka::produce;
use limpid_interop::peer::Peer;
use limpid_interop::process::{Finished, run};
use limpid_interop::records::Record;
use limpid_interop::tools::Kafka;
use limpid_interop::wire::create_topic;

const LIMIT: Duration = Duration::from_secs(90);
const TOPIC: &str = "to-reset";
const GROUP: &str = "resetting";
const EACH: u8 = 10;

/// What is asked for, and the offsets of both partitions after it.
type Form = (&'static [&'static str], [i64; 2]);

/// One after the other, each on what the one before left.
const FORMS: [Form; 12] = [
    (&["--topic", TOPIC, "--to-earliest"], [0, 0]),
    (&["--topic", TOPIC, "--to-latest"], [10, 10]),
    (&["--topic", "to-reset:1", "--shift-by", "-4"], [10, 6]),
    (&["--all-topics", "--to-current"], [10, 6]),
    (&["--topic", "to-reset:0", "--to-offset", "3"], [3, 6]),
    (&["--topic", "to-reset:0,1", "--shift-by", "2"], [5, 8]),
    (&["--topic", TOPIC, "--shift-by", "-7"], [0, 1]),
    (&["--topic", TOPIC, "--to-offset", "99"], [10, 10]),
    (
        &["--topic", TOPIC, "--to-datetime", "2001-01-01T00:00:00.000"],
        [0, 0],
    ),
    (
        &[
            "--topic",
            TOPIC,
            "--to-datetime",
            "2999-01-01T00:00:00.000Z",
        ],
        [10, 10],
    ),
    (&["--all-topics", "--by-duration", "P1DT1H"], [0, 0]),
    (&["--all-topics", "--by-duration", "PT0S"], [10, 10]),
];

struct Tool<'a> {
    lab: &'a Lab,
    address: String,
}

impl Tool<'_> {
    fn run(&self, args: &[&str]) -> Result<Finished> {
        let mut java = self.lab.tools.java(Kafka::V4_3)?;
        java.arg("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand");
        java.args(["--bootstrap-server", &self.address]);
        run(java.args(args), b"", LIMIT)
    }

    fn said(&self, args: &[&str]) -> Result<String> {
        Ok(self.run(args)?.success()?.text())
    }

    fn reset(&self, groups: &[&str], args: &[&str]) -> Result<String> {
        self.said(&[&["--reset-offsets"], groups, args].concat())
    }
}

/// The rows that name the topic: group, partition and new offset.
fn rows(text: &str) -> Vec<(String, i64, i64)> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let at = cells.iter().position(|cell| *cell == TOPIC)?;
        let number = |cell: Option<&&str>| cell?.parse().ok();
        let group = cells.first()?.to_string();
        Some((
            group,
            number(cells.get(at + 1))?,
            number(cells.get(at + 2))?,
        ))
    };
    let mut rows: Vec<_> = text.lines().filter_map(row).collect();
    rows.sort();
    rows
}

fn both(group: &str, offsets: [i64; 2]) -> Vec<(String, i64, i64)> {
    let row = |(partition, offset)| (group.to_owned(), partition, offset);
    [0, 1].into_iter().zip(offsets).map(row).collect()
}

/// Each form of `--reset-offsets`, `--dry-run`, `--export` and `--from-file`, several groups at
/// once, `--delete-offsets` and `--delete`.
pub fn offsets(lab: &mut Lab) -> Result<()> {
    let folder = lab.folder("resets")?;
    let mut peer = Peer::start_new(lab.kind().clone(), &lab.tools, &folder, &[])?;
    let address = peer.address();
    create_topic(&address, TOPIC, 2, &[])?;
    for partition in 0..2 {
        let records: Vec<Record> = (0..EACH).map(|n| Record::unkeyed(&[n])).collect();
        produce(&address, &[], TOPIC, Some(partition), &records)?;
    }
    let tool = Tool { lab, address };
    let group = ["--group", GROUP];
    let describe = [&group[..], &["--describe"]].concat();
    let mut before = [0, 0];
    for (form, after) in FORMS {
        let text = tool.reset(&group, &[form, &["--execute"]].concat())?;
        let wanted: Vec<_> = both(GROUP, after)
            .into_iter()
            .filter(|(_, partition, _)| {
                let only = form[1].strip_prefix("to-reset:");
                only.is_none_or(|only| only.contains(&partition.to_string()))
            })
            .collect();
        ensure!(rows(&text) == wanted, "{form:?} after {before:?}: {text}");
        before = after;
    }
    let text = tool.said(&describe)?;
    ensure!(rows(&text) == both(GROUP, before), "{text}");

    // Only told, and told in a form that can be read back.
    let earliest = ["--topic", TOPIC, "--to-earliest"];
    let text = tool.reset(&group, &[&earliest[..], &["--dry-run"]].concat())?;
    ensure!(rows(&text) == both(GROUP, [0, 0]), "{text}");
    let text = tool.reset(
        &group,
        &[&earliest[..], &["--export", "--dry-run"]].concat(),
    )?;
    let file = folder.join("offsets.csv");
    std::fs::write(&file, text.trim())?;
    let text = tool.said(&describe)?;
    ensure!(
        rows(&text) == both(GROUP, before),
        "it was only told: {text}"
    );
    let file = file.display().to_string();
    let text = tool.reset(&group, &["--from-file", &file, "--execute"])?;
    ensure!(rows(&text) == both(GROUP, [0, 0]), "{text}");
    groups(&tool)?;
    deletions(&tool)?;
    peer.stop()
}

/// Two groups by name, and all.
fn groups(tool: &Tool<'_>) -> Result<()> {
    let latest = ["--topic", TOPIC, "--to-latest", "--execute"];
    let wanted = [both("another", [10, 10]), both(GROUP, [10, 10])].concat();
    let text = tool.reset(&["--group", GROUP, "--group", "another"], &latest)?;
    ensure!(rows(&text) == wanted, "{text}");
    let text = tool.said(&["--all-groups", "--describe"])?;
    ensure!(rows(&text) == wanted, "{text}");
    let back = ["--all-topics", "--to-offset", "5", "--execute"];
    let wanted = [both("another", [5, 5]), both(GROUP, [5, 5])].concat();
    let text = tool.reset(&["--all-groups"], &back)?;
    ensure!(rows(&text) == wanted, "{text}");
    Ok(())
}

fn deletions(tool: &Tool<'_>) -> Result<()> {
    let of = ["--delete-offsets", "--group", GROUP, "--topic"];
    let text = tool.said(&[&of[..], &["to-reset:1"]].concat())?;
    ensure!(text.contains("Successful"), "{text}");
    let text = tool.said(&["--describe", "--group", GROUP])?;
    ensure!(rows(&text) == [(GROUP.to_owned(), 0, 5)], "{text}");
    let text = tool.said(&["--delete", "--group", GROUP, "--group", "another"])?;
    ensure!(text.contains("was successful"), "{text}");
    let text = tool.said(&["--list"])?;
    ensure!(text.trim().is_empty(), "still there: {text}");
    let gone = tool.run(&["--delete", "--group", GROUP])?;
    let text = gone.text() + &gone.stderr;
    ensure!(text.contains("GroupIdNotFoundException"), "{text}");
    Ok(())
}
