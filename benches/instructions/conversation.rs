//! Requests to a server in this process, over a pipe whose broker's end is what is measured.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use anyhow::{Result, ensure};
use bytes::Bytes;
use limpid_config::{Config, LoadOptions};
use limpid_platform::clock::SystemClock;
use limpid_protocol::records::Codec;
use limpid_server::Server;
use limpid_telemetry::Registry;
use limpid_telemetry::logging::loggers::Loggers;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::requests::{batch, create, fetch, produce};
use crate::{Rounds, case_ends, measured};

/// Batches that fill an answer of 1 MiB.
const BATCHES_OF_LONG_FETCH: usize = 64;
/// Records of 100 bytes that make batches of about 16 KiB, the default of clients.
const RECORDS: usize = 140;

/// The broker's end of the pipe.
struct Served {
    inner: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_counted: Arc<AtomicBool>,
}

impl Future for Served {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if !self.is_counted.load(Ordering::Relaxed) {
            return self.inner.as_mut().poll(context);
        }
        let mut polled = Poll::Pending;
        measured(&mut || polled = self.inner.as_mut().poll(context));
        polled
    }
}

/// The client's end.
struct Client {
    pipe: DuplexStream,
    is_counted: Arc<AtomicBool>,
}

impl Client {
    /// Sends a request and takes the answer; how long that is.
    async fn ask(&mut self, request: &Bytes, is_counted: bool) -> Result<usize> {
        self.is_counted.store(is_counted, Ordering::Relaxed);
        self.pipe.write_all(request).await?;
        let length = usize::try_from(self.pipe.read_i32().await?)?;
        let mut answer = vec![0; length];
        self.pipe.read_exact(&mut answer).await?;
        // It goes on until it waits for the next request.
        tokio::task::yield_now().await;
        self.is_counted.store(false, Ordering::Relaxed);
        Ok(length)
    }

    /// A case of the same request again and again, each after another that isn't counted.
    async fn repeat(
        &mut self,
        name: &str,
        rounds: Rounds,
        mut next: impl FnMut(usize) -> Result<(Option<Bytes>, Bytes)>,
    ) -> Result<()> {
        for round in 0..rounds.warm + rounds.counted {
            let (before, request) = next(round)?;
            if let Some(before) = before {
                self.ask(&before, false).await?;
            }
            self.ask(&request, round >= rounds.warm).await?;
        }
        case_ends(name, rounds.counted);
        Ok(())
    }
}

/// Runs all cases of the data path.
pub fn run(rounds: Rounds) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let settings = [
        "listeners=PLAINTEXT://127.0.0.1:0".to_owned(),
        "limpid.http.listeners=http://127.0.0.1:0".to_owned(),
        "limpid.storage.auto.format=true".to_owned(),
        "limpid.disk.min.free=0".to_owned(),
        "limpid.disk.min.free.bytes=0".to_owned(),
        "offsets.topic.num.partitions=1".to_owned(),
        "transaction.state.log.num.partitions=1".to_owned(),
        format!("log.dirs={}", folder.path().join("data").display()),
    ];
    let options = LoadOptions {
        overrides: settings.to_vec(),
        ..LoadOptions::default()
    };
    let config = Config::load(options)?.config;
    let loggers = Loggers::none().into();
    let clock = Arc::new(SystemClock::new());
    let server = Server::start(config, &Registry::new(), loggers, clock)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let is_counted = Arc::new(AtomicBool::new(false));
    let (inner, pipe) = server.pipe();
    runtime.spawn(Served {
        inner: Box::pin(inner),
        is_counted: Arc::clone(&is_counted),
    });
    let client = Client { pipe, is_counted };
    runtime.block_on(cases(client, rounds))?;
    server.stop();
    Ok(())
}

async fn cases(mut client: Client, rounds: Rounds) -> Result<()> {
    for (topic, partitions) in [
        ("one", 1),
        ("small", 1),
        ("lz4", 1),
        ("six", 6),
        ("long", 1),
    ] {
        client.ask(&create(topic, partitions)?, false).await?;
    }
    let (large, small) = (batch(RECORDS, Codec::None)?, batch(1, Codec::None)?);
    let packed = batch(RECORDS, Codec::Lz4)?;
    let cases = [
        ("1 record", "small", 1, &small),
        ("16 KiB", "one", 1, &large),
        ("16 KiB lz4", "lz4", 1, &packed),
        ("6 × 16 KiB", "six", 6, &large),
    ];
    for (name, topic, partitions, batch) in cases {
        let request = produce(topic, partitions, batch)?;
        let same = |_| Ok((None, request.clone()));
        client
            .repeat(&format!("produce {name}"), rounds, same)
            .await?;
    }
    // Behind what the cases above wrote, each fetch after the batch that it reads.
    for (name, topic, partitions, batch) in cases {
        let records = if topic == "small" { 1 } else { RECORDS };
        let written = produce(topic, partitions, batch)?;
        let began = rounds.warm + rounds.counted;
        let next = |round| {
            let offset = i64::try_from((began + round) * records)?;
            Ok((Some(written.clone()), fetch(topic, partitions, offset)?))
        };
        client
            .repeat(&format!("fetch {name}"), rounds, next)
            .await?;
    }
    long_fetches(&mut client, rounds, &large).await
}

/// A reader that is far behind: its answers are full, while a record at the end waits for a reader.
async fn long_fetches(client: &mut Client, rounds: Rounds, batch: &Bytes) -> Result<()> {
    let (fetches, warm) = (rounds.counted / 10, 1);
    let written = produce("long", 1, batch)?;
    client.ask(&written, false).await?;
    client.ask(&fetch("long", 1, 0)?, false).await?;
    let last = BATCHES_OF_LONG_FETCH + 8;
    for _ in 0..last {
        client.ask(&written, false).await?;
    }
    let mut bytes = 0;
    let request = fetch("long", 1, i64::try_from(RECORDS)?)?;
    for round in 0..warm + fetches {
        bytes = client.ask(&request, round >= warm).await?;
    }
    let least = (BATCHES_OF_LONG_FETCH - 8) * batch.len();
    ensure!(bytes > least, "only {bytes} bytes of a long fetch");
    case_ends("fetch 1 MiB", fetches.max(1));
    Ok(())
}
