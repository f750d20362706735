//! `limpid config`: checks a configuration without starting anything.

use std::process::ExitCode;

use crate::args::ConfigCheckArgs;

/// Checks, or prints the sample.
pub fn run(args: &ConfigCheckArgs) -> anyhow::Result<ExitCode> {
    if args.sample {
        print!("{}", limpid_config::sample());
        return Ok(ExitCode::SUCCESS);
    }
    let loaded = super::load(&args.config)?;
    for line in loaded.warning_lines() {
        println!("warning: {line}");
    }
    limpid_server::check(loaded.config.broker())?;
    println!("the configuration is good");
    Ok(ExitCode::SUCCESS)
}
