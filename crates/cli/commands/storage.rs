//! `limpid storage format | info | verify | backup | restore`.

use std::process::ExitCode;

use limpid_server::FormatRequest;
use limpid_server::upkeep::{self, Depth, DirReport, LogReport};

use crate::args::{BackupArgs, FormatArgs, InfoArgs, RestoreArgs, VerifyArgs};

/// What `verify` ends with when something is wrong.
const UNSOUND: u8 = 1;

/// Formats the log directories of a configuration.
pub fn format(args: &FormatArgs) -> anyhow::Result<ExitCode> {
    let loaded = super::load(&args.config)?;
    let request = FormatRequest {
        cluster_id: args.cluster_id.clone(),
        ignore_formatted: args.ignore_formatted,
        scram_users: args.add_scram.clone(),
    };
    let formatted = limpid_server::format(&loaded.config, &request)?;
    for dir in &formatted.dirs {
        println!(
            "formatted {} for node {} of cluster {}",
            dir.display(),
            formatted.node_id,
            formatted.cluster_id
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what the log directories hold.
pub fn info(args: &InfoArgs) -> anyhow::Result<ExitCode> {
    let loaded = super::load(&args.config)?;
    let dirs = upkeep::look(&loaded.config, Depth::Names, &mut |_| {})?;
    for dir in &dirs {
        print_dir(dir);
        if args.logs {
            dir.logs.iter().for_each(print_log);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_dir(dir: &DirReport) {
    println!("{}", dir.path.display());
    match &dir.meta {
        Some(meta) => println!("  node {} of cluster {}", meta.node_id, meta.cluster_id),
        None => println!("  not formatted"),
    }
    let state = if dir.clean {
        "stopped cleanly"
    } else {
        "in use, or not stopped cleanly"
    };
    let bytes: u64 = dir.logs.iter().map(|log| log.bytes).sum();
    let segments: usize = dir.logs.iter().map(|log| log.segments).sum();
    let logs = dir.logs.len();
    println!("  {state}; {logs} partitions, {segments} segments, {bytes} bytes");
    for path in &dir.set_aside {
        println!("  set aside: {}", path.display());
    }
    for problem in &dir.problems {
        println!("  PROBLEM {problem}");
    }
}

fn print_log(log: &LogReport) {
    println!(
        "  {}-{}: offsets {} to {}, {} segments, {} bytes",
        log.topic, log.partition, log.start, log.end, log.segments, log.bytes
    );
}

/// Reads everything and says what is wrong: in log directories, or in a backup.
pub fn verify(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    if let Some(backup) = &args.backup {
        let manifest = upkeep::verify_backup(backup)?;
        println!(
            "{} files, {} bytes, all sound",
            manifest.files.len(),
            manifest.bytes()
        );
        return Ok(ExitCode::SUCCESS);
    }
    let loaded = super::load(&args.config)?;
    let dirs = upkeep::look(&loaded.config, Depth::Everything, &mut |log| {
        for what in &log.unfinished {
            println!("{}-{}: for recovery: {what}", log.topic, log.partition);
        }
        for what in &log.problems {
            println!("{}-{}: PROBLEM {what}", log.topic, log.partition);
        }
    })?;
    let logs = || dirs.iter().flat_map(|dir| &dir.logs);
    for problem in dirs.iter().flat_map(|dir| &dir.problems) {
        println!("PROBLEM {problem}");
    }
    let records: u64 = logs().map(|log| log.records).sum();
    let batches: u64 = logs().map(|log| log.batches).sum();
    let in_dirs: usize = dirs.iter().map(|dir| dir.problems.len()).sum();
    let problems = in_dirs + logs().map(|log| log.problems.len()).sum::<usize>();
    let count = logs().count();
    println!("{count} partitions, {batches} batches, {records} records, {problems} problems");
    Ok(if problems == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(UNSOUND)
    })
}

/// Copies a node, running or not.
pub fn backup(args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let loaded = super::load(&args.config)?;
    let manifest = upkeep::back_up(&loaded.config, &args.to)?;
    println!(
        "backed up node {} of cluster {}: {} files, {} bytes in {}",
        manifest.node_id,
        manifest.cluster_id,
        manifest.files.len(),
        manifest.bytes(),
        args.to.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Copies a backup to the directories of a configuration.
pub fn restore(args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let loaded = super::load(&args.config)?;
    let manifest = upkeep::restore(&loaded.config, &args.from)?;
    println!(
        "restored node {} of cluster {}: {} files, {} bytes",
        manifest.node_id,
        manifest.cluster_id,
        manifest.files.len(),
        manifest.bytes()
    );
    Ok(ExitCode::SUCCESS)
}
