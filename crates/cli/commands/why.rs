//! `limpid why GROUP`.

use std::process::ExitCode;

use super::ask;
use crate::args::WhyArgs;

/// Prints why a group is as it is.
pub fn run(args: &WhyArgs) -> ExitCode {
    let query = [("id", args.group.as_str())];
    match ask::ask(&args.ask, "groups/by-id", &query) {
        Ok(answer) if answer.status == 404 => {
            eprintln!("limpid: {}", answer.text.trim_end());
            ExitCode::from(ask::NO_SUCH_GROUP)
        }
        Ok(answer) if answer.status == 200 && answer.verdict.is_some() => answer.print(),
        Ok(answer) => ask::unreachable(&anyhow::anyhow!(
            "the broker answers with HTTP status {}: {}",
            answer.status,
            answer.text.trim_end()
        )),
        Err(error) => ask::unreachable(&error),
    }
}
