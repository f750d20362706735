//! Writes inputs to start from: `seeds FOLDER`; `seeds --requests` lists the requests instead.
//!
//! A target like the others, since what counts edges needs libFuzzer in every program; but it ends
//! before the first input.
#![no_main]

use std::io::Write;

fn work() -> std::io::Result<()> {
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

fn write_and_exit() {
    let done = work().inspect_err(|error| {
        writeln!(std::io::stderr(), "{error}").ok();
    });
    std::process::exit(i32::from(done.is_err()));
}

libfuzzer_sys::fuzz_target!(init: write_and_exit(), |_input: &[u8]| {});
