//! A plain GET and PUT, and Prometheus' query language over it.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(30);

/// The body of an answer; fails unless the status is 200.
///
/// # Errors
/// When there is no such answer within half a minute.
pub fn get(address: &str, path: &str) -> Result<String> {
    let (status, body) = ask(address, &format!("GET {path}"), "")?;
    ensure!(status == 200, "GET {path}: {status}: {body}");
    Ok(body)
}

/// Puts a JSON document; the status and the body of the answer.
///
/// # Errors
/// When there is no answer within half a minute.
pub fn put(address: &str, path: &str, json: &Value) -> Result<(u16, String)> {
    ask(address, &format!("PUT {path}"), &json.to_string())
}

fn ask(address: &str, what: &str, body: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut request = format!("{what} HTTP/1.0\r\nHost: {address}\r\n");
    if !body.is_empty() {
        write!(
            request,
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        )?;
    }
    write!(request, "\r\n{body}")?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("no end of the head")?;
    let status = head.split_whitespace().nth(1).context("no status")?;
    Ok((status.parse()?, body.to_owned()))
}

/// The samples that an instant query answers with: labels and value.
///
/// # Errors
/// When Prometheus refuses the expression.
pub fn query(prometheus: &str, expression: &str) -> Result<Vec<(Value, f64)>> {
    let path = format!("/api/v1/query?query={}", encoded(expression));
    let answer: Value = serde_json::from_str(&get(prometheus, &path)?)?;
    let samples = answer["data"]["result"].as_array();
    let samples = samples.context("an answer that is no vector")?;
    let sample = |sample: &Value| {
        let value = sample["value"][1].as_str()?.parse().ok()?;
        Some((sample["metric"].clone(), value))
    };
    Ok(samples.iter().filter_map(sample).collect())
}

/// Every byte as `%xx`.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
