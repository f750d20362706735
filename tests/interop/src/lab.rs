//! What the tests share: the tools, a folder, the broker under test and what was written to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::peer::{Kind, Peer};
use crate::records::Partitions;
use crate::tools::Tools;
use crate::{coverage, librdkafka, process, records, wire};

/// What the shared broker is told: many small segments and dense indexes.
const PROPERTIES: [(&str, &str); 3] = [
    ("log.segment.bytes", "1048576"),
    ("log.index.interval.bytes", "1024"),
    ("auto.create.topics.enable", "false"),
];

/// The laboratory of one run of the tests.
#[derive(Debug)]
pub struct Lab {
    /// The foreign programs.
    pub tools: Tools,
    root: PathBuf,
    kind: Kind,
    subject: Option<Peer>,
    ledger: BTreeMap<String, Partitions>,
}

impl Lab {
    /// A laboratory for the broker named by `LIMPID_INTEROP_PEER`: `limpid` (the default) or
    /// `kafka`, which is how the tests themselves are tested.
    ///
    /// # Errors
    /// When the name is neither, or there is no program or folder.
    pub fn open(root: &Path) -> Result<Self> {
        let kind = match std::env::var("LIMPID_INTEROP_PEER").as_deref() {
            Err(_) | Ok("limpid") => Kind::limpid()?,
            Ok("kafka") => Kind::Kafka,
            Ok(other) => bail!("LIMPID_INTEROP_PEER is {other:?}, not \"limpid\" or \"kafka\""),
        };
        let tools = Tools::open()?;
        Ok(Self {
            tools,
            root: root.to_owned(),
            kind,
            subject: None,
            ledger: BTreeMap::new(),
        })
    }

    /// Which broker is under test.
    #[must_use]
    pub const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// What the shared broker has answered, if it runs and is Limpid.
    #[must_use]
    pub fn answered(&self) -> coverage::Answered {
        let subject = self.subject.as_ref();
        let subject = subject.filter(|_| matches!(self.kind, Kind::Limpid(_)));
        let answered = subject.map(|peer| coverage::of(&peer.http_address()));
        answered.and_then(Result::ok).unwrap_or_default()
    }

    /// A folder of that name, new.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// The shared broker under test, started at the first call.
    ///
    /// # Errors
    /// When it doesn't come up or has ended since.
    pub fn subject(&mut self) -> Result<&mut Peer> {
        if self.subject.is_none() {
            let folder = self.folder("subject")?;
            let peer = Peer::start_new(self.kind.clone(), &self.tools, &folder, &PROPERTIES)?;
            self.subject = Some(peer);
        }
        let peer = self.subject.as_mut().context("just started")?;
        peer.check_alive()?;
        Ok(peer)
    }

    /// The shared broker's address.
    ///
    /// # Errors
    /// As [`Lab::subject`].
    pub fn address(&mut self) -> Result<String> {
        Ok(self.subject()?.address())
    }

    /// Creates a topic on the shared broker.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn create_topic(&mut self, name: &str, partitions: i32) -> Result<()> {
        wire::create_topic(&self.address()?, name, partitions, &[])
    }

    /// Notes what a topic must now hold, and checks it with librdkafka.
    ///
    /// # Errors
    /// When the broker holds anything else.
    pub fn wrote(&mut self, topic: &str, written: Partitions) -> Result<()> {
        let received = librdkafka::read(&self.address()?, topic, &written)?;
        records::compare(topic, &written, &received).context("read back by librdkafka")?;
        self.ledger.insert(topic.to_owned(), written);
        Ok(())
    }

    /// Everything the tests so far wrote to the shared broker, by topic.
    #[must_use]
    pub const fn ledger(&self) -> &BTreeMap<String, Partitions> {
        &self.ledger
    }

    /// Stops the shared broker in good order and names its data directory.
    ///
    /// # Errors
    /// When it doesn't stop, or was never started.
    pub fn pause_subject(&mut self) -> Result<PathBuf> {
        let peer = self.subject.as_mut().context("no broker was started")?;
        peer.stop()?;
        Ok(peer.data())
    }

    /// Starts the shared broker again after [`Lab::pause_subject`].
    ///
    /// # Errors
    /// When it doesn't come up.
    pub fn resume_subject(&mut self) -> Result<()> {
        self.subject
            .as_mut()
            .context("no broker was started")?
            .start()
    }

    /// Stops the shared broker in good order and hands it over with what it must hold; the next
    /// test gets a new one.
    ///
    /// # Errors
    /// When it doesn't stop.
    pub fn retire_subject(&mut self) -> Result<(Peer, BTreeMap<String, Partitions>)> {
        let mut peer = self.subject.take().context("no broker was started")?;
        peer.stop()?;
        Ok((peer, std::mem::take(&mut self.ledger)))
    }

    /// The end of the shared broker's log, for the report of a failed test.
    #[must_use]
    pub fn subject_log(&self) -> Option<String> {
        self.subject
            .as_ref()
            .map(|peer| process::tail(&peer.log()).to_owned())
    }
}
