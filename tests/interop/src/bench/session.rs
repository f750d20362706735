//! A broker process on an empty directory, and the cases that it is measured with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_protocol::records::Codec;

use super::cases::{Case, Session, Work, Write};
use super::goals::RATE;
use super::plan::Plan;
use super::raw::Values;
use super::side::Side;
use super::start::first_acknowledged_ms;
use super::usage::Usage;
use super::{java, native, open_loop, page_cache, trips};
use crate::peer::Peer;
use crate::process::{pause, wait_for};
use crate::tools::{Tools, helpers};
use crate::{ports, talk, wire};

const WARM: &str = "warm-up";
const PARTITIONS: i32 = 6;
/// Of what the readers read.
const SMALL_BYTES: u64 = 100;
const KIB_BYTES: usize = 1_024;
/// What Kafka's and librdkafka's consumer read at scale 1.
const JAVA_READ: u64 = 36_000_000;
const LIBRDKAFKA_READ: u64 = 20_000_000;
/// Records of the latency tools at scale 1.
const TRIPS: u64 = 20_000;
const TRIP_BYTES: usize = 100;
/// How long a broker does nothing before its memory is looked at.
const IDLE: Duration = Duration::from_secs(15);
/// How long producers with one record in flight write at scale 1.
const WRITERS_SECONDS: f64 = 10.0;
/// A new topic must take records after this.
const CREATE_LIMIT: Duration = Duration::from_secs(60);
const OPEN_SECONDS: f64 = 10.0;
const OPEN_WARM_UP: Duration = Duration::from_secs(2);
/// Shares of Kafka's saturation, in per cent.
const SHARES: [u32; 3] = [10, 50, 80];

/// Takes measurements as they come: the name and the values, or why there are none.
pub type Sink<'a> = &'a mut dyn FnMut(&str, Result<Values>) -> Result<()>;

/// A broker being measured.
pub struct Measuring<'a> {
    /// What was asked for.
    pub plan: &'a Plan,
    /// Java's.
    pub tools: &'a Tools,
    /// Kafka's saturation, as soon as it is known.
    pub saturation: &'a mut Option<f64>,
    folder: PathBuf,
    peer: Peer,
    tls_port: u16,
}

impl<'a> Measuring<'a> {
    /// A formatted broker on an empty directory.
    pub fn new(
        plan: &'a Plan,
        tools: &'a Tools,
        saturation: &'a mut Option<f64>,
        side: Side,
        session: Session,
        folder: &Path,
    ) -> Result<Self> {
        let mut peer = side.peer(tools, folder, &[])?;
        let tls_port = ports::next()?;
        if session == Session::Matrix {
            add_tls(&mut peer, tls_port);
        }
        peer.format()?;
        Ok(Self {
            plan,
            tools,
            saturation,
            folder: folder.to_owned(),
            peer,
            tls_port,
        })
    }

    /// Starts, warms and measures all cases; what fails is handed to the sink and the rest goes on, as
    /// long as the broker lives.
    pub fn run(&mut self, cases: &[Case], is_kafka: bool, sink: Sink<'_>) -> Result<()> {
        let asked = |work: Work| cases.iter().any(|case| case.work == work);
        let mut start = Values::new();
        let empty = first_acknowledged_ms(&mut self.peer, true)?;
        start.insert("empty_ms".to_owned(), empty);
        let mut memory = Values::new();
        if asked(Work::Memory) {
            pause(IDLE);
            memory.insert("idle_mib".to_owned(), self.usage()?.resident_mib);
        }
        self.warm(cases).context("the warm-up")?;
        for case in cases {
            self.peer.check_alive()?;
            if matches!(case.work, Work::OpenLoop) {
                self.open_loop(is_kafka, sink)?;
            } else if !matches!(case.work, Work::Start | Work::Memory) {
                let values = self.case(case);
                sink(case.name, values)?;
            }
        }
        if asked(Work::Memory) {
            memory.insert("after_mib".to_owned(), self.usage()?.resident_mib);
            sink("memory", Ok(memory))?;
        }
        if asked(Work::Start) {
            // Otherwise stopping would take as long as writing all of that to the disk.
            rustix::fs::sync();
            page_cache::read_program(self.peer.pid(), &self.folder)?;
            self.peer.stop().context("stopping")?;
            let existing = first_acknowledged_ms(&mut self.peer, false);
            let start = existing.map(|existing| {
                start.insert("existing_ms".to_owned(), existing);
                start
            });
            sink("start", start)?;
        }
        self.peer.kill();
        Ok(())
    }

    fn usage(&self) -> Result<Usage> {
        Usage::of(self.peer.pid())
    }

    /// Both ways in bulk, and what the cases need: enough records to be read, and the path of single
    /// records if that is measured.
    fn warm(&self, cases: &[Case]) -> Result<()> {
        let address = self.peer.address();
        let asked = |wanted: &dyn Fn(&Work) -> bool| cases.iter().any(|case| wanted(&case.work));
        let mut records = self.plan.warm_up();
        if asked(&|work| *work == Work::JavaRead) {
            records = records.max(self.plan.records(JAVA_READ));
        }
        if asked(&|work| *work == Work::LibrdkafkaRead) {
            records = records.max(self.plan.records(LIBRDKAFKA_READ));
        }
        create(&address, WARM, PARTITIONS, &[])?;
        native::produce(&address, WARM, records, &WARMING)?;
        native::consume(&address, WARM, PARTITIONS, self.plan.warm_up() / 2)?;
        if asked(&|work| matches!(work, Work::Writers { .. } | Work::EndToEnd | Work::Tool)) {
            let time = Duration::from_secs_f64(if self.plan.quick { 0.3 } else { 2.0 });
            let writers = trips::Writers {
                producers: 20,
                partitions: PARTITIONS,
                bytes: KIB_BYTES,
                warm_up: Duration::ZERO,
                time,
            };
            trips::write(&address, WARM, writers)?;
        }
        Ok(())
    }

    /// A case, with what it cost.
    fn case(&self, case: &Case) -> Result<Values> {
        let address = self.peer.address();
        match case.work {
            Work::Librdkafka(write) => {
                let records = self.plan.records(write.records);
                create(&address, case.name, write.partitions, &[])?;
                self.measured(write.bytes as u64, || {
                    let rate = native::produce(&address, case.name, records, &write)?;
                    Ok((records, Values::from([(RATE.to_owned(), rate)])))
                })
            }
            Work::Java(write) => self.java(case.name, &write),
            Work::JavaRead => self.measured(SMALL_BYTES, || {
                let records = self.plan.records(JAVA_READ);
                Ok((records, java::consume(self.tools, &address, WARM, records)?))
            }),
            Work::LibrdkafkaRead => self.measured(SMALL_BYTES, || {
                let records = self.plan.records(LIBRDKAFKA_READ);
                let rate = native::consume(&address, WARM, PARTITIONS, records)?;
                Ok((records, Values::from([(RATE.to_owned(), rate)])))
            }),
            Work::Tool | Work::EndToEnd => {
                let records = self.plan.records(TRIPS);
                create(&address, case.name, 1, &[])?;
                self.measured(TRIP_BYTES as u64, || {
                    let (tools, topic) = (self.tools, case.name);
                    let values = if case.work == Work::Tool {
                        java::end_to_end(tools, &address, topic, records, TRIP_BYTES)?
                    } else {
                        trips::end_to_end(&address, topic, records, TRIP_BYTES)?
                    };
                    Ok((records, values))
                })
            }
            Work::Writers {
                producers,
                partitions,
                fsync,
            } => {
                let flush: &[(&str, &str)] = if fsync {
                    &[("flush.messages", "1")]
                } else {
                    &[]
                };
                create(&address, case.name, partitions, flush)?;
                self.measured(KIB_BYTES as u64, || {
                    let writers = trips::Writers {
                        producers,
                        partitions,
                        bytes: KIB_BYTES,
                        warm_up: Duration::from_millis(500),
                        time: Duration::from_secs_f64(self.plan.seconds(WRITERS_SECONDS)),
                    };
                    trips::write(&address, case.name, writers)
                })
            }
            Work::Start | Work::Memory | Work::OpenLoop => unreachable!("measured by the session"),
        }
    }

    fn java(&self, name: &str, write: &Write) -> Result<Values> {
        let records = self.plan.records(write.records);
        create(&self.peer.address(), name, write.partitions, &[])?;
        let (address, config) = if write.tls {
            let config = self.folder.join("client.properties");
            let trust = fixture("trust-java.jks");
            let text = format!(
                "security.protocol=SSL\nssl.truststore.location={}\n\
                 ssl.truststore.password=changeit\n",
                trust.display()
            );
            std::fs::write(&config, text)?;
            (format!("127.0.0.1:{}", self.tls_port), Some(config))
        } else {
            (self.peer.address(), None)
        };
        self.measured(write.bytes as u64, || {
            let (tools, config) = (self.tools, config.as_deref());
            let values = java::produce(tools, &address, name, records, write, config)?;
            Ok((records, values))
        })
    }

    /// Kafka's saturation first, then each share of it for both. The first pair begins with Kafka, so
    /// that all have the same rates; later saturations are only told.
    fn open_loop(&mut self, is_kafka: bool, sink: Sink<'_>) -> Result<()> {
        let address = self.peer.address();
        let write = open_loop::WRITE;
        create(&address, "open-saturation", write.partitions, &[])?;
        let records = self.plan.records(write.records).max(self.plan.warm_up());
        let full = self.measured(write.bytes as u64, || {
            let rate = native::produce(&address, "open-saturation", records, &write)?;
            Ok((records, Values::from([(RATE.to_owned(), rate)])))
        });
        if let (true, Ok(values)) = (is_kafka, &full) {
            self.saturation.get_or_insert(values[RATE]);
        }
        sink("open-saturation", full)?;
        for share in SHARES {
            self.peer.check_alive()?;
            let name = format!("open-{share}");
            let values = self.share(&name, share);
            sink(&name, values)?;
        }
        Ok(())
    }

    fn share(&self, name: &str, share: u32) -> Result<Values> {
        let saturation = self.saturation.context("Kafka's saturation is not known")?;
        ensure!(saturation > 0.0, "nothing saturates Kafka");
        let (address, write) = (self.peer.address(), open_loop::WRITE);
        create(&address, name, write.partitions, &[])?;
        let time = Duration::from_secs_f64(self.plan.seconds(OPEN_SECONDS));
        let rate = saturation * f64::from(share) / 100.0;
        self.measured(write.bytes as u64, || {
            open_loop::run(&address, name, rate, OPEN_WARM_UP, time)
        })
    }

    /// Does some work on records of so many bytes and adds what it cost the broker.
    fn measured(&self, bytes: u64, work: impl FnOnce() -> Result<(u64, Values)>) -> Result<Values> {
        page_cache::settle();
        let before = self.usage()?;
        let (records, mut values) = work()?;
        values.extend(self.usage()?.since(before, records, records * bytes));
        Ok(values)
    }
}

/// How a broker is warmed and how what is read comes to be.
const WARMING: Write = Write {
    records: 0,
    bytes: SMALL_BYTES as usize,
    partitions: PARTITIONS,
    acks: "all",
    compression: "none",
    more: &[("linger.ms", "5")],
    tls: false,
};

/// A topic whose partitions all have acknowledged a record: Kafka answers before they can.
fn create(address: &str, topic: &str, partitions: i32, configs: &[(&str, &str)]) -> Result<()> {
    wire::create_topic(address, topic, partitions, configs)?;
    let batch = talk::batch(Codec::None, b"first")?;
    for partition in 0..partitions {
        wait_for("a leader", CREATE_LIMIT, || {
            Ok(wire::produce(address, topic, partition, &batch).ok())
        })?;
    }
    Ok(())
}

/// One more listener, with the test keys of the crate `security`.
fn add_tls(peer: &mut Peer, port: u16) {
    let (plain, controller) = (peer.port(), peer.controller_port());
    let advertised = format!("PLAINTEXT://127.0.0.1:{plain},SSL://127.0.0.1:{port}");
    peer.set(
        "listeners",
        &format!("{advertised},CONTROLLER://127.0.0.1:{controller}"),
    );
    peer.set("advertised.listeners", &advertised);
    peer.set(
        "listener.security.protocol.map",
        "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL",
    );
    for (key, file) in [
        ("keystore", "broker-java.jks"),
        ("truststore", "trust-java.jks"),
    ] {
        let file = fixture(file).display().to_string();
        peer.set(&format!("ssl.{key}.location"), &file);
        peer.set(&format!("ssl.{key}.password"), "changeit");
    }
    peer.set("ssl.key.password", "changeit");
}

fn fixture(name: &str) -> PathBuf {
    helpers().join("../../crates/security/fixtures").join(name)
}
