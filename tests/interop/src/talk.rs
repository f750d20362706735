//! Requests of the codec over a plain socket.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use bytes::{Bytes, BytesMut};
use limpid_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use limpid_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use limpid_protocol::messages::{FetchRequest, ProduceRequest};
use limpid_protocol::records::{BatchBuilder, Codec};
use limpid_protocol::{Message, Reader, Request, RequestHeader, ResponseHeader};

/// Who waits longer than this for an answer is not served any more.
const LIMIT: Duration = Duration::from_secs(30);
/// Versions that name topics.
pub const PRODUCE: i16 = 9;
/// See [`PRODUCE`].
pub const FETCH: i16 = 12;

/// A connection.
///
/// # Errors
/// When nobody listens.
pub fn connect(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Ok(stream)
}

/// A request with its length in front.
///
/// # Errors
/// When it is too long for its length.
pub fn frame<R: Request>(request: &R, version: i16) -> Result<Bytes> {
    let header = RequestHeader {
        api_key: R::KEY as i16,
        api_version: version,
        correlation_id: 7,
        client_id: Some("interop".into()),
    };
    let mut frame = BytesMut::zeroed(4);
    header.encode(&mut frame)?;
    request.encode(&mut frame, version)?;
    let length = i32::try_from(frame.len() - 4)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame.freeze())
}

/// Sends a request and reads its answer.
///
/// # Errors
/// When the broker closes, says nothing in time or answers something else.
pub fn call<R: Request>(stream: &mut TcpStream, request: &R, version: i16) -> Result<R::Response> {
    stream.write_all(&frame(request, version)?)?;
    let mut reader = Reader::new(answer(stream)?);
    ResponseHeader::decode(&mut reader, R::KEY.response_header_version(version))?;
    Ok(R::Response::decode(&mut reader, version)?)
}

/// The next answer, undecoded.
///
/// # Errors
/// When the broker closes or says nothing in time.
pub fn answer(stream: &mut TcpStream) -> Result<Bytes> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(i32::from_be_bytes(length))?;
    ensure!(length < 200 << 20, "an answer of {length} bytes");
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok(answer.into())
}

/// Batches for partition 0 of a topic.
#[must_use]
pub fn produce(topic: &str, acks: i16, records: Bytes) -> ProduceRequest {
    let partition = PartitionProduceData {
        index: 0,
        records: Some(records),
    };
    let topic = TopicProduceData {
        name: topic.to_owned(),
        partition_data: vec![partition],
        ..TopicProduceData::default()
    };
    ProduceRequest {
        acks,
        timeout_ms: 30_000,
        topic_data: vec![topic],
        ..ProduceRequest::default()
    }
}

/// A fetch of partition 0 that waits for one byte.
#[must_use]
pub fn fetch(topic: &str, offset: i64, most: i32) -> FetchRequest {
    let partition = FetchPartition {
        fetch_offset: offset,
        partition_max_bytes: most,
        ..FetchPartition::default()
    };
    let topic = FetchTopic {
        topic: topic.to_owned(),
        partitions: vec![partition],
        ..FetchTopic::default()
    };
    FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: most,
        topics: vec![topic],
        ..FetchRequest::default()
    }
}

/// One batch with one record, of now: retention takes what is old.
///
/// # Errors
/// When the clock stands before 1970.
pub fn batch(codec: Codec, value: &[u8]) -> Result<Bytes> {
    let mut builder = BatchBuilder::new(codec);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    builder.append(i64::try_from(now.as_millis())?, None, Some(value), &[])?;
    builder.build().context("a batch")
}
