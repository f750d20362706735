//! `cargo xtask dashboards`: Grafana's JSON from the short list in dashboards/dashboards.yml.

mod grafana;
mod source;

use std::path::Path;

use anyhow::{Context, Result};

const SOURCE: &str = "dashboards/dashboards.yml";

/// Writes the files.
pub fn run(root: &Path) -> Result<()> {
    for (path, text) in made(root)? {
        std::fs::write(root.join(&path), text)?;
        println!("{path}");
    }
    Ok(())
}

/// Files that are not what the list makes of them.
pub fn check(root: &Path) -> Result<Vec<String>> {
    let old = |(path, text): &(String, String)| {
        std::fs::read_to_string(root.join(path)).is_ok_and(|is| is == *text)
    };
    let made = made(root)?.into_iter().filter(|file| !old(file));
    let finding =
        |(path, _)| format!("{path}: is not what {SOURCE} makes; run `cargo xtask dashboards`");
    Ok(made.map(finding).collect())
}

fn made(root: &Path) -> Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(root.join(SOURCE)).context(SOURCE)?;
    let dashboards = source::read(&text)?;
    let file = |dashboard: &source::Dashboard| {
        let json = grafana::dashboard(dashboard)?;
        let path = format!("dashboards/{}.json", dashboard.uid);
        Ok((path, serde_json::to_string_pretty(&json)? + "\n"))
    };
    dashboards.iter().map(file).collect()
}
