//! Brings the specifications of one Kafka release: jars by Maven, unpacked by `unzip`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The release whose protocol is generated.
const RELEASE: &str = "4.3.0";

/// The jars that hold specifications.
const JARS: &[&str] = &[
    "kafka-clients",
    "kafka-group-coordinator",
    "kafka-metadata",
    "kafka-raft",
    "kafka-share-coordinator",
    "kafka-transaction-coordinator",
];

/// Fills `folder` with one folder per jar, each with the jar's `common/**/*.json`.
pub fn fetch(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for jar in JARS {
        let unpacked = folder.join(jar);
        if unpacked.is_dir() {
            continue;
        }
        let artifact = format!("-Dartifact=org.apache.kafka:{jar}:{RELEASE}");
        run(Command::new("mvn").args([
            "-q",
            "-B",
            "dependency:get",
            "-Dtransitive=false",
            &artifact,
        ]))?;
        let output = format!("-DoutputDirectory={}", folder.display());
        run(Command::new("mvn").args(["-q", "-B", "dependency:copy", &artifact, &output]))?;
        let file = folder.join(format!("{jar}-{RELEASE}.jar"));
        let mut unzip = Command::new("unzip");
        run(unzip
            .arg("-qo")
            .arg(&file)
            .arg("common/*.json")
            .arg("-d")
            .arg(&unpacked))?;
        std::fs::remove_file(&file)?;
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "{command:?} failed");
    Ok(())
}
