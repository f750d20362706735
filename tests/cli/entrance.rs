//! Whoever has not sent a request costs the threads that serve everybody else nothing.

use std::fs;
use std::io::Write;
use std::path::Path;

use limpid_protocol::messages::{
    ApiVersionsRequest, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
};

use crate::broker::{Broker, Setup};
use crate::wait;
use crate::wire::{Client, frame, get, is_closed};

/// Connections of each kind.
const CROWD: u64 = 200;
const DATA: &str = "limpid-data";
/// As the kernel has it, which keeps fifteen bytes.
const ENTRANCE: &str = "limpid-entrance";
/// By how much the entrance comes behind others.
const NICER: i64 = 10;

fn start(dir: &Path) -> Broker {
    let users = dir.join("users");
    let module = "org.apache.kafka.common.security.plain.PlainLoginModule required";
    fs::write(&users, format!("users={module} user_ann=\"right\";\n")).unwrap();
    let mut setup = Setup::new(&dir.join("data"));
    setup.listeners = "SASL_PLAINTEXT://127.0.0.1:0".to_owned();
    let secret = format!("${{file:{}:users}}", users.display());
    let jaas = "listener.name.sasl_plaintext.plain.sasl.jaas.config";
    setup
        .set("inter.broker.listener.name=SASL_PLAINTEXT")
        .set("sasl.enabled.mechanisms=PLAIN")
        .set("sasl.mechanism.inter.broker.protocol=PLAIN")
        .set("connection.failed.authentication.delay.ms=0")
        .set("config.providers=file")
        .set("config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider")
        .set(format!("{jaas}={secret}"))
        .set("limpid.worker.threads=1")
        .start()
}

/// How often the thread of this name gave up the processor or lost it, and how nice it is.
fn thread(pid: u32, name: &str) -> (u64, i64) {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let read = |task: &Path, file: &str| fs::read_to_string(task.join(file)).unwrap_or_default();
    let is_it = |task: &std::path::PathBuf| read(task, "comm").trim() == name;
    let all: Vec<_> = tasks
        .map(|task| task.unwrap().path())
        .filter(is_it)
        .collect();
    assert_eq!(all.len(), 1, "{name}: {all:?}");
    let status = read(&all[0], "status");
    let switches = status
        .lines()
        .filter_map(|line| line.split_once("ctxt_switches:"));
    let switches = switches.map(|(_, count)| count.trim().parse::<u64>().unwrap());
    let stat = read(&all[0], "stat");
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let nice = fields.split_whitespace().nth(16).unwrap();
    (switches.sum(), nice.parse().unwrap())
}

/// Chooses PLAIN and sends a password.
fn log_in(client: &mut Client, password: &str) -> SaslAuthenticateResponse {
    let handshake = SaslHandshakeRequest {
        mechanism: "PLAIN".into(),
    };
    assert_eq!(client.call(&handshake, 1).unwrap().error_code, 0);
    let authenticate = SaslAuthenticateRequest {
        auth_bytes: format!("\0ann\0{password}").into_bytes().into(),
    };
    client.call(&authenticate, 2).unwrap()
}

/// So many connections have gone on to the data path, by a page that is at most a moment old.
fn passed(broker: &Broker, count: u64) -> bool {
    let (_, page) = get(broker.http, "/metrics").unwrap();
    page.contains(&format!("\nlimpid_entrance_passed_total {count}\n"))
}

#[test]
fn who_never_gets_in_is_served_by_a_thread_that_comes_last() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = start(dir.path());
    let pid = broker.pid();
    let before = [DATA, ENTRANCE].map(|name| thread(pid, name));
    assert_eq!(before[1].1 - before[0].1, NICER.min(19 - before[0].1));
    for number in 0..CROWD {
        let mut noise = Client::new(&broker);
        let bytes: Vec<u8> = (0..64)
            .map(|at| (number * 31 + at * 7) as u8 | 0x80)
            .collect();
        noise.stream.write_all(&bytes).ok();
        assert!(is_closed(&mut noise.stream));

        let mut unknown = Client::new(&broker);
        unknown.stream.write_all(&frame(-7, 0, 1, &[])).ok();
        assert!(is_closed(&mut unknown.stream));

        let mut wrong = Client::new(&broker);
        assert_eq!(log_in(&mut wrong, "wrong").error_code, 58);
        assert!(is_closed(&mut wrong.stream));

        // And who knows the password, but nothing to ask for.
        let mut mute = Client::new(&broker);
        assert_eq!(log_in(&mut mute, "right").error_code, 0);
        mute.stream.write_all(&frame(-7, 0, 1, &[])).ok();
        assert!(is_closed(&mut mute.stream));
    }
    let after = [DATA, ENTRANCE].map(|name| thread(pid, name));
    let [data, entrance] = [0, 1].map(|which| after[which].0 - before[which].0);
    // Chores wake it a few times each second, whoever connects.
    assert!(data < CROWD, "{data} times, of 4 x {CROWD} connections");
    assert!(entrance > CROWD, "{entrance} times");
    assert!(passed(&broker, 0));

    let mut right = Client::new(&broker);
    assert_eq!(log_in(&mut right, "right").error_code, 0);
    let versions = right.call(&ApiVersionsRequest::default(), 0).unwrap();
    assert_eq!(versions.error_code, 0);
    // Of all of them this is the first one that did.
    wait::until_true("one to get in", || passed(&broker, 1));
    let _silent = Client::new(&broker);
    broker.assert_well();
    broker.stop();
}
