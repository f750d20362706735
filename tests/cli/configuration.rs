//! What is said about a configuration that is wrong.

use std::path::Path;

use crate::broker::{Ended, LIMPID, Process, command};

fn check(arguments: &[&str]) -> Ended {
    let mut words = vec!["config"];
    words.extend(arguments);
    run(&words, &[])
}

fn run(arguments: &[&str], env: &[(&str, &str)]) -> Ended {
    let mut command = command(LIMPID);
    command.args(arguments).envs(env.iter().copied());
    let ended = Process::spawn(command).end();
    ended.assert_calm();
    ended
}

fn file(dir: &Path, text: &str) -> String {
    let path = dir.join("server.properties");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn refused(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    for word in words {
        assert!(
            ended.output.contains(word),
            "{word:?} is not in {}",
            ended.output
        );
    }
}

#[test]
fn a_mistyped_own_key_is_named_with_file_line_and_the_right_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(
        dir.path(),
        "# c\nlimpid.htpp.listeners=http://localhost:1\n",
    );
    let place = format!("{path}:2: limpid.htpp.listeners");
    for words in [["config", "--config", &path], ["serve", "--config", &path]] {
        refused(
            &run(&words, &[]),
            &[&place, "did you mean limpid.http.listeners?"],
        );
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(
        dir.path(),
        "num.partitions=many\nlog.retention.hours=soon\n",
    );
    let ended = check(&[
        "--config",
        &path,
        "--override",
        "listeners=SSL://localhost:1",
    ]);
    refused(&ended, &["num.partitions", "log.retention.hours"]);
    let ended = check(&["--override", "listeners=SSL://localhost:1"]);
    refused(&ended, &["ssl.keystore.location", "needs a certificate"]);
}

#[test]
fn a_canary_without_a_listener_for_it_is_told_what_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "log.dirs={}\nlimpid.storage.auto.format=true\nlimpid.canary.topic=canary\n\
         limpid.http.listeners=http://127.0.0.1:0\nsasl.enabled.mechanisms=SCRAM-SHA-256\n\
         listeners=SASL_PLAINTEXT://127.0.0.1:0\ninter.broker.listener.name=SASL_PLAINTEXT\n\
         sasl.mechanism.inter.broker.protocol=SCRAM-SHA-256\n",
        dir.path().join("data").display()
    );
    for (more, words) in [
        (
            "",
            "limpid.canary.security.protocol: the canary wants a listener of protocol PLAINTEXT, and there are SASL_PLAINTEXT",
        ),
        (
            "SASL_PLAINTEXT",
            "limpid.canary.sasl.mechanism: needed to log in",
        ),
        (
            "TLS",
            "server.properties:9: limpid.canary.security.protocol",
        ),
    ] {
        let more = match more {
            "" => String::new(),
            name => format!("limpid.canary.security.protocol={name}\n"),
        };
        let path = file(dir.path(), &format!("{text}{more}"));
        for command in ["serve", "config"] {
            refused(&run(&[command, "--config", &path], &[]), &[words]);
        }
    }
}

#[test]
fn files_that_a_start_reads_are_read_by_the_check_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("jmx.yaml");
    let common = format!(
        "log.dirs={}\nlimpid.storage.auto.format=true\nlisteners=PLAINTEXT://127.0.0.1:0\n\
         limpid.http.listeners=http://127.0.0.1:0\n",
        dir.path().join("data").display()
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let keys = root.join("crates/security/fixtures/broker.pem");
    let keys = format!("ssl.keystore.location={}", keys.display());
    let jmx = format!("limpid.metrics.jmx.exporter.config={}", rules.display());
    let missing = "limpid.otlp.endpoint=https://x:1\nlimpid.otlp.ca.file=/nowhere/ca";
    for (yaml, more, words) in [
        (None, jmx.as_str(), "No such file"),
        (
            Some("rules:\n- pattern: \"(\"\n"),
            &jmx,
            "limpid.metrics.jmx.exporter.config",
        ),
        (
            Some("rules: 7\n"),
            &jmx,
            "limpid.metrics.jmx.exporter.config",
        ),
        (
            None,
            "limpid.metrics.topic.include=(",
            "limpid.metrics.topic.include",
        ),
        (
            None,
            missing,
            "limpid.otlp.ca.file (or OTEL_EXPORTER_OTLP_CERTIFICATE): /nowhere/ca",
        ),
        (
            None,
            "limpid.canary.topic=c\nlimpid.canary.ssl.truststore.location=/nowhere/ca\n\
             limpid.canary.security.protocol=SSL\nlisteners=SSL://127.0.0.1:0\n\
             inter.broker.listener.name=SSL\nKEYS",
            "limpid.canary.ssl.truststore.location: /nowhere/ca",
        ),
        (
            None,
            "listeners=SSL://127.0.0.1:0\ninter.broker.listener.name=SSL\n\
             ssl.keystore.location=/nowhere/broker",
            "the listener SSL can't speak TLS: /nowhere/broker: No such file",
        ),
    ] {
        std::fs::remove_file(&rules).ok();
        if let Some(text) = yaml {
            std::fs::write(&rules, text).unwrap();
        }
        let more = more.replace("KEYS", &keys);
        let path = file(dir.path(), &format!("{common}{more}\n"));
        let told: Vec<Ended> = ["config", "serve"]
            .map(|command| run(&[command, "--config", &path], &[]))
            .into();
        for ended in &told {
            refused(ended, &[words]);
        }
    }
    std::fs::write(&rules, "rules:\n- pattern: \".*\"\n").unwrap();
    let path = file(dir.path(), &format!("{common}{jmx}\n"));
    let good = run(&["config", "--config", &path], &[]);
    assert!(good.status.success(), "{good:?}");
}

/// Everything that lets visitors in over HTTP, and those who vouch for others.
#[test]
fn files_of_credentials_are_read_by_the_check_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let authority = root.join("crates/security/fixtures/ca.pem");
    std::fs::write(at("users"), "alice:geheim\n").unwrap();
    std::fs::write(at("tokens"), "no colon\n").unwrap();
    std::fs::write(at("torn"), [0xff, 0xfe]).unwrap();
    std::fs::write(at("empty"), "").unwrap();
    let noise = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(at("noise"), noise).unwrap();
    let common = format!(
        "log.dirs={}\nlimpid.storage.auto.format=true\nlisteners=PLAINTEXT://127.0.0.1:0\n\
         limpid.http.listeners=http://127.0.0.1:0\n",
        at("data")
    );
    let oidc = "limpid.http.oidc.issuer=https://id.example\nlimpid.http.oidc.client.id=limpid\n\
                limpid.http.oidc.ca.file";
    let forward = "limpid.client.metrics.forward.endpoint=https://localhost:1/v1/metrics\n\
                   limpid.client.metrics.forward.ca.file";
    for (key, file, words) in [
        ("limpid.http.users.file", "nowhere", "No such file"),
        ("limpid.http.users.file", "users", "users:1: "),
        ("limpid.http.users.file", "torn", "not UTF-8"),
        ("limpid.http.tokens.file", "nowhere", "No such file"),
        (
            "limpid.http.tokens.file",
            "tokens",
            "tokens:1: not of the form",
        ),
        (oidc, "nowhere", "No such file"),
        (oidc, "empty", "no certificate"),
        (oidc, "noise", "noise: "),
        (forward, "nowhere", "No such file"),
        (forward, "empty", "no certificate"),
        (forward, "noise", "noise: "),
    ] {
        let path = file_of(dir.path(), &common, key, &at(file));
        let key = key.rsplit('\n').next().unwrap();
        for command in ["config", "serve"] {
            let ended = run(&[command, "--config", &path], &[]);
            refused(&ended, &[key, &at(file), words]);
            assert!(!ended.output.contains("geheim"), "{}", ended.output);
        }
    }
    for key in [oidc, forward] {
        let path = file_of(dir.path(), &common, key, &authority.display().to_string());
        let good = run(&["config", "--config", &path], &[]);
        assert!(good.status.success(), "{good:?}");
    }
}

fn file_of(dir: &Path, common: &str, key: &str, value: &str) -> String {
    file(dir, &format!("{common}{key}={value}\n"))
}

#[test]
fn a_file_that_is_not_there_is_named() {
    refused(
        &check(&["--config", "/nonexistent/x"]),
        &["/nonexistent/x", "No such file"],
    );
}

#[test]
fn a_file_of_noise_is_refused_or_warned_about() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("noise");
    let noise: Vec<u8> = (0..4096_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    std::fs::write(&path, noise).unwrap();
    let ended = check(&["--config", &path.display().to_string()]);
    assert!(matches!(ended.status.code(), Some(0 | 1)), "{ended:?}");
    let ended = check(&["--config", &dir.path().display().to_string()]);
    refused(&ended, &["cannot read"]);
}

#[test]
fn secrets_are_refused_on_the_command_line_and_not_repeated() {
    let ended = check(&["--override", "ssl.key.password=geheim"]);
    refused(&ended, &["ssl.key.password", "config.providers"]);
    assert!(!ended.output.contains("geheim"), "{}", ended.output);
}

#[test]
fn secrets_of_a_file_show_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "ssl.key.password=geheim\nmy.password=geheim\n");
    let ended = check(&["--config", &path]);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(ended.output.contains("my.password") && !ended.output.contains("geheim"));
}

#[test]
fn the_environment_wins_over_the_file_and_overrides_over_both() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "num.partitions=wrong-in-file\n");
    let env = [("KAFKA_NUM_PARTITIONS", "wrong-in-environment")];
    let arguments = ["config", "--config", &path];
    refused(&run(&arguments, &[]), &["wrong-in-file"]);
    refused(
        &run(&arguments, &env),
        &["wrong-in-environment", "KAFKA_NUM_PARTITIONS"],
    );
    let overridden = [
        "config",
        "--config",
        &path,
        "--override",
        "num.partitions=3",
    ];
    assert_eq!(run(&overridden, &env).status.code(), Some(0));
}

#[test]
fn the_sample_is_a_configuration() {
    let sample = check(&["--sample"]);
    assert_eq!(sample.status.code(), Some(0));
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), &sample.output);
    let ended = check(&["--config", &path]);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(!ended.output.contains("warning"), "{}", ended.output);
}
