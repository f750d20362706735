//! `cargo xtask codegen`: Kafka's message specifications → `crates/protocol/src/messages/*.rs`.
//!
//! The specifications are data inside Kafka's published jars. They are read here and not copied:
//! the generated code carries names, types, versions and defaults only.
//!
//! Invariant: the output depends on the specifications and on the tables in `codegen/overrides.rs`,
//! nothing else, so `--check` can compare byte for byte.

mod emit;
mod fetch;
mod index;
mod model;
mod names;
mod overrides;
mod spec;
mod structs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// Where the generated files go, from the root of the project.
const TARGET: &str = "crates/protocol/src";

#[derive(clap::Args)]
pub struct Arguments {
    /// Folder that holds Kafka's specifications (*.json, at any depth)
    #[arg(long, value_name = "DIR")]
    specs: PathBuf,
    /// First bring the specifications into that folder, out of Kafka's jars (needs mvn and unzip)
    #[arg(long)]
    fetch: bool,
    /// Write nothing; fail if the committed files are not what would be written
    #[arg(long)]
    check: bool,
}

/// Reads, generates, formats, then writes or compares.
pub fn run(arguments: &Arguments) -> Result<()> {
    if arguments.fetch {
        fetch::fetch(&arguments.specs)?;
    }
    let specs = spec::read_all(&arguments.specs)?;
    ensure!(
        !specs.is_empty(),
        "no specifications in {}",
        arguments.specs.display()
    );
    let root = project_root()?;
    let target = root.join(TARGET);
    let files = format(&root, generate(&specs)?)?;
    if arguments.check {
        check(&target, &files)
    } else {
        write(&target, &files)
    }
}

/// Text of every generated file by its path below [`TARGET`].
fn generate(specs: &[spec::Spec]) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut messages = Vec::new();
    for spec in specs {
        if overrides::HAND_WRITTEN.contains(&spec.name.as_str()) {
            messages.push(model::Message::outline(spec));
            continue;
        }
        let Some(message) =
            model::Message::new(spec).with_context(|| format!("specification of {}", spec.name))?
        else {
            continue;
        };
        let path = format!("messages/{}.rs", message.module);
        let clash = files.insert(path, emit::module(&message));
        ensure!(clash.is_none(), "two specifications named {}", spec.name);
        messages.push(message);
    }
    files.insert("messages.rs".to_owned(), index::messages(&messages));
    files.insert("messages/api_key.rs".to_owned(), index::api_keys(specs));
    files.insert(
        "messages/record_kinds.rs".to_owned(),
        index::record_kinds(&messages),
    );
    Ok(files)
}

fn project_root() -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = manifest
        .ancestors()
        .nth(2)
        .context("xtask has no grandparent folder")?;
    Ok(root.to_path_buf())
}

/// Runs rustfmt over the files, in a folder of its own.
fn format(root: &Path, files: BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let folder = std::env::temp_dir().join(format!("limpid-codegen-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("messages"))?;
    for (path, text) in &files {
        std::fs::write(folder.join(path), text)?;
    }
    // The index names the hand-written modules too; rustfmt wants to see them.
    for name in overrides::HAND_WRITTEN {
        std::fs::write(
            folder.join(format!("messages/{}.rs", names::snake(name))),
            "",
        )?;
    }
    let mut rustfmt = Command::new("rustfmt");
    rustfmt
        .arg("--config-path")
        .arg(root)
        .arg(folder.join("messages.rs"));
    let status = rustfmt.status().context("rustfmt does not start")?;
    ensure!(
        status.success(),
        "rustfmt refuses the generated code in {}",
        folder.display()
    );
    let mut formatted = BTreeMap::new();
    for path in files.into_keys() {
        let text = std::fs::read_to_string(folder.join(&path))?;
        formatted.insert(path, text);
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(formatted)
}

fn write(target: &Path, files: &BTreeMap<String, String>) -> Result<()> {
    std::fs::create_dir_all(target.join("messages"))?;
    for (path, text) in files {
        let path = target.join(path);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == *text) {
            continue;
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    for path in stale(target, files)? {
        std::fs::remove_file(target.join(path))?;
    }
    Ok(())
}

fn check(target: &Path, files: &BTreeMap<String, String>) -> Result<()> {
    let mut wrong = stale(target, files)?;
    for (path, text) in files {
        if !std::fs::read_to_string(target.join(path)).is_ok_and(|old| old == *text) {
            wrong.push(path.clone());
        }
    }
    if !wrong.is_empty() {
        bail!(
            "generated files are out of date, run cargo xtask codegen: {}",
            wrong.join(", ")
        );
    }
    Ok(())
}

/// Generated files that no specification asks for any more.
fn stale(target: &Path, files: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let mut stale = Vec::new();
    for entry in std::fs::read_dir(target.join("messages"))? {
        let path = format!("messages/{}", entry?.file_name().to_string_lossy());
        let text = std::fs::read_to_string(target.join(&path)).unwrap_or_default();
        if text.starts_with(emit::HEADER) && !files.contains_key(&path) {
            stale.push(path);
        }
    }
    Ok(stale)
}
