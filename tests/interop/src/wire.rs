//! Requests over a plain socket, written byte by byte, for what the harness itself needs.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A broker must answer within this.
const LIMIT: Duration = Duration::from_secs(30);

/// Creates a topic (CreateTopics version 2).
///
/// # Errors
/// When the broker refuses.
pub fn create_topic(
    address: &str,
    name: &str,
    partitions: i32,
    configs: &[(&str, &str)],
) -> Result<()> {
    let mut body = Vec::new();
    put_count(&mut body, 1)?;
    put_text(&mut body, name)?;
    body.extend(partitions.to_be_bytes());
    body.extend(1_i16.to_be_bytes());
    put_count(&mut body, 0)?;
    put_count(&mut body, configs.len())?;
    for (key, value) in configs {
        put_text(&mut body, key)?;
        put_text(&mut body, value)?;
    }
    body.extend(20_000_i32.to_be_bytes());
    body.push(0);
    let answer = exchange(address, 19, 2, &body)?;
    // Throttle time (4), count (4), the name with its length, the error code.
    let at = 4 + 4 + 2 + name.len();
    let code = answer
        .get(at..at + 2)
        .map(|bytes| i16::from_be_bytes([bytes[0], bytes[1]]));
    ensure!(
        code == Some(0),
        "creating {name} failed with code {code:?}: {answer:?}"
    );
    Ok(())
}

/// Deletes a topic (DeleteTopics version 1).
///
/// # Errors
/// When the broker refuses.
pub fn delete_topic(address: &str, name: &str) -> Result<()> {
    let mut body = Vec::new();
    put_count(&mut body, 1)?;
    put_text(&mut body, name)?;
    body.extend(20_000_i32.to_be_bytes());
    let answer = exchange(address, 20, 1, &body)?;
    let at = 4 + 4 + 2 + name.len();
    let code = answer
        .get(at..at + 2)
        .map(|bytes| i16::from_be_bytes([bytes[0], bytes[1]]));
    ensure!(
        code == Some(0),
        "deleting {name} failed with code {code:?}: {answer:?}"
    );
    Ok(())
}

/// Appends one batch (Produce version 7) and returns its first offset.
///
/// # Errors
/// When the broker refuses.
pub fn produce(address: &str, topic: &str, partition: i32, batch: &[u8]) -> Result<i64> {
    let mut body = Vec::new();
    body.extend((-1_i16).to_be_bytes());
    body.extend((-1_i16).to_be_bytes());
    body.extend(20_000_i32.to_be_bytes());
    put_count(&mut body, 1)?;
    put_text(&mut body, topic)?;
    put_count(&mut body, 1)?;
    body.extend(partition.to_be_bytes());
    put_count(&mut body, batch.len())?;
    body.extend(batch);
    let answer = exchange(address, 0, 7, &body)?;
    // Count (4), the name with its length, count (4), partition (4), error code, first offset.
    let at = 4 + 2 + topic.len() + 4 + 4;
    let code = answer.get(at..at + 2).context("a cut answer")?;
    ensure!(
        code == [0, 0],
        "producing to {topic}-{partition} failed with code {code:?}"
    );
    let offset = answer.get(at + 2..at + 10).context("a cut answer")?;
    Ok(i64::from_be_bytes(offset.try_into()?))
}

/// Sends one request with a version-1 header and returns the answer's body.
fn exchange(address: &str, key: i16, version: i16, body: &[u8]) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LIMIT))?;
    let mut frame = Vec::new();
    frame.extend(key.to_be_bytes());
    frame.extend(version.to_be_bytes());
    frame.extend(7_i32.to_be_bytes());
    put_text(&mut frame, "interop")?;
    frame.extend(body);
    stream.write_all(&u32::try_from(frame.len())?.to_be_bytes())?;
    stream.write_all(&frame)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length))?];
    stream.read_exact(&mut answer)?;
    ensure!(
        answer.starts_with(&7_i32.to_be_bytes()),
        "an answer to another request"
    );
    Ok(answer.split_off(4))
}

fn put_text(out: &mut Vec<u8>, text: &str) -> Result<()> {
    out.extend(i16::try_from(text.len())?.to_be_bytes());
    out.extend(text.as_bytes());
    Ok(())
}

fn put_count(out: &mut Vec<u8>, count: usize) -> Result<()> {
    out.extend(i32::try_from(count)?.to_be_bytes());
    Ok(())
}
