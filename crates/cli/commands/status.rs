//! `limpid status`.

use std::process::ExitCode;

use super::ask;
use crate::args::AskArgs;

/// Prints how the cluster is.
pub fn run(args: &AskArgs) -> ExitCode {
    match ask::ask(args, "", &[]) {
        Ok(answer) if answer.status == 200 && answer.verdict.is_some() => answer.print(),
        Ok(answer) => ask::unreachable(&anyhow::anyhow!(
            "the broker answers with HTTP status {}: {}",
            answer.status,
            answer.text.trim_end()
        )),
        Err(error) => ask::unreachable(&error),
    }
}
