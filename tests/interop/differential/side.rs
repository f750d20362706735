//! One of the two brokers that are compared, and raw requests to it.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::{Bytes, BytesMut};
use limpid_interop::peer::Peer;
use limpid_protocol::codec::{EncodeError, Message, Reader, Request};
use limpid_protocol::header::{RequestHeader, ResponseHeader};
use limpid_protocol::{ApiKey, Uuid};

/// An answer must come within this.
const LIMIT: Duration = Duration::from_secs(20);

/// What a broker did with a request.
#[derive(Debug, PartialEq)]
pub enum Reply<R> {
    /// The request can't be written in this version, so nothing was sent.
    Inexpressible,
    /// The broker closed the connection.
    Closed,
    /// It answered.
    Answer(R),
}

/// A broker with a connection to it.
pub struct Side {
    /// What reports call it.
    pub name: &'static str,
    /// Its port, which answers mention.
    pub port: u16,
    /// Its log directory.
    pub data: String,
    /// The ids of the topics made by the set-up, by name.
    pub topic_ids: BTreeMap<String, Uuid>,
    /// Texts that the two brokers can't have in common, and what stands for them.
    pub own: Vec<(String, &'static str)>,
    /// The client id of all requests.
    pub client_id: &'static str,
    /// How many alterations were made to be waited for.
    pub marks: i32,
    stream: Option<TcpStream>,
    correlation_id: i32,
}

impl Side {
    /// A running broker.
    pub fn new(name: &'static str, peer: &Peer) -> Self {
        let own = vec![
            (format!(":{}", peer.port()), ":its own port"),
            (
                format!(":{}", peer.controller_port()),
                ":its own controller's port",
            ),
            (peer.http_address(), "its own HTTP address"),
            (peer.data().display().to_string(), "its own data"),
        ];
        Self {
            name,
            port: peer.port(),
            data: peer.data().display().to_string(),
            topic_ids: BTreeMap::new(),
            own,
            client_id: "differential",
            marks: 0,
            stream: None,
            correlation_id: 0,
        }
    }

    /// The id of a topic; one that no topic has where there is none of that name.
    pub fn id(&self, topic: &str) -> Uuid {
        let none = Uuid::from_bytes([7; 16]);
        self.topic_ids.get(topic).copied().unwrap_or(none)
    }

    /// Sends a typed request and decodes the answer to its last byte.
    pub fn ask<R: Request>(&mut self, request: &R, version: i16) -> Result<Reply<R::Response>> {
        let mut body = BytesMut::new();
        match request.encode(&mut body, version) {
            Ok(()) => {}
            Err(
                EncodeError::NotRepresentable { .. }
                | EncodeError::InvalidVersion { .. }
                | EncodeError::NullNotAllowed { .. },
            ) => return Ok(Reply::Inexpressible),
            Err(error) => bail!("{} v{version}: {error}", R::NAME),
        }
        match self.send(R::KEY, version, &body)? {
            None => Ok(Reply::Closed),
            Some(frame) => Ok(Reply::Answer(decode::<R::Response>(
                R::KEY,
                version,
                frame,
            )?)),
        }
    }

    /// Sends a typed request that must be answered.
    pub fn must<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response> {
        match self.ask(request, version)? {
            Reply::Answer(answer) => Ok(answer),
            other => bail!("{}: {} v{version} got {other:?}", self.name, R::NAME),
        }
    }

    /// Sends a request's bytes; none comes back when the broker closes the connection.
    pub fn send(&mut self, key: ApiKey, version: i16, body: &[u8]) -> Result<Option<Bytes>> {
        self.post(key, version, body)?;
        match self.receive() {
            Ok(frame) => Ok(Some(frame)),
            Err(error) => {
                self.stream = None;
                let closed = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset];
                match error.downcast_ref::<std::io::Error>() {
                    Some(cause) if closed.contains(&cause.kind()) => Ok(None),
                    _ => {
                        Err(error.context(format!("{}: no answer to {key} v{version}", self.name)))
                    }
                }
            }
        }
    }

    /// Sends a request without waiting for an answer.
    pub fn post(&mut self, key: ApiKey, version: i16, body: &[u8]) -> Result<()> {
        self.correlation_id += 1;
        let header = RequestHeader {
            api_key: key.code(),
            api_version: version,
            correlation_id: self.correlation_id,
            client_id: Some(self.client_id.to_owned()),
        };
        let mut frame = BytesMut::from(&[0; 4][..]);
        header.encode(&mut frame)?;
        frame.extend_from_slice(body);
        let length = u32::try_from(frame.len() - 4)?;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        if self.stream.is_none() {
            let stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(LIMIT))?;
            self.stream = Some(stream);
        }
        self.stream
            .as_mut()
            .context("connected")?
            .write_all(&frame)?;
        Ok(())
    }

    fn receive(&mut self) -> Result<Bytes> {
        let stream = self.stream.as_mut().context("connected")?;
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut frame = vec![0; usize::try_from(u32::from_be_bytes(length))?];
        stream.read_exact(&mut frame)?;
        let id = frame.get(..4).context("an answer without a header")?;
        ensure!(
            id == self.correlation_id.to_be_bytes(),
            "an answer to another request"
        );
        Ok(Bytes::from(frame))
    }
}

fn decode<M: Message>(key: ApiKey, version: i16, frame: Bytes) -> Result<M> {
    let mut reader = Reader::new(frame);
    ResponseHeader::decode(&mut reader, key.response_header_version(version))?;
    let mut version = version;
    if key == ApiKey::ApiVersions {
        // A version that the broker doesn't know is answered in version 0 (KIP-511).
        let code = reader.rest().get(..2).map(<[u8]>::to_vec);
        if code == Some(35_i16.to_be_bytes().to_vec()) {
            version = 0;
        }
    }
    let message = M::decode(&mut reader, version)
        .with_context(|| format!("{} v{version} can't be decoded", M::NAME))?;
    let left = reader.remaining();
    ensure!(
        left == 0,
        "{left} bytes behind {} v{version}: {message:?}",
        M::NAME
    );
    Ok(message)
}
