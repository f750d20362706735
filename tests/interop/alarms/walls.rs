//! A control group of the test's own around a broker: too little processor time, then too little memory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::http::get;
use limpid_interop::lab::Lab;
use limpid_interop::librdkafka::config;
use limpid_interop::peer::Peer;
use limpid_interop::process::{pause, wait_for};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::machine::traffic::Traffic;
use super::watch::Watch;

const LIMIT: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(50);
/// Where systems mount the controllers of version 1, each by its name.
const ROOT: &str = "/sys/fs/cgroup";
const CPU: &str = "cpu";
const MEMORY: &str = "memory";
const QUOTA: &str = "cpu.cfs_quota_us";
const BYTES: &str = "memory.limit_in_bytes";
/// Of a period of 100,000.
const HARDLY_ANY: &str = "5000";
const NO_LIMIT: &str = "-1";
/// What the broker may take besides what it has.
const ROOM: u64 = 4 << 20;
const TOPIC: &str = "filling";
const RECORD_BYTES: usize = 100_000;

/// A control group for each of the controllers; both go with it.
pub struct Walls {
    dirs: Vec<PathBuf>,
}

impl Walls {
    /// Around nobody yet.
    ///
    /// # Errors
    /// Where the machine has no such controllers, or nobody may use them.
    pub fn build() -> Result<Self> {
        let mut walls = Self { dirs: Vec::new() };
        for controller in [CPU, MEMORY] {
            let dir = Path::new(ROOT).join(controller);
            let dir = dir.join(format!("limpid-alarms-{}", std::process::id()));
            std::fs::create_dir(&dir).with_context(|| {
                format!(
                    "this test needs the {controller} controller of control groups (version 1), \
                     and may not make {}: run it as root, where {ROOT}/{controller} is mounted and \
                     can be written to",
                    dir.display()
                )
            })?;
            walls.dirs.push(dir);
        }
        Ok(walls)
    }

    fn set(&self, controller: &str, file: &str, value: &str) -> Result<()> {
        let path = self.of(controller).join(file);
        let what = || format!("{value} to {}", path.display());
        std::fs::write(&path, value).with_context(what)
    }

    fn number(&self, controller: &str, file: &str) -> Result<u64> {
        let text = std::fs::read_to_string(self.of(controller).join(file))?;
        Ok(text.trim().parse()?)
    }

    fn of(&self, controller: &str) -> &Path {
        let at = usize::from(controller == MEMORY);
        &self.dirs[at]
    }

    /// Starts a broker within: a process is where the thread was that made it, and this thread ends.
    pub fn start(&self, peer: &mut Peer) -> Result<()> {
        let enter = || {
            for dir in &self.dirs {
                // The thread that writes it.
                std::fs::write(dir.join("tasks"), "0")?;
            }
            peer.start()
        };
        std::thread::scope(|scope| scope.spawn(enter).join().expect("no panic"))
    }
}

impl Drop for Walls {
    fn drop(&mut self) {
        for dir in &self.dirs {
            // What was killed in there may take a moment to be gone.
            let gone = wait_for("end of a control group", LIMIT, || {
                Ok(std::fs::remove_dir(dir).is_ok().then_some(()))
            });
            if let Err(error) = gone {
                eprintln!("{} is left behind: {error}", dir.display());
            }
        }
    }
}

/// Both walls come near, and go away again.
pub fn run(walls: &Walls, peer: &mut Peer, watch: &Watch) -> Result<()> {
    let producer: BaseProducer = config(&peer.address(), &[("linger.ms", "0")]).create()?;
    walls.set(CPU, QUOTA, HARDLY_ANY)?;
    // A broker that nobody asks for anything needs less than that.
    let address = peer.http_address();
    let scrapers = Traffic::start(move || {
        if get(&address, "/metrics").is_err() {
            pause(MOMENT);
        }
    });
    watch.fires("LimpidCgroupThrottled")?;
    drop(scrapers);
    walls.set(CPU, QUOTA, NO_LIMIT)?;
    watch.ends(&["LimpidCgroupThrottled"])?;

    let used = walls.number(MEMORY, "memory.usage_in_bytes")?;
    walls.set(MEMORY, BYTES, &(used + ROOM).to_string())?;
    let record = vec![b'x'; RECORD_BYTES];
    wait_for("end of a broker without memory", LIMIT, || {
        let full = producer.send(BaseRecord::<(), [u8]>::to(TOPIC).payload(&record));
        producer.poll(Duration::ZERO);
        if full.is_err() {
            pause(MOMENT);
        }
        Ok(peer.check_alive().is_err().then_some(()))
    })?;
    peer.kill();
    producer.purge(rdkafka::producer::PurgeConfig::default().queue().inflight());
    walls.set(MEMORY, BYTES, NO_LIMIT)?;
    walls.start(peer)?;
    let page = get(&peer.http_address(), "/metrics")?;
    let reason = "limpid_last_exit_info{reason=\"out_of_memory\"} 1";
    ensure!(page.contains(reason), "no {reason}");
    watch.fires("LimpidOutOfMemoryKill")?;
    watch.fires("LimpidUncleanStart")?;
    watch.ends(&["LimpidOutOfMemoryKill"])
}

/// A broker within walls, not started.
pub fn broker(lab: &Lab) -> Result<Peer> {
    let folder = lab.folder("walls")?;
    let properties = [("auto.create.topics.enable", "true")];
    let peer = Peer::new(lab.kind().clone(), &lab.tools, &folder, &properties)?;
    peer.format()?;
    Ok(peer)
}
