//! Java programs of this package: compiled once, run with what Maven brings for them.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::process::run;
use crate::tools::{Kafka, Tools, helpers};

const COMPILE_LIMIT: Duration = Duration::from_secs(120);
/// Flink reaches into these for its serializers.
const OPENED: [&str; 2] = ["java.base/java.lang", "java.base/java.util"];

/// A program under `java/`, and what is on its class path.
#[derive(Clone, Copy, Debug)]
pub enum Program {
    /// Every call of the administrator's client.
    AdminCalls,
    /// What applications do with the clients.
    Scenarios,
    /// An application of Kafka Streams.
    Streams,
    /// A job of Flink in its local runtime.
    Flink,
}

impl Program {
    const fn class(self) -> &'static str {
        match self {
            Self::AdminCalls => "AdminCalls",
            Self::Scenarios => "Scenarios",
            Self::Streams => "Streams",
            Self::Flink => "Flink",
        }
    }

    const fn source(self) -> &'static str {
        match self {
            Self::AdminCalls => include_str!("../java/AdminCalls.java"),
            Self::Scenarios => include_str!("../java/Scenarios.java"),
            Self::Streams => include_str!("../java/Streams.java"),
            Self::Flink => include_str!("../java/Flink.java"),
        }
    }

    fn class_path(self, tools: &Tools) -> Result<String> {
        match self {
            Self::AdminCalls | Self::Scenarios => tools.class_path(Kafka::V4_3),
            Self::Streams => streams(tools),
            Self::Flink => tools.maven("flink", include_str!("../java/pom-flink.xml")),
        }
    }
}

/// Apache Kafka 4.3 with its Streams and with the connectors for files.
fn streams(tools: &Tools) -> Result<String> {
    let more = tools.maven("streams", include_str!("../java/pom-streams.xml"))?;
    Ok(format!("{}:{more}", tools.class_path(Kafka::V4_3)?))
}

impl Tools {
    /// A command that runs a program of this package.
    ///
    /// # Errors
    /// When it can't be compiled, or Maven can't bring what it needs.
    pub fn program(&self, program: Program) -> Result<Command> {
        let class_path = program.class_path(self)?;
        let name = format!("program-{}", program.class());
        let classes = self.install(&name, program.source(), |folder| {
            let source = format!("{}.java", program.class());
            let mut compiler = Command::new("javac");
            compiler.args(["-nowarn", "-cp", &class_path, "-d"]);
            compiler
                .arg(folder)
                .arg(helpers().join("java").join(source));
            run(&mut compiler, b"", COMPILE_LIMIT)?.success()
        })?;
        let mut java = Self::java_with(&format!("{}:{class_path}", classes.display()));
        for package in OPENED {
            java.arg(format!("--add-opens={package}=ALL-UNNAMED"));
        }
        java.arg(program.class());
        Ok(java)
    }

    /// A virtual machine for the workers of Kafka Connect.
    ///
    /// # Errors
    /// When Maven can't bring them.
    pub fn connect(&self) -> Result<Command> {
        Ok(Self::java_with(&streams(self)?))
    }
}
