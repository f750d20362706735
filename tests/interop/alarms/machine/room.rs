//! A broker on a disk that can be filled, slowed down and broken, half of which is weak.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::disk::Disk;
use limpid_interop::lab::Lab;
use limpid_interop::peer::Peer;
use limpid_interop::process::{pause, wait_for};
use limpid_interop::wire::create_topic;
use limpid_protocol::messages::IncrementalAlterConfigsRequest;
use limpid_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};

use super::traffic::{Traffic, read, write};
use crate::alarms::watch::Watch;
use crate::differential::side::Side;

/// Files that fit on the disk.
const FILES: u64 = 4_000;
/// The log directory that fails and dawdles.
const WEAK: &str = "weak";
pub const CANARY: &str = "canary";
/// A topic that lands on the weak half comes within so many.
const TRIES: usize = 8;
/// Kinds of what has a configuration.
pub const TOPIC: i8 = 2;
pub const CLIENT_METRICS: i8 = 16;

/// One of each thread, little memory for requests, a canary, and a cleaner that gets nowhere.
const PROPERTIES: [(&str, &str); 16] = [
    ("limpid.worker.threads", "1"),
    ("socket.request.max.bytes", "1048576"),
    ("limpid.request.memory.bytes", "1310720"),
    ("limpid.canary.topic", CANARY),
    ("limpid.canary.interval.ms", "500"),
    ("limpid.disk.min.free", "16777216"),
    ("limpid.disk.min.free.bytes", "16777216"),
    ("log.index.size.max.bytes", "1048576"),
    ("log.retention.check.interval.ms", "1000"),
    ("log.segment.delete.delay.ms", "1000"),
    ("log.cleaner.backoff.ms", "1000"),
    ("log.cleaner.io.max.bytes.per.second", "1024"),
    ("offsets.topic.num.partitions", "1"),
    ("auto.create.topics.enable", "false"),
    ("limpid.client.metrics.default.enable", "false"),
    ("group.initial.rebalance.delay.ms", "0"),
];

/// The broker, its disk, and who writes to the weak half and reads it all the while.
pub struct Room {
    pub peer: Peer,
    pub disk: Disk,
    pub folder: PathBuf,
    /// A topic on the weak half.
    pub weak: String,
    traffic: Vec<Traffic>,
}

impl Room {
    /// Started.
    pub fn start(lab: &Lab) -> Result<Self> {
        let folder = lab.folder("machine")?;
        let disk = Disk::mount(&folder, WEAK, FILES)?;
        let dir = |name: &str| disk.path.join(name).display().to_string();
        let (sound, weak) = (dir("sound"), dir(WEAK));
        let dirs = format!("{sound},{weak}");
        let mut peer = Peer::new(lab.kind().clone(), &lab.tools, &folder, &PROPERTIES)?;
        peer.set("log.dirs", &dirs);
        peer.set("metadata.log.dir", &sound);
        peer.format()?;
        peer.environment = disk.environment();
        peer.start()?;
        let mut room = Self {
            peer,
            disk,
            folder,
            weak: String::new(),
            traffic: Vec::new(),
        };
        room.weak = room.weak_topic("trickle")?;
        let address = room.peer.address();
        room.traffic = vec![write(&address, &room.weak)?, read(&address, &room.weak)?];
        Ok(room)
    }

    /// Rates are known, and nothing fires yet that has to fire here.
    pub fn settle(&self, watch: &Watch) -> Result<()> {
        pause(Duration::from_secs(10));
        for (alert, _) in watch.alerts()? {
            let may = [
                "LimpidWatchdog",
                "LimpidConnectionsChurn",
                "LimpidOffsetsExpireSoon",
            ];
            // The rate of idle time is too low until it is over its window.
            let early = alert == "LimpidRequestHandlersSaturated";
            let fires = watch.is_firing(&alert)?;
            ensure!(
                !fires || early || may.contains(&&*alert),
                "{alert} fires on a healthy broker"
            );
        }
        watch.ends(&["LimpidRequestHandlersSaturated"])
    }

    /// A new topic on the weak half.
    pub fn weak_topic(&self, name: &str) -> Result<String> {
        for number in 0..TRIES {
            let topic = format!("{name}-{number}");
            create_topic(&self.peer.address(), &topic, 1, &[])?;
            let log = self.disk.path.join(WEAK).join(format!("{topic}-0"));
            if log.exists() {
                return Ok(topic);
            }
        }
        None.with_context(|| format!("none of {TRIES} topics is on the weak half"))
    }

    /// Sets something, or takes it back; tried until the broker takes it.
    pub fn configure(
        &self,
        (resource_type, name): (i8, &str),
        settings: &[(&str, Option<&str>)],
    ) -> Result<()> {
        let configs = settings.iter().map(|(key, value)| AlterableConfig {
            name: (*key).to_owned(),
            config_operation: i8::from(value.is_none()),
            value: value.map(str::to_owned),
        });
        let request = IncrementalAlterConfigsRequest {
            resources: vec![AlterConfigsResource {
                resource_type,
                resource_name: name.to_owned(),
                configs: configs.collect(),
            }],
            validate_only: false,
        };
        wait_for("a changed configuration", Duration::from_secs(60), || {
            let answer = Side::new("the broker", &self.peer).must(&request, 1)?;
            let codes: Vec<i16> = answer.responses.iter().map(|r| r.error_code).collect();
            Ok((codes == [0]).then_some(()))
        })
    }
}
