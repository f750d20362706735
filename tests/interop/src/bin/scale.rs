//! Measures how large a node may get; `cargo xtask scale` runs it.
#![allow(clippy::print_stdout, reason = "the table is this program's result")]

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use limpid_interop::peer::Kind;
use limpid_interop::scale::report::{HEAD, Row};
use limpid_interop::scale::scrapes::Size;
use limpid_interop::scale::{crowd, groups, recovery, scrapes};
use limpid_interop::tools::Tools;

const USAGE: &str = "scale [--only crowd,groups,recovery,scrapes,large] [--rounds N] \
                     [--partitions N] [--gib N]";
/// What is asked without `--only`.
const ALL: [&str; 4] = ["crowd", "groups", "recovery", "scrapes"];

/// Partitions of the crowd unless told otherwise.
const CROWD: i32 = 10_000;
/// Partitions of `large` unless told otherwise, and how many of them there are to a group.
const LARGE: i32 = 40_000;
const PARTITIONS_PER_GROUP: usize = 4;

struct Plan {
    only: Vec<String>,
    rounds: usize,
    /// Of the crowd, or of `large`.
    partitions: Option<i32>,
    gib: f64,
}

fn main() -> Result<()> {
    let mut plan = Plan {
        only: ALL.map(str::to_owned).to_vec(),
        rounds: 3,
        partitions: None,
        gib: 10.0,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().context(USAGE)?;
        match word.as_str() {
            "--only" => plan.only = value.split(',').map(str::to_owned).collect(),
            "--rounds" => plan.rounds = value.parse()?,
            "--partitions" => plan.partitions = Some(value.parse()?),
            "--gib" => plan.gib = value.parse()?,
            _ => bail!(USAGE),
        }
    }
    let (kind, tools) = (Kind::limpid()?, Tools::open()?);
    println!("{HEAD}");
    for question in &plan.only {
        let folder = tempfile::Builder::new().prefix("limpid-scale-").tempdir()?;
        for row in ask(question, &kind, &tools, folder.path(), &plan)? {
            println!("{row}");
        }
    }
    Ok(())
}

fn ask(question: &str, kind: &Kind, tools: &Tools, folder: &Path, plan: &Plan) -> Result<Vec<Row>> {
    let size = |partitions, groups, each| Size {
        partitions,
        groups,
        each,
        rounds: plan.rounds,
        turn: Duration::from_secs(5),
    };
    match question {
        "crowd" => {
            let plan = crowd::Plan {
                partitions: plan.partitions.unwrap_or(CROWD),
                rounds: plan.rounds,
                records: 3_000_000,
            };
            crowd::crowd(kind, tools, folder, plan)
        }
        "groups" => groups::groups(kind, tools, folder, 5_000, plan.rounds),
        "recovery" => recovery::recovery(kind, tools, folder, plan.gib),
        "scrapes" => scrapes::small(kind, tools, folder, size(2_000, 300, 50)),
        "large" => {
            let partitions = plan.partitions.unwrap_or(LARGE);
            let groups = usize::try_from(partitions)? / PARTITIONS_PER_GROUP;
            scrapes::large(kind, tools, folder, size(partitions, groups, 10))
        }
        _ => bail!(USAGE),
    }
}
