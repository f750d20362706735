//! `cargo xtask alerts`: the rule file once more, as Kubernetes' operator and Grafana want it.

mod grafana;
mod rules;

use std::path::Path;

use anyhow::{Context, Result};

/// Where everything is made from.
pub(crate) const RULES: &str = "alerts/limpid.rules.yml";
const OPERATOR: &str = "alerts/prometheusrule.yml";
const GRAFANA: &str = "alerts/grafana-provisioning.yml";

/// Writes the files.
pub fn run(root: &Path) -> Result<()> {
    for (path, text) in made(root)? {
        std::fs::write(root.join(path), text)?;
        println!("{path}");
    }
    Ok(())
}

/// Files that are not what the rule file makes of them.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let old = |(path, text): &(&str, String)| {
        std::fs::read_to_string(root.join(path)).is_ok_and(|is| is == *text)
    };
    let made = made(root)?.into_iter().filter(|file| !old(file));
    let finding =
        |(path, _)| format!("{path}: is not what {RULES} makes; run `cargo xtask alerts`");
    Ok(made.map(finding).collect())
}

fn made(root: &Path) -> Result<[(&'static str, String); 2]> {
    let text = std::fs::read_to_string(root.join(RULES)).context(RULES)?;
    let groups = rules::read(&text)?;
    Ok([
        (OPERATOR, operator(&text)?),
        (GRAFANA, grafana::provisioning(&groups)?),
    ])
}

/// A manifest for Prometheus' operator: the groups as they are, further in.
fn operator(text: &str) -> Result<String> {
    let (_, groups) = text.split_once("\ngroups:\n").context("no groups")?;
    let mut out = format!(
        "# For Prometheus' operator. Made from {RULES} by `cargo xtask alerts`; do not edit.\n\
         # The label `role` is one that many operators select rules by; yours may want another.\n\
         apiVersion: monitoring.coreos.com/v1\n\
         kind: PrometheusRule\n\
         metadata:\n  name: limpid\n  labels:\n    role: alert-rules\n\
         spec:\n  groups:\n"
    );
    for line in groups.lines() {
        if !line.is_empty() {
            out.push_str("  ");
            out.push_str(line);
        }
        out.push('\n');
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_manifest_has_the_groups_further_in() {
        let made = operator("# words\ngroups:\n  - name: g\n\n    rules: []\n").unwrap();
        assert!(
            made.ends_with("spec:\n  groups:\n    - name: g\n\n      rules: []\n"),
            "{made}"
        );
        assert!(operator("rules: []\n").is_err());
    }
}
