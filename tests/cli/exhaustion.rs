//! Running out of file descriptors, connections and disk.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use crate::broker::{Broker, LIMPID, Setup};
use crate::wait;
use crate::wire::{Client, get, is_closed, topic_for};

#[test]
fn without_file_descriptors_those_who_are_there_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Setup::new(dir.path())
        .through(&["prlimit", "--nofile=96:96", "--"])
        .start();
    let mut bystander = topic_for(&broker, "t", &[]);
    let mut scraper = TcpStream::connect(broker.http).unwrap();
    let before = descriptors(&mut scraper);
    let crowd: Vec<TcpStream> = (0..200)
        .map_while(|_| TcpStream::connect(broker.kafka).ok())
        .collect();
    assert!(
        crowd.len() > 100,
        "the backlog takes what the broker cannot accept"
    );
    for _ in 0..50 {
        assert_eq!(bystander.produce("t", &[b"on we go"]).unwrap().0, 0);
    }
    // Who was scraping before is told how many there are: nothing need be opened for it.
    wait::until_true("the number of descriptors", || {
        let (open, max) = descriptors(&mut scraper);
        assert_eq!((max, before.1), (96.0, 96.0));
        open > 90.0 && open > before.0
    });
    broker.assert_well();
    drop(crowd);
    // and there is room again for new ones
    let mut newcomer = Client::new(&broker);
    assert_eq!(newcomer.topics().unwrap(), ["t"]);
    // files can be opened again too
    wait::until_true("a topic to be made", || {
        newcomer.create_topic("u", &[]).unwrap() != -1
    });
    broker.assert_well();
    broker.stop();
}

/// `process_open_fds` and `process_max_fds`, over a connection that stays open.
fn descriptors(scraper: &mut TcpStream) -> (f64, f64) {
    scraper.set_read_timeout(Some(wait::LONG)).unwrap();
    let ask = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    scraper.write_all(ask).unwrap();
    let mut answer = BufReader::new(scraper);
    let mut length = 0;
    loop {
        let mut line = String::new();
        assert!(answer.read_line(&mut line).unwrap() > 0, "it hung up");
        let line = line.trim_end().to_lowercase();
        if let Some(bytes) = line.strip_prefix("content-length: ") {
            length = bytes.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut page = vec![0; length];
    answer.read_exact(&mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    let value = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name));
        let value = line.and_then(|value| value.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in a page of {length} bytes"))
    };
    (value("process_open_fds "), value("process_max_fds "))
}

#[test]
fn beyond_max_connections_per_ip_new_ones_are_closed() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Setup::new(dir.path())
        .set("max.connections.per.ip=5")
        .start();
    let mut allowed: Vec<Client> = (0..5).map(|_| Client::new(&broker)).collect();
    for client in &mut allowed {
        client.topics().unwrap();
    }
    assert!(is_closed(&mut Client::new(&broker).stream));
    allowed.pop();
    wait::until_true("the place to be free", || {
        Client::new(&broker).topics().is_ok()
    });
    broker.stop();
}

#[test]
fn beyond_max_connections_new_ones_wait() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Setup::new(dir.path()).set("max.connections=5").start();
    let mut allowed: Vec<Client> = (0..5).map(|_| Client::new(&broker)).collect();
    for client in &mut allowed {
        client.topics().unwrap();
    }
    let mut waiting = Client::new(&broker);
    waiting
        .send(&limpid_protocol::messages::MetadataRequest::default(), 12)
        .unwrap();
    for client in &mut allowed {
        client.topics().unwrap();
    }
    allowed.pop();
    waiting
        .answer::<limpid_protocol::messages::MetadataRequest>(12)
        .unwrap();
    broker.stop();
}

/// A broker on a file system of 64 MiB that only its own mount namespace has: it is gone with the
/// process.
struct SmallDisk {
    setup: Setup,
    dir: tempfile::TempDir,
}

impl SmallDisk {
    fn new() -> Self {
        Self::prepared("true")
    }

    /// A disk on which a shell has done something in `$DISK` before the broker starts.
    fn prepared(before: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = format!(
            "DISK={0} && mount -t tmpfs -o size=64m limpid-test $DISK && {before} && exec \"$@\"",
            dir.path().display()
        );
        let mut words = vec!["unshare"];
        if !rustix::process::geteuid().is_root() {
            words.extend(["--user", "--map-root-user"]);
        }
        words.extend(["--mount", "sh", "-c", &script, "sh"]);
        let setup = Setup::new(dir.path())
            .set("limpid.disk.min.free=8MiB")
            .set("log.index.size.max.bytes=65536")
            .through(&words);
        Self { setup, dir }
    }

    /// A path on that file system, as seen from here.
    fn path(&self, broker: &Broker, name: &str) -> PathBuf {
        self.path_of(broker.pid(), name)
    }

    fn path_of(&self, pid: u32, name: &str) -> PathBuf {
        let outside = format!("/proc/{pid}/root{}", self.dir.path().display());
        PathBuf::from(outside).join(name)
    }
}

#[test]
fn a_full_disk_is_a_retriable_error_and_ends_by_itself() {
    let disk = SmallDisk::new();
    let mut broker = disk.setup.start();
    let mut client = topic_for(&broker, "t", &[("segment.bytes", "4194304")]);
    assert!(
        disk.path(&broker, "meta.properties").exists(),
        "the small disk is not in use"
    );
    let ballast = disk.path(&broker, "ballast");
    std::fs::write(&ballast, vec![0; 16 << 20]).unwrap();

    let value = vec![b'x'; 500_000];
    let mut acknowledged = 1;
    let refusal = wait::until("the disk to fill up", || {
        let (code, offset) = client.produce("t", &[&value]).unwrap();
        if code == 0 {
            assert_eq!(offset, acknowledged);
            acknowledged += 1;
            return None;
        }
        Some(code)
    });
    let error = limpid_protocol::ErrorCode::from_code(refusal).unwrap();
    assert!(error.retriable(), "{error:?} tells producers to give up");
    assert!(acknowledged > 20, "only {acknowledged} records fit");

    // everything else goes on: reading, metadata, pages; and the records are all there
    for _ in 0..3 {
        assert_ne!(client.produce("t", &[&value]).unwrap().0, 0);
        assert_eq!(client.fetch("t", acknowledged - 1).unwrap().0, 0);
        assert_eq!(client.fetch("t", 0).unwrap().1, acknowledged);
        assert_eq!(client.topics().unwrap(), ["t"]);
        assert_eq!(get(broker.http, "/healthz").unwrap().0, 200);
    }
    broker.assert_well();

    std::fs::remove_file(&ballast).unwrap();
    wait::until_true("producing to go on", || {
        client.produce("t", &[b"again"]).unwrap().0 == 0
    });
    assert_eq!(client.fetch("t", acknowledged).unwrap().1, acknowledged + 1);
    broker.stop();
}

#[test]
fn a_disk_that_others_fill_to_the_last_byte_loses_nothing_acknowledged() {
    let disk = SmallDisk::new();
    let mut broker = disk.setup.start();
    let mut client = topic_for(&broker, "t", &[]);
    let ballast = disk.path(&broker, "ballast");
    // no warning and no reserve: from now on a write of the broker's own may fail
    let mut file = std::fs::File::create(&ballast).unwrap();
    let block = vec![0; 64 << 10];
    while std::io::Write::write_all(&mut file, &block).is_ok() {}
    let mut acknowledged = 1;
    for _ in 0..50 {
        let (code, _) = client.produce("t", &[&[b'x'; 10_000]]).unwrap();
        if code == 0 {
            acknowledged += 1;
        }
    }
    assert_eq!(client.fetch("t", 0).unwrap().1, acknowledged);
    broker.assert_well();
    drop(file);
    std::fs::remove_file(&ballast).unwrap();
    wait::until_true("producing to go on", || {
        client.produce("t", &[b"again"]).unwrap().0 == 0
    });
    assert_eq!(client.fetch("t", 0).unwrap().1, acknowledged + 1);
    broker.stop();
}

/// Formats the disk and fills it to the last byte.
fn formatted_and_full(before_filling: &str) -> String {
    format!(
        "{LIMPID} storage format --override log.dirs=$DISK >$DISK/said 2>&1 && {before_filling} && \
         {{ cat /dev/zero >$DISK/ballast || true; }}"
    )
}

#[test]
fn a_start_on_a_full_disk_waits_for_room() {
    let disk = SmallDisk::prepared(&formatted_and_full("true"));
    let process = disk.setup.spawn();
    wait::until_true("the broker to say what it waits for", || {
        process.output().contains("the start waits for room")
    });
    assert!(!process.output().contains("is ready"), "it found room");
    std::fs::remove_file(disk.path_of(process.id(), "ballast")).unwrap();
    let broker = Broker::ready(process).unwrap();
    let mut client = topic_for(&broker, "t", &[]);
    assert_eq!(client.produce("t", &[b"there is room"]).unwrap().0, 0);
    broker.stop();
}

#[test]
fn a_start_on_a_full_disk_takes_its_reserve() {
    let reserve = "dd if=/dev/zero of=$DISK/.limpid_reserve bs=64k count=16 2>>$DISK/said";
    let disk = SmallDisk::prepared(&formatted_and_full(reserve));
    let broker = disk.setup.start();
    assert!(!disk.path(&broker, ".limpid_reserve").exists());
    let ballast = disk.path(&broker, "ballast");
    assert!(std::fs::metadata(&ballast).unwrap().len() > 50 << 20);
    let mut client = Client::new(&broker);
    assert!(client.topics().unwrap().is_empty());
    std::fs::remove_file(ballast).unwrap();
    broker.stop();
}
