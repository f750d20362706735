//! The rules of starting: ports, locks, directories.

use std::net::TcpListener;
use std::path::Path;

use crate::broker::{LIMPID, Process, Setup, command};
use crate::wire::{Client, get, topic_for};

#[test]
fn a_port_in_use_is_an_error_that_names_the_other_process() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let own = std::process::id().to_string();
    let dir = tempfile::tempdir().unwrap();

    let mut setup = Setup::new(dir.path());
    setup.listeners = format!("PLAINTEXT://{address}");
    let ended = setup.refused();
    for word in [address.to_string().as_str(), "listeners", own.as_str()] {
        assert!(ended.output.contains(word), "{word}: {}", ended.output);
    }

    let setup = Setup::new(dir.path()).set(format!("limpid.http.listeners=http://{address}"));
    let ended = setup.refused();
    for word in [
        address.to_string().as_str(),
        "limpid.http.listeners",
        own.as_str(),
    ] {
        assert!(ended.output.contains(word), "{word}: {}", ended.output);
    }
}

#[test]
fn a_directory_in_use_is_an_error_that_names_the_other_process() {
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup::new(dir.path());
    let mut broker = setup.start();
    let ended = setup.refused();
    for word in [
        dir.path().to_str().unwrap(),
        &broker.process.id().to_string(),
    ] {
        assert!(ended.output.contains(word), "{word}: {}", ended.output);
    }
    // the one that has it does not notice
    topic_for(&broker, "t", &[]);
    broker.assert_well();
    broker.stop();
    setup.start().stop();
}

#[test]
fn a_configured_directory_without_meta_properties_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().to_owned(), dir.path().join("not-there")] {
        let setup = Setup::new(&path).set("limpid.storage.auto.format=false");
        let ended = setup.refused();
        for word in [path.to_str().unwrap(), "limpid storage format"] {
            assert!(ended.output.contains(word), "{word}: {}", ended.output);
        }
    }
    // nothing was put where the volume would be mounted
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn storage_format_makes_a_directory_usable_and_never_twice() {
    let dir = tempfile::tempdir().unwrap();
    let log_dirs = format!("log.dirs={}", dir.path().display());
    let format = || {
        let mut command = command(LIMPID);
        command.args(["storage", "format", "--override", &log_dirs]);
        Process::spawn(command).end()
    };
    let ended = format();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(dir.path().join("meta.properties").exists());
    let again = format();
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    assert!(
        again.output.contains(dir.path().to_str().unwrap()),
        "{again:?}"
    );
    Setup::new(dir.path())
        .set("limpid.storage.auto.format=false")
        .start()
        .stop();
}

#[test]
fn without_configuration_the_default_directory_is_made_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let setup = Setup {
        log_dir: None,
        cwd: Some(dir.path().to_owned()),
        ..Setup::new(Path::new(""))
    };
    let setup = setup.set("limpid.storage.auto.format=false");
    let broker = setup.start();
    topic_for(&broker, "t", &[]);
    assert!(dir.path().join("limpid-data/meta.properties").exists());
    broker.stop();
    let broker = setup.start();
    let mut client = Client::new(&broker);
    assert_eq!(client.topics().unwrap(), ["t"]);
    assert_eq!(client.fetch("t", 0).unwrap().1, 1);
    broker.stop();
}

#[test]
fn of_several_directories_one_that_is_not_mounted_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let both = format!("log.dirs={},{}", one.display(), two.display());
    let setup = Setup::new(&one).set(&both);
    setup.start().stop();
    std::fs::remove_dir_all(&two).unwrap();
    std::fs::create_dir(&two).unwrap();
    let ended = setup.set("limpid.storage.auto.format=false").refused();
    assert!(
        ended.output.contains(two.to_str().unwrap()),
        "{}",
        ended.output
    );
}

#[test]
fn a_directory_of_another_node_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    Setup::new(dir.path()).start().stop();
    let ended = Setup::new(dir.path()).set("node.id=7").refused();
    assert!(
        ended.output.contains("node.id") || ended.output.contains('7'),
        "{}",
        ended.output
    );
}

#[test]
fn health_is_told_over_http() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Setup::new(dir.path()).start();
    assert_eq!(get(broker.http, "/healthz").unwrap().0, 200);
    assert_eq!(get(broker.http, "/readyz").unwrap().0, 200);
    broker.stop();
}

/// Pages of 2 MiB made an idle broker nearly twice as large.
#[test]
fn memory_comes_in_small_pages() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Setup::new(dir.path()).start();
    let status = std::fs::read_to_string(format!("/proc/{}/status", broker.pid())).unwrap();
    assert!(status.contains("THP_enabled:\t0\n"), "{status}");
    // Nor did what was there before `main` get one.
    let sizes = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", broker.pid())).unwrap();
    let huge = sizes
        .lines()
        .find(|line| line.starts_with("AnonHugePages:"));
    assert!(huge.is_some_and(|line| line.ends_with(" 0 kB")), "{sizes}");
    broker.stop();
}
