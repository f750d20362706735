//! What an Alertmanager sends its messages to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use anyhow::{Context, Result};
use limpid_interop::ports;
use parking_lot::Mutex;
use serde_json::Value;

/// A receiver of webhooks; it listens until the tests end.
pub struct Sink {
    /// `host:port`.
    pub address: String,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Sink {
    /// Listens.
    pub fn open() -> Result<Self> {
        let address = format!("127.0.0.1:{}", ports::next()?);
        let listener = TcpListener::bind(&address)?;
        let heard: Arc<Mutex<Vec<Value>>> = Arc::default();
        let ears = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Ok(message) = hear(&stream) {
                    let alerts = message["alerts"].as_array().cloned();
                    ears.lock().extend(alerts.unwrap_or_default());
                }
            }
        });
        Ok(Self { address, heard })
    }

    /// Whether an alert of a group came with that status.
    pub fn heard(&self, alert: &str, group: &str, status: &str) -> bool {
        self.heard.lock().iter().any(|told| {
            let labels = &told["labels"];
            labels["alertname"] == alert && labels["group"] == group && told["status"] == status
        })
    }
}

fn hear(stream: &TcpStream) -> Result<Value> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(bytes) = line.strip_prefix("content-length:") {
            length = bytes.trim().parse().context("no length")?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut stream = stream;
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    Ok(serde_json::from_slice(&body)?)
}
