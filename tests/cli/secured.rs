//! The demo on a cluster that asks for TLS and a login.

use std::path::Path;

use crate::broker::{Broker, Ended, LIMPID, Process, command};
use crate::wait;

fn fixture(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("crates/security/fixtures").join(name);
    path.display().to_string()
}

fn run(words: &[&str]) -> Ended {
    let mut command = command(LIMPID);
    command.args(words);
    let ended = Process::spawn(command).end();
    ended.assert_calm();
    ended
}

/// A broker whose only listener wants both, with one user.
fn start(dir: &Path) -> Broker {
    let config = dir.join("server.properties");
    let text = format!(
        "log.dirs={}\nlisteners=SASL_SSL://localhost:0\ninter.broker.listener.name=SASL_SSL\n\
         sasl.enabled.mechanisms=SCRAM-SHA-512\nsasl.mechanism.inter.broker.protocol=SCRAM-SHA-512\n\
         ssl.keystore.location={}\nlimpid.http.listeners=http://127.0.0.1:0\n\
         limpid.disk.min.free=0\nlimpid.disk.min.free.bytes=0\n",
        dir.join("data").display(),
        fixture("broker.pem")
    );
    std::fs::write(&config, text).unwrap();
    let config = config.display().to_string();
    let user = "SCRAM-SHA-512=[name=ann,password=correct-horse]";
    let words = [
        "storage",
        "format",
        "--config",
        &config,
        "--add-scram",
        user,
    ];
    let formatted = run(&words);
    assert!(formatted.status.success(), "{formatted:?}");
    let mut serve = command(LIMPID);
    serve.args(["serve", "--config", &config]);
    Broker::ready(Process::spawn(serve)).unwrap_or_else(|ended| panic!("{ended:?}"))
}

#[test]
fn the_demo_gets_in_by_a_file_of_client_properties() {
    let dir = tempfile::tempdir().unwrap();
    let broker = start(dir.path());
    let server = format!("localhost:{}", broker.kafka.port());
    let file = dir.path().join("client.properties");
    let properties = |password: &str| {
        let text = format!(
            "security.protocol=SASL_SSL\nssl.truststore.type=PEM\nssl.truststore.location={}\n\
             sasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=\
             org.apache.kafka.common.security.scram.ScramLoginModule required \\\n  \
             username=\"ann\" password=\"{password}\";\n",
            fixture("ca.pem")
        );
        std::fs::write(&file, text).unwrap();
    };
    let config = file.display().to_string();
    let at = ["demo", "--bootstrap-server", &server];
    let with = [&at[..], &["--command-config", &config]].concat();

    let ended = run(&at);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let words = [
        "--command-config",
        "set security.protocol to SSL or SASL_SSL",
    ];
    assert!(words.iter().all(|w| ended.output.contains(w)), "{ended:?}");

    properties("wrong-horse");
    let ended = run(&with);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let words = "can't log in as ann by SCRAM-SHA-512";
    assert!(ended.output.contains(words), "{ended:?}");
    assert!(!ended.output.contains("wrong-horse"), "{ended:?}");

    properties("correct-horse");
    let mut demo = command(LIMPID);
    demo.args(&with);
    let demo = Process::spawn(demo);
    // The slow group tells whom it serves, so the pipeline runs as a whole.
    wait::until("the guide", || {
        demo.output().contains("demo.").then_some(())
    });
    // What is said before the demo listens is not heard.
    wait::until("a new pace to be heard", || {
        let told = run(&[&with[..], &["--speed-up"]].concat());
        assert!(!told.status.success() || told.output.contains("as fast as it can"));
        demo.output().contains("new pace").then_some(())
    });
    drop(demo);
    wait::until("the groups to be empty", || {
        let cleaned = run(&[&with[..], &["--clean"]].concat());
        (cleaned.status.success() && cleaned.output.contains("deleted the topic")).then_some(())
    });
    broker.stop();
}

#[test]
fn a_file_of_client_properties_that_makes_no_sense_is_told_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("client.properties");
    std::fs::write(&file, "security.protocol=SSL\nssl.trustore.location=/x\n").unwrap();
    let config = file.display().to_string();
    let with = [
        "demo",
        "--bootstrap-server",
        "localhost:1",
        "--command-config",
        &config,
    ];
    let ended = run(&with);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let place = format!("{config}:2: ssl.trustore.location");
    for words in [place.as_str(), "did you mean ssl.truststore.location?"] {
        assert!(ended.output.contains(words), "{ended:?}");
    }
    std::fs::write(
        &file,
        "security.protocol=SSL\nssl.truststore.location=/nowhere/x\n",
    )
    .unwrap();
    let ended = run(&with);
    assert!(
        ended
            .output
            .contains("ssl.truststore.location: /nowhere/x: No such file"),
        "{ended:?}"
    );
    let alone = run(&["demo", "--command-config", &config]);
    assert!(alone.output.contains("--bootstrap-server"), "{alone:?}");
}
