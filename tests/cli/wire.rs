//! A Kafka client of a few lines, which also sends what no client would.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::{Bytes, BytesMut};
use limpid_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use limpid_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use limpid_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use limpid_protocol::messages::{
    CreateTopicsRequest, FetchRequest, MetadataRequest, MetadataResponse, ProduceRequest,
};
use limpid_protocol::records::{BatchBuilder, Codec};
use limpid_protocol::{ApiKey, RequestHeader, ResponseHeader};
use limpid_protocol::{Message, Reader, Request};

use crate::broker::Broker;
use crate::wait;

/// One connection.
pub struct Client {
    /// The socket, for tests that write by themselves.
    pub stream: TcpStream,
    correlation_id: i32,
}

impl Client {
    /// Connects.
    pub fn new(broker: &Broker) -> Self {
        Self {
            stream: broker.connect(),
            correlation_id: 0,
        }
    }

    /// Sends a request and reads its answer.
    pub fn call<R: Request>(&mut self, request: &R, version: i16) -> io::Result<R::Response> {
        self.send(request, version)?;
        self.answer::<R>(version)
    }

    /// Sends a request.
    pub fn send<R: Request>(&mut self, request: &R, version: i16) -> io::Result<()> {
        self.correlation_id += 1;
        let mut body = BytesMut::new();
        request.encode(&mut body, version).unwrap();
        let frame = frame(R::KEY as i16, version, self.correlation_id, &body);
        self.stream.write_all(&frame)
    }

    /// Reads the answer to the last request.
    pub fn answer<R: Request>(&mut self, version: i16) -> io::Result<R::Response> {
        let mut reader = Reader::new(read_frame(&mut self.stream)?);
        let header_version = R::KEY.response_header_version(version);
        let header = ResponseHeader::decode(&mut reader, header_version).unwrap();
        assert_eq!(header.correlation_id, self.correlation_id);
        Ok(R::Response::decode(&mut reader, version).unwrap())
    }

    /// The names of all topics.
    pub fn topics(&mut self) -> io::Result<Vec<String>> {
        let request = MetadataRequest {
            topics: None,
            ..MetadataRequest::default()
        };
        let response: MetadataResponse = self.call(&request, 12)?;
        Ok(response
            .topics
            .into_iter()
            .filter_map(|topic| topic.name)
            .collect())
    }

    /// Creates a topic of one partition; the error code.
    pub fn create_topic(&mut self, name: &str, configs: &[(&str, &str)]) -> io::Result<i16> {
        let configs = configs.iter().map(|(name, value)| CreatableTopicConfig {
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
        });
        let topic = CreatableTopic {
            name: name.to_owned(),
            num_partitions: 1,
            replication_factor: 1,
            configs: configs.collect(),
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest {
            topics: vec![topic],
            ..Default::default()
        };
        Ok(self.call(&request, 6)?.topics[0].error_code)
    }

    /// Appends records of these values to partition 0 with acks=all; error code and first offset.
    pub fn produce(&mut self, topic: &str, values: &[&[u8]]) -> io::Result<(i16, i64)> {
        let request = produce_request(topic, batch(values));
        let response = self.call(&request, 9)?;
        let partition = &response.responses[0].partition_responses[0];
        Ok((partition.error_code, partition.base_offset))
    }

    /// Error code, high watermark and records of partition 0 from an offset on.
    pub fn fetch(&mut self, topic: &str, offset: i64) -> io::Result<(i16, i64, Bytes)> {
        let response = self.call(&fetch_request(topic, offset, 0), 12)?;
        let partition = &response.responses[0].partitions[0];
        let records = partition.records.concat();
        Ok((
            partition.error_code,
            partition.high_watermark,
            Bytes::from(records),
        ))
    }
}

/// Waits until the broker has made a new topic's partition usable.
pub fn topic_for(broker: &Broker, name: &str, configs: &[(&str, &str)]) -> Client {
    let mut client = Client::new(broker);
    assert_eq!(client.create_topic(name, configs).unwrap(), 0);
    wait::until_true("the topic to take records", || {
        client.produce(name, &[b"first"]).unwrap().0 == 0
    });
    client
}

/// A produce request for partition 0 with acks=all.
pub fn produce_request(topic: &str, records: Bytes) -> ProduceRequest {
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
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![topic],
        ..Default::default()
    }
}

/// A fetch of partition 0 that waits for one byte.
pub fn fetch_request(topic: &str, offset: i64, max_wait_ms: i32) -> FetchRequest {
    let partition = FetchPartition {
        fetch_offset: offset,
        partition_max_bytes: 1 << 20,
        ..FetchPartition::default()
    };
    let topic = FetchTopic {
        topic: topic.to_owned(),
        partitions: vec![partition],
        ..FetchTopic::default()
    };
    FetchRequest {
        max_wait_ms,
        min_bytes: 1,
        topics: vec![topic],
        ..FetchRequest::default()
    }
}

/// An uncompressed batch of records with these values.
pub fn batch(values: &[&[u8]]) -> Bytes {
    let mut builder = BatchBuilder::new(Codec::None);
    for value in values {
        builder.append(1, None, Some(value), &[]).unwrap();
    }
    builder.build().unwrap()
}

/// A request as it goes over the wire.
pub fn frame(api_key: i16, api_version: i16, correlation_id: i32, body: &[u8]) -> Vec<u8> {
    let client_id = Some("hostile".to_owned());
    let header = RequestHeader {
        api_key,
        api_version,
        correlation_id,
        client_id,
    };
    let mut bytes = BytesMut::new();
    header.encode(&mut bytes).unwrap();
    bytes.extend_from_slice(body);
    let mut frame = i32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(&bytes);
    frame
}

/// One length-prefixed answer.
pub fn read_frame(stream: &mut TcpStream) -> io::Result<Bytes> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::try_from(i32::from_be_bytes(length)).unwrap()];
    stream.read_exact(&mut bytes)?;
    Ok(Bytes::from(bytes))
}

/// Whether the broker closes the connection; anything it sends before that is dropped.
pub fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = [0; 4096];
    loop {
        match stream.read(&mut rest) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => {
                return !matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                );
            }
        }
    }
}

/// Status and body of a page.
pub fn get(http: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(http)?;
    stream.set_read_timeout(Some(wait::LONG))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let status = text
        .split_whitespace()
        .nth(1)
        .and_then(|word| word.parse().ok());
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    status.zip(body).ok_or_else(|| io::Error::other(text))
}

/// The value of an unlabelled metric, or the sum over its labels.
pub fn metric(http: SocketAddr, name: &str) -> f64 {
    let (_, text) = get(http, "/metrics").unwrap();
    let of = |line: &str| {
        let rest = line.strip_prefix(name)?;
        let rest = if rest.starts_with('{') {
            rest.rsplit_once('}')?.1
        } else {
            rest
        };
        rest.starts_with(' ')
            .then(|| rest.trim().parse::<f64>().ok())?
    };
    text.lines().filter_map(of).sum()
}

/// The key of an API.
pub const fn key(api: ApiKey) -> i16 {
    api as i16
}
