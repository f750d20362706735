//! `limpid support-bundle`: what is in it, and what must never be.

use std::path::Path;
use std::process::Command;

use crate::broker::{LIMPID, Setup, command};
use crate::wait;
use crate::wire::topic_for;

/// A word of each secret, and of a record.
const SECRET: &str = "hunter2";

fn fetch(url: &str, to: &Path) -> (Option<i32>, String) {
    let mut fetch = command(LIMPID);
    fetch.args(["support-bundle", "--cpu-seconds", "1", "--url", url, "--to"]);
    fetch.arg(to);
    let ended = fetch.output().unwrap();
    let said = [ended.stdout, ended.stderr].concat();
    (ended.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn a_bundle_has_everything_but_secrets_and_records() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let environment = [
        "env",
        "KAFKA_SSL_KEY_PASSWORD=hunter2-key",
        "KAFKA_SSL_TRUSTSTORE_PASSWORD=hunter2-trust",
        "KAFKA_SASL_JAAS_CONFIG=org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"hunter2\";",
        "LIMPID_HTTP_OIDC_CLIENT_SECRET=hunter2-oidc",
        "KAFKA_OUR_PLUGIN_TOKEN=hunter2-unknown",
    ];
    let broker = Setup::new(&data).through(&environment).start();
    let mut client = topic_for(&broker, "orders", &[]);
    client.produce("orders", &[b"hunter2-value"]).unwrap();
    let url = format!("http://{}", broker.http);
    let file = dir.path().join("bundle.tar.gz");
    let unpacked = dir.path().join("limpid-support-bundle");
    wait::until_true("a bundle that knows the topic", || {
        std::fs::remove_file(&file).ok();
        // Something is to be seen while the threads are looked at.
        let (code, said) = std::thread::scope(|scope| {
            let fetching = scope.spawn(|| fetch(&url, &file));
            while !fetching.is_finished() {
                client.produce("orders", &[b"hunter2-value"]).unwrap();
            }
            fetching.join().unwrap()
        });
        assert_eq!(code, Some(0), "{said}");
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(&file).arg("-C").arg(dir.path());
        assert!(tar.status().unwrap().success());
        let cluster = std::fs::read_to_string(unpacked.join("cluster.json")).unwrap();
        cluster.contains("\"orders\"")
    });
    let read = |name: &str| std::fs::read_to_string(unpacked.join(name)).unwrap();
    for (name, words) in [
        ("README.txt", "config.txt"),
        ("config.txt", "\nssl.key.password=[hidden]\n"),
        ("config.txt", "\nlimpid.http.oidc.client.secret=[hidden]\n"),
        ("config.txt", "\nnum.io.threads="),
        ("log.txt", "metadata opened"),
        ("metrics.txt", "limpid_request_stage_seconds_bucket"),
        ("metrics.txt", "limpid_build_info"),
        ("beans.json", "kafka.server:type=ReplicaManager"),
        ("overview.json", "\"buffers\""),
        ("status.txt", "Groups, worst first"),
        ("loggers.json", "limpid_storage"),
        ("events.json", "\"topics\""),
        ("slow_requests.json", "["),
        ("ready.txt", "ready"),
        ("system.txt", "Max open files"),
        ("threads.txt", "limpid-ticker"),
        ("cpu-by-thread.txt", "limpid-ticker"),
        ("cpu-by-thread.txt", "api=\"Produce\""),
    ] {
        let text = read(name);
        assert!(text.contains(words), "{name} has no {words}:\n{text:.2000}");
    }
    for entry in std::fs::read_dir(&unpacked).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(SECRET), "a secret is in {}", path.display());
    }
    // What is there is left alone, and what nobody gives is not.
    let (code, said) = fetch(&url, &file);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("can't write"), "{said}");
    broker.stop().assert_calm();
    let none = dir.path().join("none.tar.gz");
    assert_eq!(fetch(&url, &none).0, Some(1));
    assert!(!none.exists());
}
