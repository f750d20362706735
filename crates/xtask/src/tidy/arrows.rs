//! The doors between the rooms open one way (ARCHITECTURE.md, "Rooms").

use std::path::Path;

use anyhow::{Context, Result};

/// A crate and the crates of ours it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("access", &["config", "platform", "telemetry"]),
    (
        "api",
        &[
            "access",
            "cluster",
            "history",
            "promql",
            "telemetry",
            "config",
        ],
    ),
    (
        "broker",
        &[
            "storage",
            "coordinator",
            "client-metrics",
            "protocol",
            "security",
            "cluster",
            "config",
            "telemetry",
            "platform",
        ],
    ),
    ("check", &["exporter"]),
    ("client", &["protocol", "security", "config", "telemetry"]),
    (
        "client-metrics",
        &["protocol", "config", "telemetry", "platform"],
    ),
    ("cluster", &[]),
    ("config", &[]),
    (
        "console",
        &[
            "access",
            "cluster",
            "history",
            "promql",
            "telemetry",
            "config",
        ],
    ),
    (
        "demo",
        &[
            "client",
            "cluster",
            "config",
            "link",
            "platform",
            "protocol",
            "server",
            "telemetry",
        ],
    ),
    (
        "exporter",
        &["cluster", "history", "promql", "telemetry", "config"],
    ),
    ("coordinator", &["protocol", "telemetry"]),
    ("jolokia", &["access", "cluster", "telemetry", "config"]),
    ("link", &["client", "cluster", "protocol"]),
    ("otlp", &["telemetry"]),
    ("platform", &[]),
    ("protocol", &[]),
    ("security", &["config", "platform"]),
    (
        "server",
        &[
            "access",
            "console",
            "api",
            "exporter",
            "jolokia",
            "broker",
            "link",
            "otlp",
            "client",
            "client-metrics",
            "storage",
            "protocol",
            "security",
            "cluster",
            "config",
            "telemetry",
            "platform",
        ],
    ),
    ("storage", &["platform", "protocol", "telemetry"]),
    ("telemetry", &["platform"]),
    ("xtask", &[]),
];

/// Dependencies between crates of ours that the table does not allow.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for entry in std::fs::read_dir(root.join("crates"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let manifest = entry.path().join("Cargo.toml");
        if !manifest.exists() {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(room, _)| *room == name) else {
            findings.push(format!(
                "crates/{name}: a room without arrows; add it to tidy/arrows.rs"
            ));
            continue;
        };
        let text =
            std::fs::read_to_string(&manifest).with_context(|| manifest.display().to_string())?;
        for target in our_dependencies(&text) {
            if !allowed.contains(&target.as_str()) {
                findings.push(format!(
                    "crates/{name} depends on {target}, which ARCHITECTURE.md does not allow; \
                     move what is shared down, or pass it in from `server`"
                ));
            }
        }
    }
    Ok(findings)
}

/// Names (without `limpid-`) in `[dependencies]`; dev-dependencies are free.
fn our_dependencies(manifest: &str) -> Vec<String> {
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line.trim();
        } else if section == "[dependencies]"
            && let Some(rest) = line.strip_prefix("limpid-")
        {
            let end = rest.find(['.', ' ', '=']).unwrap_or(rest.len());
            found.push(rest[..end].to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::our_dependencies;

    #[test]
    fn only_dependencies_count() {
        let manifest = "[dependencies]\nbytes.workspace = true\nlimpid-storage.workspace = true\n\
                        limpid-x = { path = \"x\" }\n[dev-dependencies]\nlimpid-y.workspace = true\n";
        assert_eq!(our_dependencies(manifest), ["storage", "x"]);
    }
}
