//! `limpid metrics list`.

use std::process::ExitCode;

use crate::args::MetricsListArgs;

/// Prints the catalogue of metrics.
pub fn list(args: &MetricsListArgs) -> anyhow::Result<ExitCode> {
    let catalogue = limpid_server::catalogue();
    if args.markdown {
        print!("{}", catalogue.to_markdown());
    } else {
        print!("{}", catalogue.to_table());
    }
    Ok(ExitCode::SUCCESS)
}
