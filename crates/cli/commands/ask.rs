//! Asks the console of a running broker for plain text.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ureq::http::Response;
use ureq::{Agent, Body};

/// A broker that can't say how it is in this time is not well.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// The header that says the verdict in a word.
const VERDICT: &str = "limpid-verdict";

/// Exit codes of `status` and `why`.
pub const ATTENTION: u8 = 1;
pub const UNREACHABLE: u8 = 2;
pub const NO_SUCH_GROUP: u8 = 3;

/// What was said.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// One word; absent when it is not a Limpid that answers.
    pub verdict: Option<String>,
    /// The text.
    pub text: String,
}

impl Answer {
    /// Prints the text; the verdict becomes the exit code.
    pub fn print(&self) -> ExitCode {
        print!("{}", self.text);
        match self.verdict.as_deref() {
            Some("ok") => ExitCode::SUCCESS,
            _ => ExitCode::from(ATTENTION),
        }
    }
}

/// Asks for a page as text; `path` lies below the page of the only cluster.
pub fn ask(url: &str, path: &str, query: &[(&str, &str)]) -> Result<Answer> {
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build();
    let agent = Agent::new_with_config(config);
    let base = url.trim_end_matches('/');
    let home = get(&agent, &format!("{base}/"), &[])?;
    let location = home.headers().get("location");
    let Some(cluster) = location.and_then(|l| l.to_str().ok()) else {
        bail!("{base} answers, but it is not the HTTP address of a Limpid");
    };
    let page = format!("{base}{cluster}{path}");
    let mut query = query.to_vec();
    query.push(("format", "text"));
    let mut answer = get(&agent, &page, &query)?;
    let verdict = answer.headers().get(VERDICT);
    Ok(Answer {
        status: answer.status().as_u16(),
        verdict: verdict.and_then(|v| v.to_str().ok()).map(str::to_owned),
        text: answer
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_string()
            .with_context(|| page.clone())?,
    })
}

fn get(agent: &Agent, url: &str, query: &[(&str, &str)]) -> Result<Response<Body>> {
    let request = agent.get(url).query_pairs(query.iter().copied());
    request.call().with_context(|| format!("can't ask {url}"))
}

/// Tells an error as `main` does, with the exit code that means "nobody answers".
pub fn unreachable(error: &anyhow::Error) -> ExitCode {
    eprintln!("limpid: {error:#}");
    ExitCode::from(UNREACHABLE)
}
