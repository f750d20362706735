//! `kafka-reassign-partitions`, `-leader-election` and `-get-offsets` in all their forms, and what
//! `-configs`, `-groups`, `-features` and `-cluster` tell besides.

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka::produce;
use limpid_interop::records::Record;
use serde_json::Value;

use super::{said, says, tool};

const REASSIGN: &str = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand";
const ELECT: &str = "org.apache.kafka.tools.LeaderElectionCommand";
const OFFSETS: &str = "org.apache.kafka.tools.GetOffsetShell";

/// Writes a file for a tool.
fn file(lab: &Lab, name: &str, text: &str) -> Result<String> {
    let path = lab.folder("java-admin")?.join(name);
    std::fs::write(&path, text)?;
    Ok(path.to_string_lossy().into_owned())
}

/// What is asked for is there already, and nothing else can be had.
pub fn reassignments(lab: &mut Lab) -> Result<()> {
    lab.create_topic("reassigned", 2)?;
    let topics = r#"{"version": 1, "topics": [{"topic": "reassigned"}]}"#;
    let topics = file(lab, "topics.json", topics)?;
    let generate = ["--generate", "--topics-to-move-json-file", &topics];
    let generate = [&generate[..], &["--broker-list", "1"]].concat();
    let text = said(lab, REASSIGN, &generate)?;
    let plan = text.lines().rfind(|line| line.starts_with('{'));
    let plan = plan.context("no plan")?;
    let parsed: Value = serde_json::from_str(plan)?;
    let partitions = parsed["partitions"].as_array().map(Vec::len);
    ensure!(partitions == Some(2), "{plan}");
    let plan = file(lab, "plan.json", plan)?;
    let execute = ["--execute", "--reassignment-json-file", &plan];
    let started = ["Successfully started partition reassignment"];
    says(lab, REASSIGN, &execute, &started)?;
    let verify = ["--verify", "--reassignment-json-file", &plan];
    let done = ["Reassignment of partition reassigned-0 is completed."];
    says(lab, REASSIGN, &verify, &done)?;
    let none = ["No partition reassignments found."];
    says(lab, REASSIGN, &["--list"], &none)?;
    let away = r#"{"version": 1, "partitions": [
        {"topic": "reassigned", "partition": 0, "replicas": [7]}]}"#;
    let away = file(lab, "away.json", away)?;
    let execute = ["--execute", "--reassignment-json-file", &away];
    let refused = tool(lab, REASSIGN, &execute)?;
    ensure!(
        !refused.status.success(),
        "moved to a broker that isn't there"
    );
    Ok(())
}

/// Nobody else can be elected, and the tool says so whatever form it is asked in.
pub fn elections(lab: &mut Lab) -> Result<()> {
    lab.create_topic("elected", 2)?;
    let wanted = r#"{"partitions": [{"topic": "elected", "partition": 0},
        {"topic": "elected", "partition": 1}]}"#;
    let wanted = file(lab, "elected.json", wanted)?;
    let both = ["--path-to-json-file", &wanted];
    let valid = ["Valid replica already elected for partitions", "elected-1"];
    for kind in ["preferred", "unclean"] {
        let elect = [&["--election-type", kind], &both[..]].concat();
        says(lab, ELECT, &elect, &valid)?;
        let all = ["--election-type", kind, "--all-topic-partitions"];
        ensure!(tool(lab, ELECT, &all)?.status.success(), "{kind} of all");
    }
    let nothing = ["--topic", "nowhere", "--partition", "0"];
    let elect = [&["--election-type", "preferred"], &nothing[..]].concat();
    let refused = tool(lab, ELECT, &elect)?;
    ensure!(!refused.status.success(), "nothing was elected");
    Ok(())
}

/// Every time that can be asked for, and every way to choose partitions.
pub fn offsets(lab: &mut Lab) -> Result<()> {
    lab.create_topic("offsets-of", 3)?;
    let address = lab.address()?;
    let records: Vec<Record> = (0..7_u8).map(|n| Record::unkeyed(&[n])).collect();
    for partition in [0, 1] {
        produce(&address, &[], "offsets-of", Some(partition), &records)?;
    }
    let topic = ["--topic", "offsets-of"];
    let forms: [(&[&str], &[&str]); 10] = [
        (&[], &["0:7", "1:7", "2:0"]),
        (&["--time", "-1"], &["0:7", "1:7", "2:0"]),
        (&["--time", "earliest"], &["0:0", "1:0", "2:0"]),
        (&["--time", "earliest-local"], &["0:0", "1:0", "2:0"]),
        (&["--time", "latest-tiered"], &[]),
        (&["--time", "earliest-pending-upload"], &[]),
        (&["--time", "4070908800000"], &[]),
        (&["--time", "0"], &["0:0", "1:0"]),
        (&["--partitions", "1,2"], &["1:7", "2:0"]),
        (&["--exclude-internal-topics"], &["0:7", "1:7", "2:0"]),
    ];
    for (form, wanted) in forms {
        let text = said(lab, OFFSETS, &[&topic[..], form].concat())?;
        let wanted: Vec<String> = wanted.iter().map(|w| format!("offsets-of:{w}")).collect();
        ensure!(text.lines().eq(&wanted), "{form:?} said\n{text}");
    }
    let some = ["--topic-partitions", "offsets-.*:1-3"];
    let text = said(lab, OFFSETS, &some)?;
    ensure!(
        text.lines().eq(["offsets-of:1:7", "offsets-of:2:0"]),
        "{text}"
    );
    let last = said(
        lab,
        OFFSETS,
        &[&topic[..], &["--time", "max-timestamp"]].concat(),
    )?;
    ensure!(last.lines().count() == 2, "{last}");
    Ok(())
}

/// Settings of a group, the list of groups, what a release's features are, and the endpoints.
pub fn further(lab: &mut Lab) -> Result<()> {
    let configs = "kafka.admin.ConfigCommand";
    let group = [
        "--entity-type",
        "groups",
        "--entity-name",
        "configured-group",
    ];
    let entry = "consumer.session.timeout.ms=50000";
    let alter = [&group[..], &["--alter", "--add-config", entry]].concat();
    says(lab, configs, &alter, &["Completed updating"])?;
    let describe = [&group[..], &["--describe"]].concat();
    let standing = "DEFAULT_CONFIG:group.consumer.session.timeout.ms=45000";
    says(lab, configs, &describe, &[entry, standing])?;
    let key = ["--alter", "--delete-config", "consumer.session.timeout.ms"];
    let delete = [&group[..], &key].concat();
    says(lab, configs, &delete, &["Completed updating"])?;
    let reset = ["--reset-offsets", "--to-earliest", "--execute"];
    let reset = [
        &reset[..],
        &["--group", "listed-group", "--topic", "listed"],
    ]
    .concat();
    lab.create_topic("listed", 1)?;
    let groups = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
    said(lab, groups, &reset)?;
    let listed = said(lab, "org.apache.kafka.tools.GroupsCommand", &["--list"])?;
    let row = listed.lines().find(|row| row.starts_with("listed-group"));
    ensure!(row.is_some_and(|row| row.contains("Classic")), "{listed}");
    let features = "org.apache.kafka.tools.FeatureCommand";
    let mapping = ["version-mapping", "--release-version", "4.3-IV0"];
    says(lab, features, &mapping, &["metadata.version=30"])?;
    let upgrade = ["upgrade", "--feature", "transaction.version=2", "--dry-run"];
    says(lab, features, &upgrade, &["transaction.version"])?;
    Ok(())
}
