//! `limpid check dashboards` and `limpid check rules`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use limpid_check::read::{self, Queries};
use limpid_check::{Families, ReadError, Report};
use limpid_exporter::jmx::Rules;
use limpid_exporter::{ALL, DIALECTS, JMX_EXPORTER};

use crate::args::{CheckArgs, CheckCommand};

const FOUND: u8 = 1;
const UNREAD: u8 = 2;

/// Finds the expressions of a file.
type Reader = fn(&str) -> Result<Queries, ReadError>;

/// Says what becomes of the expressions in each file.
pub fn run(command: &CheckCommand) -> anyhow::Result<ExitCode> {
    let (args, reader) = match command {
        CheckCommand::Dashboards(args) => (args, read::dashboard as Reader),
        CheckCommand::Rules(args) => (args, read::rules as Reader),
    };
    match reports(args, reader) {
        Ok(reports) => {
            show(args, &reports)?;
            let found = reports.iter().any(|(_, report)| report.has_findings());
            Ok(ExitCode::from(if found { FOUND } else { 0 }))
        }
        Err(error) => {
            eprintln!("limpid: {error:#}");
            Ok(ExitCode::from(UNREAD))
        }
    }
}

fn reports<'a>(args: &'a CheckArgs, reader: Reader) -> anyhow::Result<Vec<(&'a Path, Report)>> {
    let mut families = Families::of_limpid();
    let mut on = dialects(&args.dialects)?;
    if let Some(path) = &args.jmx {
        let rules = Rules::read(&text(path)?);
        families.add_rules(&rules.with_context(|| path.display().to_string())?);
        on.push(JMX_EXPORTER);
    }
    let mut read = Vec::new();
    for path in &args.files {
        let queries = reader(&text(path)?);
        let queries = queries.with_context(|| path.display().to_string())?;
        // What one file records another one may ask for.
        queries
            .recorded
            .iter()
            .for_each(|name| families.add_recorded(name));
        read.push((path.as_path(), queries));
    }
    let report =
        |(path, queries): (&'a Path, Queries)| (path, Report::of(&queries, &families, &on));
    Ok(read.into_iter().map(report).collect())
}

fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

fn dialects(words: &[String]) -> anyhow::Result<Vec<&str>> {
    if words.iter().any(|word| word == ALL) {
        return Ok(DIALECTS.to_vec());
    }
    let known = |word: &&String| DIALECTS.contains(&word.as_str());
    if let Some(word) = words.iter().find(|word| !known(word)) {
        bail!(
            "unknown dialect {word:?}, known are {}, {ALL}",
            DIALECTS.join(", ")
        );
    }
    Ok(words.iter().map(String::as_str).collect())
}

fn show(args: &CheckArgs, reports: &[(&Path, Report)]) -> anyhow::Result<()> {
    if args.json {
        let by_file: Vec<_> = reports
            .iter()
            .map(|(path, report)| serde_json::json!({"file": path, "report": report}))
            .collect();
        println!("{}", serde_json::to_string_pretty(&by_file)?);
        return Ok(());
    }
    let on: Vec<&str> = args.dialects.iter().map(String::as_str).collect();
    for (path, report) in reports {
        println!("{}", path.display());
        print!("{}", report.to_text(&on));
    }
    Ok(())
}
