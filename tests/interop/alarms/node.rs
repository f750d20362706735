//! A node with every kind of listener and the demo on it, and traffic beside that.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka::{config, produce};
use limpid_interop::process::{Daemon, run, wait_for};
use limpid_interop::records::Record;
use limpid_interop::wire::{create_topic, delete_topic};
use limpid_protocol::messages::AlterClientQuotasRequest;
use limpid_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::differential::side::Side;
use crate::security::stronghold::{PASSWORD, Stronghold, Way};

const LIMIT: Duration = Duration::from_secs(60);
/// The group that alerts/limpid.rules.yml gives a threshold of its own.
pub const MATTERS: &str = "a-group-that-matters";
/// A topic that was there.
pub const DELETED: &str = "deleted";
/// Refuses batches of more than a few bytes.
const NARROW: &str = "narrow";
/// Asks for more replicas than there are.
pub const REFUSED: &str = "refused";
const PLAIN: &str = "plain";
const THROTTLED: &str = "throttled";

/// Commits last an hour: less than a day, which is what an alert is about.
const PROPERTIES: [(&str, &str); 5] = [
    (
        "authorizer.class.name",
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    ),
    ("super.users", "User:ANONYMOUS"),
    ("offsets.retention.minutes", "60"),
    ("broker.rack", "r1"),
    ("max.connections", "150"),
];

/// The node.
pub struct Node {
    /// What folders are named after.
    pub name: String,
    pub hold: Stronghold,
    demo: Option<Daemon>,
    program: std::path::PathBuf,
}

impl Node {
    /// Started, with the demo on it, whose slow group is not slow yet.
    pub fn start(lab: &Lab, name: &str, program: &Path) -> Result<Self> {
        let hold = Stronghold::start(lab, name, &PROPERTIES, &[])?;
        let mut node = Self {
            name: name.to_owned(),
            hold,
            demo: None,
            program: program.to_owned(),
        };
        let mut command = node.command(&["--slow-rate", "unlimited"]);
        let log = lab.folder(name)?.join("demo.log");
        node.demo = Some(Daemon::spawn("limpid demo", &mut command, &log)?);
        Ok(node)
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["demo", "--bootstrap-server", &self.address()])
            .args(options);
        command
    }

    /// Another call of the demo.
    pub fn demo(&self, options: &[&str]) -> Result<()> {
        run(&mut self.command(options), b"", LIMIT)?.success()?;
        Ok(())
    }

    /// Kafka's address.
    pub fn address(&self) -> String {
        self.hold.peer.address()
    }

    /// HTTP's.
    pub fn http(&self) -> String {
        self.hold.peer.http_address()
    }

    /// What nobody could mind: somebody logs in, writes and reads, a transaction is committed, a topic
    /// comes and goes.
    pub fn healthy_traffic(&self) -> Result<()> {
        let address = self.address();
        for topic in [PLAIN, DELETED] {
            create_topic(&address, topic, 1, &[])?;
            produce(&address, &[], topic, Some(0), &[Record::new(b"k", b"v")])?;
        }
        delete_topic(&address, DELETED)?;
        let transaction = self.transaction("committed")?;
        transaction.commit_transaction(LIMIT)?;
        let admitted = self
            .hold
            .admits((Way::SaslTls("PLAIN"), "alice", PASSWORD))?;
        ensure!(admitted, "alice is not let in");
        Ok(())
    }

    /// A producer in a transaction with a record in it.
    pub fn transaction(&self, id: &str) -> Result<BaseProducer> {
        let properties = [
            ("transactional.id", id),
            ("transaction.timeout.ms", "600000"),
        ];
        let producer: BaseProducer = config(&self.address(), &properties).create()?;
        producer.init_transactions(LIMIT)?;
        producer.begin_transaction()?;
        let record = BaseRecord::<[u8], [u8]>::to(PLAIN)
            .partition(0)
            .payload(b"v");
        producer.send(record).map_err(|(error, _)| error)?;
        producer.flush(LIMIT)?;
        Ok(producer)
    }

    /// Everything else that there are names for, for as long as the answer is kept.
    pub fn other_traffic(&self) -> Result<BaseProducer> {
        self.stopped_group()?;
        self.refused()?;
        self.oversized()?;
        self.throttled()?;
        self.strangers(3)?;
        self.transaction("open")
    }

    /// A group that read one record of several and is gone.
    pub fn stopped_group(&self) -> Result<()> {
        let address = self.address();
        let settings = [
            ("group.id", MATTERS),
            ("auto.offset.reset", "earliest"),
            ("enable.auto.commit", "false"),
        ];
        let member: BaseConsumer = config(&address, &settings).create()?;
        member.subscribe(&[PLAIN])?;
        wait_for("a record", LIMIT, || {
            match member.poll(Duration::from_millis(200)) {
                Some(message) => Ok(Some(member.commit_message(&message?, CommitMode::Sync)?)),
                None => Ok(None),
            }
        })?;
        drop(member);
        let unread = [Record::new(b"k", b"v"), Record::new(b"k", b"v")];
        produce(&address, &[], PLAIN, Some(0), &unread)
    }

    /// Produce requests that the broker has to refuse.
    pub fn refused(&self) -> Result<()> {
        // It is there from the second call on.
        drop(create_topic(
            &self.address(),
            REFUSED,
            1,
            &[("min.insync.replicas", "2")],
        ));
        self.fails(
            REFUSED,
            &[
                ("acks", "all"),
                ("message.timeout.ms", "2000"),
                ("retry.backoff.ms", "20"),
            ],
            b"v",
        )
    }

    /// Batches that are too large.
    pub fn oversized(&self) -> Result<()> {
        drop(create_topic(
            &self.address(),
            NARROW,
            1,
            &[("max.message.bytes", "100")],
        ));
        self.fails(NARROW, &[("message.timeout.ms", "2000")], &[b'x'; 1_000])
    }

    /// Sends a record that is not taken; the answer goes to the callback, which this producer has not.
    fn fails(&self, topic: &str, properties: &[(&str, &str)], value: &[u8]) -> Result<()> {
        let record = Record::new(b"k", value);
        match produce(&self.address(), properties, topic, Some(0), &[record]) {
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// A client that wants more than its quotas of everything allow.
    pub fn throttled(&self) -> Result<()> {
        let op = |key: &str, value: f64| OpData {
            key: key.to_owned(),
            value,
            remove: false,
        };
        let request = AlterClientQuotasRequest {
            entries: vec![EntryData {
                entity: vec![EntityData {
                    entity_type: "client-id".to_owned(),
                    entity_name: Some(THROTTLED.to_owned()),
                }],
                ops: vec![
                    op("producer_byte_rate", 2_000.0),
                    op("consumer_byte_rate", 2_000.0),
                    op("request_percentage", 50.0),
                ],
            }],
            validate_only: false,
        };
        let answer = Side::new("the node", &self.hold.peer).must(&request, 1)?;
        ensure!(answer.entries[0].error_code == 0, "{answer:?}");
        let address = self.address();
        let properties = [("client.id", THROTTLED), ("linger.ms", "0")];
        for _ in 0..6 {
            let record = Record::new(b"k", &[b'x'; 3_000]);
            produce(&address, &properties, PLAIN, Some(0), &[record])?;
        }
        let properties = [
            ("client.id", THROTTLED),
            ("group.id", "reader"),
            ("enable.auto.commit", "false"),
        ];
        let reader: BaseConsumer = config(&address, &properties).create()?;
        let mut all = TopicPartitionList::new();
        all.add_partition_offset(PLAIN, 0, Offset::Beginning)?;
        reader.assign(&all)?;
        let mut read = 0;
        wait_for("records read by a throttled client", LIMIT, || {
            if let Some(message) = reader.poll(Duration::from_millis(200)) {
                message?;
                read += 1;
            }
            Ok((read >= 5).then_some(()))
        })
    }

    /// Connections that speak no TLS to the listener that wants it.
    pub fn strangers(&self, count: usize) -> Result<()> {
        use std::io::{Read, Write};
        for _ in 0..count {
            let mut stream = std::net::TcpStream::connect(self.hold.address(Way::Certificate))?;
            stream.set_read_timeout(Some(LIMIT))?;
            stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
            // Until it is turned away: by an alert, by the end, or by a reset.
            drop(stream.read(&mut [0; 64]));
        }
        Ok(())
    }

    /// Somebody who may nothing looks around.
    pub fn denied(&self) -> Result<()> {
        let alice = (Way::Sasl("PLAIN"), "alice", PASSWORD);
        for _ in 0..8 {
            // He gets an answer, or a refusal: both were asked for.
            drop(self.hold.kcat(
                alice,
                &["-P", "-t", PLAIN, "-X", "message.timeout.ms=300"],
                "x\n",
            )?);
        }
        Ok(())
    }

    /// Ends the demo and the broker.
    pub fn stop(mut self) -> Result<()> {
        let demo = self.demo.take().context("the demo runs")?;
        demo.terminate(LIMIT)?;
        self.hold.peer.stop()
    }
}
