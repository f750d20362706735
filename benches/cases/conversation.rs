//! Requests to a server in this process, over a pipe whose broker's end is what is measured.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use anyhow::{Result, ensure};
use bytes::Bytes;
use limpid_config::{Config, LoadOptions};
use limpid_platform::clock::SystemClock;
use limpid_protocol::records::Codec;
use limpid_server::Server;
use limpid_telemetry::Registry;
use limpid_telemetry::logging::loggers::Loggers;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::Runtime;

use crate::requests::{batch, create, fetch, produce};
use crate::{Case, Meter, World, measured};

/// Batches that fill an answer of 1 MiB.
const BATCHES_OF_LONG_FETCH: usize = 64;
/// Batches that lie behind the end of that answer.
const BATCHES_BEYOND: usize = 8;
/// Records of 100 bytes that make batches of about 16 KiB, the default of clients.
const RECORDS: usize = 140;
/// What a partition keeps of what it is sent as fast as that goes.
const PARTITION_BYTES: usize = 64 << 20;

/// What the cases send: name, topic, its partitions, records of a batch and their codec.
const BATCHES: [(&str, &str, i32, usize, Codec); 4] = [
    ("1 record", "small", 1, 1, Codec::None),
    ("16 KiB", "one", 1, RECORDS, Codec::None),
    ("16 KiB lz4", "lz4", 1, RECORDS, Codec::Lz4),
    ("6 × 16 KiB", "six", 6, RECORDS, Codec::None),
];

/// Who measures, while something is to be measured.
type Measuring = Arc<Mutex<Option<Arc<dyn Meter>>>>;

/// The broker's end of the pipe.
struct Served {
    inner: Pin<Box<dyn Future<Output = ()> + Send>>,
    measuring: Measuring,
}

impl Future for Served {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { inner, measuring } = self.get_mut();
        let meter = measuring
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut polled = Poll::Pending;
        measured(meter.as_ref(), &mut || {
            polled = inner.as_mut().poll(context)
        });
        polled
    }
}

/// The client's end.
struct Client {
    pipe: DuplexStream,
    measuring: Measuring,
}

impl Client {
    fn measure_by(&self, meter: Option<&Arc<dyn Meter>>) {
        let mut measuring = self
            .measuring
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *measuring = meter.cloned();
    }

    /// Sends a request and takes the answer; how long that is.
    async fn ask(&mut self, request: &Bytes, meter: Option<&Arc<dyn Meter>>) -> Result<usize> {
        self.measure_by(meter);
        self.pipe.write_all(request).await?;
        let length = usize::try_from(self.pipe.read_i32().await?)?;
        let mut answer = vec![0; length];
        self.pipe.read_exact(&mut answer).await?;
        // It goes on until it waits for the next request.
        tokio::task::yield_now().await;
        self.measure_by(None);
        Ok(length)
    }
}

/// A topic and what is sent to it.
struct Written {
    name: &'static str,
    topic: &'static str,
    partitions: i32,
    request: Bytes,
    /// Records of one request, in each partition.
    records: usize,
    /// How often it was sent.
    times: usize,
}

impl Written {
    async fn write(&mut self, client: &mut Client, meter: Option<&Arc<dyn Meter>>) -> Result<()> {
        client.ask(&self.request, meter).await?;
        self.times += 1;
        Ok(())
    }

    /// Reads what is written right before that.
    async fn read(&mut self, client: &mut Client, meter: Option<&Arc<dyn Meter>>) -> Result<()> {
        let offset = i64::try_from(self.times * self.records)?;
        self.write(client, None).await?;
        let request = fetch(self.topic, self.partitions, offset)?;
        client.ask(&request, meter).await?;
        Ok(())
    }
}

/// A server with one connection.
pub struct DataPath {
    runtime: Runtime,
    client: Client,
    written: Vec<Written>,
    /// A reader that is far behind: what it asks for, once there is enough to be read.
    long: Option<Bytes>,
    server: Option<Server>,
    _folder: TempDir,
}

impl DataPath {
    /// With topics that are empty.
    pub fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let server = start(&folder)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let measuring = Measuring::default();
        let (inner, pipe) = server.pipe();
        runtime.spawn(Served {
            inner: Box::pin(inner),
            measuring: Arc::clone(&measuring),
        });
        let mut client = Client { pipe, measuring };
        let mut written = Vec::new();
        for (name, topic, partitions, records, codec) in BATCHES {
            written.push(Written {
                name,
                topic,
                partitions,
                request: produce(topic, partitions, &batch(records, codec)?)?,
                records,
                times: 0,
            });
        }
        runtime.block_on(async {
            for of in &written {
                client.ask(&create(of.topic, of.partitions)?, None).await?;
            }
            client.ask(&create("long", 1)?, None).await
        })?;
        Ok(Self {
            runtime,
            client,
            written,
            long: None,
            server: Some(server),
            _folder: folder,
        })
    }
}

impl Drop for DataPath {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }
}

impl World for DataPath {
    fn cases(&self) -> Vec<Case> {
        let of = |verb: &str| {
            let verb = verb.to_owned();
            let case = move |written: &Written| Case {
                name: format!("{verb} {}", written.name),
                warm: 64,
                weight: 1,
            };
            self.written.iter().map(case).collect::<Vec<_>>()
        };
        let mut cases = of("produce");
        cases.extend(of("fetch"));
        cases.push(Case {
            name: "fetch 1 MiB".to_owned(),
            warm: 1,
            weight: 10,
        });
        cases
    }

    fn run(&mut self, case: usize, rounds: usize, meter: Option<&Arc<dyn Meter>>) -> Result<()> {
        let Self {
            runtime,
            client,
            written,
            long,
            ..
        } = self;
        let count = written.len();
        runtime.block_on(async {
            for _ in 0..rounds {
                match case / count {
                    0 => written[case].write(client, meter).await?,
                    1 => written[case - count].read(client, meter).await?,
                    _ => long_fetch(client, long, meter).await?,
                }
            }
            Ok(())
        })
    }
}

/// A reader that is far behind: its answers are full, while a record at the end waits for a reader.
async fn long_fetch(
    client: &mut Client,
    long: &mut Option<Bytes>,
    meter: Option<&Arc<dyn Meter>>,
) -> Result<()> {
    let batch = batch(RECORDS, Codec::None)?;
    if long.is_none() {
        let written = produce("long", 1, &batch)?;
        client.ask(&written, None).await?;
        client.ask(&fetch("long", 1, 0)?, None).await?;
        for _ in 0..BATCHES_OF_LONG_FETCH + BATCHES_BEYOND {
            client.ask(&written, None).await?;
        }
    }
    let request = match long {
        Some(request) => request,
        None => long.insert(fetch("long", 1, i64::try_from(RECORDS)?)?),
    };
    let bytes = client.ask(request, meter).await?;
    let least = (BATCHES_OF_LONG_FETCH - BATCHES_BEYOND) * batch.len();
    ensure!(bytes > least, "only {bytes} bytes of a long fetch");
    Ok(())
}

fn start(folder: &TempDir) -> Result<Server> {
    let settings = [
        "listeners=PLAINTEXT://127.0.0.1:0".to_owned(),
        "limpid.http.listeners=http://127.0.0.1:0".to_owned(),
        "limpid.storage.auto.format=true".to_owned(),
        "limpid.disk.min.free=0".to_owned(),
        "limpid.disk.min.free.bytes=0".to_owned(),
        "offsets.topic.num.partitions=1".to_owned(),
        "transaction.state.log.num.partitions=1".to_owned(),
        "log.retention.check.interval.ms=1000".to_owned(),
        // The records are of 2023: on a slow machine they would go while they are to be read.
        "log.retention.ms=-1".to_owned(),
        // None of what is written is cold.
        "limpid.tail.cache.bytes=134217728".to_owned(),
        format!("log.segment.bytes={PARTITION_BYTES}"),
        format!("log.retention.bytes={PARTITION_BYTES}"),
        format!("log.dirs={}", folder.path().join("data").display()),
    ];
    let options = LoadOptions {
        overrides: settings.to_vec(),
        ..LoadOptions::default()
    };
    let config = Config::load(options)?.config;
    let loggers = Loggers::none().into();
    let clock = Arc::new(SystemClock::new());
    Ok(Server::start(config, &Registry::new(), loggers, clock)?)
}
