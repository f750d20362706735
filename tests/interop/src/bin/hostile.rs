//! Lets a hostile client loose on a broker and measures what another one feels; `cargo xtask hostile`
//! runs it.
#![allow(clippy::print_stdout, reason = "the table is this program's result")]

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use limpid_interop::hostile::attacks::{Target, attack};
use limpid_interop::hostile::run::{ATTACKER, Plan, SINK, SPINNER, hostile};
use limpid_interop::hostile::sink::{sink, spin};
use limpid_interop::peer::Kind;
use limpid_interop::tools::Tools;

const USAGE: &str =
    "hostile [--rounds N] [--seconds N] [--only ATTACK,…] [--mib-at-most N] [--apart]";

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [word, name, plain, login] = &words[..]
        && word == ATTACKER
    {
        let (plain, login) = (plain.clone(), login.clone());
        return attack(name, &Target { plain, login });
    }
    if let [word, address] = &words[..]
        && word == SINK
    {
        return sink(address);
    }
    if words == [SPINNER] {
        spin();
    }
    let mut plan = Plan {
        rounds: 3,
        phase: Duration::from_secs(5),
        only: Vec::new(),
        is_apart: false,
    };
    let mut mib_at_most = f64::INFINITY;
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "--apart" {
            plan.is_apart = true;
            continue;
        }
        let value = words.next().context(USAGE)?;
        match word.as_str() {
            "--rounds" => plan.rounds = value.parse()?,
            "--seconds" => plan.phase = Duration::from_secs(value.parse()?),
            "--only" => plan.only = value.split(',').map(str::to_owned).collect(),
            "--mib-at-most" => mib_at_most = value.parse()?,
            _ => bail!(USAGE),
        }
    }
    let kind = match std::env::var("LIMPID_INTEROP_PEER").as_deref() {
        Ok("kafka") => Kind::Kafka,
        _ => Kind::limpid()?,
    };
    let folder = tempfile::Builder::new()
        .prefix("limpid-hostile-")
        .tempdir()?;
    let report = hostile(&kind, &Tools::open()?, folder.path(), &plan)?;
    println!("{report}");
    for row in &report.rows {
        let most = row.resident_most();
        ensure!(
            most <= mib_at_most,
            "{most:.0} MiB were resident, and {mib_at_most:.0} allowed"
        );
    }
    Ok(())
}
