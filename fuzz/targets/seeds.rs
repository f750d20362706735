//! Writes inputs to start from: `seeds FOLDER`; `seeds --requests` lists the requests instead.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let argument = std::env::args().nth(1).unwrap_or_default();
    if argument.is_empty() {
        return Err(std::io::Error::other("usage: seeds FOLDER | --requests"));
    }
    if argument == "--requests" {
        let mut out = std::io::stdout();
        for entry in limpid_fuzz::requests() {
            writeln!(out, "{}", entry.name.trim_end_matches("Request"))?;
        }
        return Ok(());
    }
    limpid_fuzz::write_seeds(argument.as_ref())
}
