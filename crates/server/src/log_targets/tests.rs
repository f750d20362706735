use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::LOG_TARGETS;

/// What is no part of the program.
const OTHERS: [&str; 1] = ["xtask"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The module of a source file: `broker/src/share/rounds.rs` is `limpid_broker::share::rounds`.
fn module(path: &Path) -> String {
    let path = path.with_extension("");
    let mut parts: Vec<&str> = path
        .iter()
        .map(|part| part.to_str().expect("text"))
        .collect();
    parts.retain(|part| !matches!(*part, "src" | "lib" | "main"));
    let name = match parts[0] {
        "cli" => "limpid".to_owned(),
        name => format!("limpid_{}", name.replace('-', "_")),
    };
    parts[0] = &name;
    parts.join("::")
}

fn logs(text: &str) -> bool {
    let macros = ["error!(", "warn!(", "info!(", "debug!(", "trace!("];
    macros
        .iter()
        .any(|one| text.contains(&format!("tracing::{one}")))
}

#[test]
fn the_list_is_what_the_sources_say() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    sources(&crates, &mut files);
    let mut targets = BTreeSet::new();
    for file in files {
        let path = file.strip_prefix(&crates).expect("below the crates");
        let first = path.iter().next().and_then(|part| part.to_str());
        let is_test = path.ends_with("tests.rs") || first.is_none_or(|it| OTHERS.contains(&it));
        let text = std::fs::read_to_string(&file).expect("a source");
        if is_test || !logs(&text) {
            continue;
        }
        let named = text.split("const TARGET: &str = \"").nth(1);
        let named = named.and_then(|rest| rest.split('"').next());
        targets.insert(named.map_or_else(|| module(path), str::to_owned));
    }
    let ours: Vec<&str> = targets.iter().map(String::as_str).collect();
    let row = |target: &&str| format!("    \"{target}\",\n");
    let rows: String = ours.iter().map(row).collect();
    assert_eq!(LOG_TARGETS, ours, "the list should be\n{rows}");
}
