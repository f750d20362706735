//! A plain GET, and Prometheus' query language over it.

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
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("no end of the head")?;
    let status = head.lines().next().unwrap_or_default();
    ensure!(status.contains(" 200 "), "GET {path}: {status}: {body}");
    Ok(body.to_owned())
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
