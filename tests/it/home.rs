//! A server in a folder of its own, and a client that speaks bare frames.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use limpid_config::{Config, LoadOptions};
use limpid_platform::clock::LeadingClock;
use limpid_protocol::messages::DeleteTopicsRequest;
use limpid_protocol::messages::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use limpid_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use limpid_protocol::messages::produce_request::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use limpid_protocol::records::{BatchBuilder, Codec};
use limpid_protocol::{Message, Reader, Request, RequestHeader, ResponseHeader};
use limpid_server::{Server, Stopped};
use limpid_telemetry::logging::loggers::Loggers;
use limpid_telemetry::{ProcessBeans, Registry};

/// Longer than anything here should take.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at something that is waited for.
const POLL: Duration = Duration::from_millis(10);

/// Looks again and again until there is something; `what` names it when nothing comes.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "no {what} within {PATIENCE:?}");
        std::thread::park_timeout(POLL);
    }
}

/// A running server.
pub struct Home {
    server: Option<Server>,
    registry: Registry,
    folder: Option<tempfile::TempDir>,
    settings: Vec<String>,
    kafka: SocketAddr,
    clock: Arc<LeadingClock>,
}

impl Home {
    /// Starts a server on free ports.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts a server with more settings (`key=value`).
    pub fn with(settings: &[&str]) -> Self {
        let settings = settings.iter().map(|s| (*s).to_owned()).collect();
        Self::open(tempfile::tempdir().unwrap(), settings)
    }

    /// Stops it and starts another one on the same data.
    pub fn restart(mut self) -> Self {
        self.server.take().unwrap().stop();
        let folder = self.folder.take().unwrap();
        Self::open(folder, std::mem::take(&mut self.settings))
    }

    /// Starts a server on the directory `data` in this folder, which need not be there.
    pub fn open(folder: tempfile::TempDir, settings: Vec<String>) -> Self {
        Self::open_logging(folder, settings, Loggers::none().into())
    }

    /// The same, with levels of loggers that can be changed.
    pub fn open_logging(
        folder: tempfile::TempDir,
        settings: Vec<String>,
        loggers: Arc<Loggers>,
    ) -> Self {
        let clock = Arc::new(LeadingClock::new());
        let mut overrides = vec![
            "listeners=PLAINTEXT://127.0.0.1:0".to_owned(),
            "limpid.http.listeners=http://127.0.0.1:0".to_owned(),
            "limpid.storage.auto.format=true".to_owned(),
            "limpid.disk.min.free=0".to_owned(),
            "limpid.disk.min.free.bytes=0".to_owned(),
            format!("log.dirs={}", folder.path().join("data").display()),
        ];
        overrides.extend(settings.iter().cloned());
        let loaded = Config::load(LoadOptions {
            overrides,
            ..LoadOptions::default()
        })
        .unwrap();
        let registry = Registry::new();
        let process = ProcessBeans::new(env!("CARGO_PKG_VERSION"));
        registry.mbeans().add_source(Arc::new(process));
        let server = Server::start(loaded.config, &registry, loggers, clock.clone()).unwrap();
        let kafka = server.addresses().kafka[0].1;
        Self {
            server: Some(server),
            registry,
            folder: Some(folder),
            settings,
            kafka,
            clock,
        }
    }

    /// The server itself.
    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Where the directory `data` is.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    /// Kafka's address.
    pub fn kafka(&self) -> SocketAddr {
        self.kafka
    }

    /// Its clock, which leads the system's by what was skipped.
    pub fn clock(&self) -> &LeadingClock {
        &self.clock
    }

    /// A new connection.
    pub fn client(&self) -> Client {
        Self::client_at(self.kafka)
    }

    /// A new connection to a listener of this name.
    pub fn client_of(&self, listener: &str) -> Client {
        let all = &self.server().addresses().kafka;
        let found = all.iter().find(|(name, _)| name == listener).unwrap();
        Self::client_at(found.1)
    }

    fn client_at(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client {
            stream,
            correlation_id: 0,
            id: "it".to_owned(),
        }
    }

    /// What a Prometheus would be given now.
    pub fn scrape(&self) -> String {
        self.get("/metrics")
    }

    /// The answer to a GET.
    pub fn get(&self, path: &str) -> String {
        let address = self.server().addresses().http[0];
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Waits until a fetch is parked.
    pub fn await_parked_fetch(&self) {
        until("parked fetch", || {
            let families = self.registry.prometheus().gather();
            let parked = families
                .iter()
                .find(|f| f.name() == "limpid_fetches_parked")
                .unwrap();
            (parked.get_metric()[0].get_gauge().get_value() >= 1.0).then_some(())
        });
    }

    /// Stops the server and hands over its folder.
    pub fn close(mut self) -> tempfile::TempDir {
        self.server.take().unwrap().stop();
        self.folder.take().unwrap()
    }

    /// Stops the server.
    pub fn stop(mut self) -> Stopped {
        self.server.take().unwrap().stop()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }
}

/// A connection.
pub struct Client {
    stream: TcpStream,
    correlation_id: i32,
    id: String,
}

impl Client {
    /// With another `client.id`.
    pub fn named(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// Sends a request and waits for its answer.
    pub fn call<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        self.send(request, version);
        self.receive::<R>(version)
    }

    /// Sends a request.
    pub fn send<R: Request>(&mut self, request: &R, version: i16) {
        self.correlation_id += 1;
        let header = RequestHeader {
            api_key: R::KEY as i16,
            api_version: version,
            correlation_id: self.correlation_id,
            client_id: Some(self.id.clone()),
        };
        let mut frame = BytesMut::from(&[0_u8; 4][..]);
        header.encode(&mut frame).unwrap();
        request.encode(&mut frame, version).unwrap();
        let length = i32::try_from(frame.len() - 4).unwrap();
        frame[..4].copy_from_slice(&length.to_be_bytes());
        self.stream.write_all(&frame).unwrap();
    }

    /// Waits for the answer to the last request.
    pub fn receive<R: Request>(&mut self, version: i16) -> R::Response {
        self.receive_before::<R>(0, version)
    }

    /// Waits for the answer to the request that so many others were sent after.
    pub fn receive_before<R: Request>(&mut self, others: i32, version: i16) -> R::Response {
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix).unwrap();
        let mut frame = vec![0; usize::try_from(i32::from_be_bytes(prefix)).unwrap()];
        self.stream.read_exact(&mut frame).unwrap();
        let mut reader = Reader::new(Bytes::from(frame));
        let header =
            ResponseHeader::decode(&mut reader, R::KEY.response_header_version(version)).unwrap();
        assert_eq!(header.correlation_id, self.correlation_id - others);
        let response = R::Response::decode(&mut reader, version).unwrap();
        assert_eq!(reader.remaining(), 0, "nothing may follow the answer");
        response
    }

    /// Makes a topic of one partition.
    pub fn create(&mut self, topic: &str) {
        let topic = CreatableTopic {
            name: topic.to_owned(),
            num_partitions: 1,
            replication_factor: 1,
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest {
            topics: vec![topic],
            ..Default::default()
        };
        let response = self.call(&request, 7);
        assert_eq!(response.topics[0].error_code, 0, "{response:?}");
    }

    /// Deletes a topic.
    pub fn delete(&mut self, topic: &str) {
        let request = DeleteTopicsRequest {
            topic_names: vec![topic.to_owned()],
            timeout_ms: 10_000,
            ..DeleteTopicsRequest::default()
        };
        let answer = self.call(&request, 5);
        assert_eq!(answer.responses[0].error_code, 0, "{answer:?}");
    }

    /// Writes one record and returns its offset.
    pub fn produce(&mut self, topic: &str, value: &[u8]) -> i64 {
        self.try_produce(topic, value).unwrap()
    }

    /// Writes one record and returns its offset, or the code of the error.
    pub fn try_produce(&mut self, topic: &str, value: &[u8]) -> Result<i64, i16> {
        let mut batch = BatchBuilder::new(Codec::None);
        batch.append(1, None, Some(value), &[]).unwrap();
        let partition = PartitionProduceData {
            index: 0,
            records: Some(batch.build().unwrap()),
        };
        let request = ProduceRequest {
            transactional_id: None,
            acks: -1,
            timeout_ms: 1000,
            topic_data: vec![TopicProduceData {
                name: topic.to_owned(),
                partition_data: vec![partition],
                ..TopicProduceData::default()
            }],
        };
        let response = self.call(&request, 9);
        let answer = &response.responses[0].partition_responses[0];
        match answer.error_code {
            0 => Ok(answer.base_offset),
            code => Err(code),
        }
    }
}

/// A fetch of partition 0 from an offset.
pub fn fetch(topic: &str, offset: i64, min_bytes: i32, max_wait_ms: i32) -> FetchRequest {
    FetchRequest {
        max_wait_ms,
        min_bytes,
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: topic.to_owned(),
            partitions: vec![FetchPartition {
                fetch_offset: offset,
                partition_max_bytes: 1 << 20,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}
