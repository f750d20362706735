//! Asks the console of a running broker for plain text.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use crate::args::AskArgs;

/// A broker that can't say how it is in this time is not well.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A bundle is made while it is waited for.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(120);
/// Bytes of a file that are read.
const FILE_BYTES_MAX: u64 = 512 << 20;
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// Bytes of `/metrics` that are read: more than a million series.
const METRICS_BYTES_MAX: u64 = 1 << 28;
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

/// Asks for a part of `/metrics`.
pub fn metrics(args: &AskArgs, query: &[(&str, &str)]) -> Result<String> {
    let base = args.url.trim_end_matches('/');
    let page = format!("{base}/metrics");
    let token = args.token_file.as_deref().map(token).transpose()?;
    let mut answer = get(&agent(args, TIMEOUT)?, &page, query, token.as_deref())?;
    match answer.status().as_u16() {
        200 => {}
        401 => bail!("{base} needs a login: give a token with --token-file"),
        status => bail!("{page} answers with HTTP status {status}"),
    }
    let body = answer.body_mut().with_config().limit(METRICS_BYTES_MAX);
    body.read_to_string().with_context(|| page)
}

/// Asks for a page as text; `path` lies below the page of the only cluster.
pub fn ask(args: &AskArgs, path: &str, query: &[(&str, &str)]) -> Result<Answer> {
    let agent = agent(args, TIMEOUT)?;
    let base = args.url.trim_end_matches('/');
    let token = args.token_file.as_deref().map(token).transpose()?;
    let token = token.as_deref();
    let home = get(&agent, &format!("{base}/"), &[], token)?;
    if home.status().as_u16() == 401 {
        bail!("{base} needs a login: give a token with --token-file");
    }
    let location = home.headers().get("location");
    let Some(cluster) = location.and_then(|l| l.to_str().ok()) else {
        bail!("{base} answers, but it is not the HTTP address of a Limpid");
    };
    let page = format!("{base}{cluster}{path}");
    let mut query = query.to_vec();
    query.push(("format", "text"));
    let mut answer = get(&agent, &page, &query, token)?;
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

/// Asks for a file, which may take its time; the status, and the bytes.
pub fn download(args: &AskArgs, path: &str) -> Result<(u16, Vec<u8>)> {
    let agent = agent(args, DOWNLOAD_TIMEOUT)?;
    let token = args.token_file.as_deref().map(token).transpose()?;
    let url = format!("{}{path}", args.url.trim_end_matches('/'));
    let mut answer = get(&agent, &url, &[], token.as_deref())?;
    let body = answer.body_mut().with_config().limit(FILE_BYTES_MAX);
    let bytes = body.read_to_vec().with_context(|| url.clone())?;
    Ok((answer.status().as_u16(), bytes))
}

fn agent(args: &AskArgs, timeout: Duration) -> Result<Agent> {
    let mut config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false);
    if let Some(file) = &args.ca_file {
        let roots = RootCerts::new_with_certs(&authorities(file)?);
        config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
    }
    Ok(Agent::new_with_config(config.build()))
}

/// The certificates in a file.
fn authorities(file: &Path) -> Result<Vec<Certificate<'static>>> {
    let pem = std::fs::read(file).with_context(|| file.display().to_string())?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        let item = item.with_context(|| format!("{} is no PEM", file.display()))?;
        if let PemItem::Certificate(certificate) = item {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        bail!("{} has no certificate", file.display());
    }
    Ok(found)
}

/// The token in a file.
fn token(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Ok(text.trim().to_owned())
}

fn get(
    agent: &Agent,
    url: &str,
    query: &[(&str, &str)],
    token: Option<&str>,
) -> Result<Response<Body>> {
    let mut request = agent.get(url).query_pairs(query.iter().copied());
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.call().with_context(|| format!("can't ask {url}"))
}

/// Tells an error as `main` does, with the exit code that means "nobody answers".
pub fn unreachable(error: &anyhow::Error) -> ExitCode {
    eprintln!("limpid: {error:#}");
    ExitCode::from(UNREACHABLE)
}
