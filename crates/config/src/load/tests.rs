//! Tests of loading: precedence, strictness, messages.

use super::*;
use crate::config::REDACTED;

fn load(file: &str, overrides: &[&str], env: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.properties");
    std::fs::write(&path, file).unwrap();
    Config::load(LoadOptions {
        file: Some(path),
        overrides: overrides.iter().map(|text| (*text).to_owned()).collect(),
        env: env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        hostname: Some("box".to_owned()),
    })
}

fn only_error(result: Result<Loaded, ConfigErrors>) -> String {
    let errors = result.unwrap_err();
    assert_eq!(errors.0.len(), 1, "{errors}");
    errors.to_string()
}

fn warnings(loaded: &Loaded, kind: WarningKind) -> Vec<&str> {
    let those = loaded
        .warnings
        .iter()
        .filter(|warning| warning.kind == kind);
    those.map(|warning| warning.key.as_str()).collect()
}

#[test]
fn topics_of_our_own_have_segments_as_others_do() {
    let file = "offsets.topic.segment.bytes=1000\ntransaction.state.log.segment.bytes=1048575\n\
                share.coordinator.state.topic.segment.bytes=2000000\n";
    let loaded = load(file, &[], &[]).unwrap();
    let small = [
        "offsets.topic.segment.bytes",
        "transaction.state.log.segment.bytes",
    ];
    assert_eq!(warnings(&loaded, WarningKind::Other), small);
    let broker = loaded.config.broker();
    assert_eq!(broker.groups.topic_segment_bytes, 1 << 20);
    assert_eq!(broker.transactions.topic_segment_bytes, 1 << 20);
    assert_eq!(broker.groups.share.topic_segment_bytes, 2_000_000);
}

#[test]
fn without_anything_the_defaults_hold() {
    let loaded = Config::load(LoadOptions::default()).unwrap();
    let broker = loaded.config.broker();
    assert_eq!(loaded.warnings, []);
    assert_eq!(broker.node.id, 1);
    assert_eq!(broker.node.cluster_name, "local");
    assert_eq!(broker.listeners.len(), 1);
    assert_eq!(
        broker.listeners[0].to_string(),
        "PLAINTEXT://localhost:9092"
    );
    assert_eq!(
        broker.http.listeners[0].to_string(),
        "http://localhost:8080"
    );
    assert_eq!(broker.storage.log_dirs, [PathBuf::from("./limpid-data")]);
    assert!(broker.storage.log_dirs_is_default);
    assert!(!broker.storage.auto_format);
    assert!(broker.topics.auto_create);
    assert_eq!(broker.node.drain_timeout_ms, 25_000);
    assert_eq!(broker.resources.worker_threads, None);
    assert!(broker.network.validate_compressed_records);
    assert_eq!(broker.storage.min_free_bytes(100 << 30), 5 << 30);
    assert_eq!(broker.storage.min_free_bytes(1 << 30), 1 << 30);
}

#[test]
fn kafkas_shipped_file_loads_unedited() {
    let loaded = load(include_str!("shipped.properties"), &[], &[]).unwrap();
    let broker = loaded.config.broker();
    assert_eq!(broker.listeners.len(), 1, "the controller's is not opened");
    assert_eq!(broker.listeners[0].host, None);
    assert_eq!(broker.listeners[0].advertised.host, "localhost");
    assert_eq!(broker.listeners[0].advertised.port, Some(9092));
    assert_eq!(
        broker.storage.log_dirs,
        [PathBuf::from("/tmp/kraft-combined-logs")]
    );
    assert!(!broker.storage.log_dirs_is_default);
    assert_eq!(broker.topic_defaults.retention_ms, 604_800_000);
    assert_eq!(warnings(&loaded, WarningKind::Unknown), [""; 0]);
    assert_eq!(warnings(&loaded, WarningKind::Removed), [""; 0]);
    let idle = warnings(&loaded, WarningKind::NoEffect);
    assert!(idle.contains(&"num.network.threads"), "{idle:?}");
    let lines = loaded.warning_lines();
    assert_eq!(
        lines.len(),
        2,
        "one for all entries without effect, one for listeners: {lines:?}"
    );
    assert!(lines[1].contains("not opened"), "{lines:?}");
    assert!(
        load(
            include_str!("shipped.properties"),
            &["limpid.config.strict=true"],
            &[]
        )
        .is_ok()
    );
}

#[test]
fn overrides_win_over_environment_over_file_over_defaults() {
    let node = |overrides: &[&str], env: &[(&str, &str)], file: &str| {
        load(file, overrides, env)
            .unwrap()
            .config
            .broker()
            .topics
            .num_partitions
    };
    let env = [("KAFKA_NUM_PARTITIONS", "3")];
    assert_eq!(node(&[], &[], ""), 1);
    assert_eq!(node(&[], &[], "num.partitions=2"), 2);
    assert_eq!(node(&[], &env, "num.partitions=2"), 3);
    assert_eq!(node(&["num.partitions=4"], &env, "num.partitions=2"), 4);
    assert_eq!(node(&["num.partitions=4", "num.partitions=5"], &env, ""), 5);
}

#[test]
fn origins_say_where() {
    let text = "\nnum.partitions=x\n";
    let message = only_error(load(text, &[], &[]));
    assert!(
        message.contains("server.properties:2: num.partitions: \"x\""),
        "{message}"
    );
    let message = only_error(load("", &["num.partitions=x"], &[]));
    assert!(
        message.starts_with("--override: num.partitions: "),
        "{message}"
    );
    let message = only_error(load("", &[], &[("KAFKA_NUM_PARTITIONS", "x")]));
    assert!(
        message.starts_with("environment variable KAFKA_NUM_PARTITIONS: num.partitions: "),
        "{message}"
    );
}

#[test]
fn all_errors_are_found_in_one_go() {
    let errors = load("a=\\u1", &["nonsense", "limpid.x=1"], &[]).unwrap_err();
    assert_eq!(errors.0.len(), 3, "{errors}");
    let errors = load(
        "num.partitions=0\nlimpid.storage.autoformat=true\n",
        &[],
        &[],
    )
    .unwrap_err();
    assert_eq!(errors.0.len(), 2, "{errors}");
}

#[test]
fn unknown_own_keys_are_fatal_and_name_the_nearest() {
    let message = only_error(load("# c\nlimpid.cluster.nmae=x", &[], &[]));
    assert!(message.contains(":2: limpid.cluster.nmae: "), "{message}");
    assert!(
        message.contains("did you mean limpid.cluster.name?"),
        "{message}"
    );
    let message = only_error(load("", &[], &[("KAFKA_LIMPID_CLUSTER_NMAE", "x")]));
    assert!(message.contains("limpid.cluster.name"), "{message}");
    // LIMPID_* may belong to scripts and tests: a warning, with the same hint
    let loaded = load("", &[], &[("LIMPID_CLUSTER_NMAE", "x")]).unwrap();
    assert!(loaded.warning_lines()[0].contains("did you mean limpid.cluster.name?"));
}

#[test]
fn strangers_warn_unless_strict() {
    let loaded = load("my.key=1\nretention.ms=5\n", &[], &[]).unwrap();
    assert_eq!(
        warnings(&loaded, WarningKind::Unknown),
        ["my.key", "retention.ms"]
    );
    let lines = loaded.warning_lines();
    assert!(lines[1].contains("log.retention.ms"), "{lines:?}");
    let errors = load("my.key=1", &["limpid.config.strict=true"], &[]).unwrap_err();
    assert!(errors.to_string().contains("my.key"), "{errors}");
}

#[test]
fn removed_keys_warn_and_are_ignored() {
    let text = "zookeeper.connect=h:2181\ninter.broker.protocol.version=2.8\nhost.name=h\n";
    let loaded = load(text, &["limpid.config.strict=true"], &[]).unwrap();
    let removed = [
        "host.name",
        "inter.broker.protocol.version",
        "zookeeper.connect",
    ];
    assert_eq!(warnings(&loaded, WarningKind::Removed), removed);
    assert!(loaded.warning_lines()[0].contains("removed in Kafka 4.0, ignored"));
    assert_eq!(loaded.config.explicit("zookeeper.connect"), None);
}

#[test]
fn duplicates_warn_and_the_last_holds() {
    let loaded = load("num.partitions=2\nnum.partitions=3\n", &[], &[]).unwrap();
    assert_eq!(loaded.config.broker().topics.num_partitions, 3);
    assert_eq!(
        warnings(&loaded, WarningKind::Duplicate),
        ["num.partitions"]
    );
    assert!(loaded.warning_lines()[0].contains(":2: num.partitions: also given at"));
}

#[test]
fn the_command_line_may_say_where_a_secret_is() {
    let key = "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config";
    let login = "x.ScramLoginModule required;";
    let overrides = [
        "config.providers=env",
        "config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider",
        &format!("{key}=${{env:LOGIN}}"),
    ];
    let loaded = load("", &overrides, &[("LOGIN", login)]).unwrap();
    assert_eq!(loaded.config.get(key), Some(login));
    let with_secret = format!("{key}={login}");
    assert!(load("", &[&with_secret], &[]).is_err());
}

#[test]
fn secrets_are_refused_on_the_command_line_and_never_shown() {
    for key in ["ssl.key.password", "sasl.jaas.config", "my.api.token"] {
        let message = only_error(load("", &[&format!("{key}=geheim")], &[]));
        assert!(
            message.contains(key) && !message.contains("geheim"),
            "{message}"
        );
    }
    let text = "ssl.key.password=geheim\nmy.secret=geheim\n\
                listener.name.x.ssl.keystore.password=geheim\n";
    let loaded = load(text, &[], &[("KAFKA_SASL_JAAS_CONFIG", "geheim")]).unwrap();
    let shown = format!("{:?}\n{}\n{loaded:?}", loaded.config, loaded.config);
    assert!(!shown.contains("geheim"), "{shown}");
    assert!(shown.contains(REDACTED));
    assert!(!loaded.warning_lines().join("\n").contains("geheim"));
    // reaching them is a decision of its own
    assert_eq!(loaded.config.explicit("ssl.key.password"), Some("geheim"));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let options = LoadOptions {
        file: Some("/nonexistent/server.properties".into()),
        ..Default::default()
    };
    let message = only_error(Config::load(options));
    assert!(
        message.contains("/nonexistent/server.properties"),
        "{message}"
    );
}

#[test]
fn placeholders_are_replaced_before_checking() {
    let text = "config.providers=env\n\
                config.providers.env.class=\
                org.apache.kafka.common.config.provider.EnvVarConfigProvider\n\
                num.partitions=${env:PARTITIONS}\nbroker.rack=${other:x}\n";
    let loaded = load(text, &[], &[("PARTITIONS", "7")]).unwrap();
    assert_eq!(loaded.config.broker().topics.num_partitions, 7);
    assert_eq!(
        loaded.config.broker().node.rack.as_deref(),
        Some("${other:x}")
    );
    let message = only_error(load(text, &[], &[]));
    assert!(
        message.contains(":3: num.partitions: ") && message.contains("PARTITIONS"),
        "{message}"
    );
    let message = only_error(load("config.providers=env", &[], &[]));
    assert!(message.contains("config.providers.env.class"), "{message}");
}

#[test]
fn what_would_change_the_meaning_is_refused() {
    for (text, key) in [
        ("listeners=SSL://:9093", "ssl.keystore.location"),
        ("process.roles=broker", "process.roles"),
        ("process.roles=controller", "process.roles"),
        (
            "controller.quorum.voters=1@a:1,2@b:1",
            "controller.quorum.voters",
        ),
        (
            "controller.quorum.bootstrap.servers=a:1,b:1",
            "controller.quorum.bootstrap.servers",
        ),
        ("authorizer.class.name=x.Y", "authorizer.class.name"),
        (
            "remote.log.storage.system.enable=true",
            "remote.log.storage.system.enable",
        ),
        ("node.id=1\nbroker.id=2", "broker.id"),
        (
            "limpid.request.memory.bytes=1000",
            "limpid.request.memory.bytes",
        ),
        ("queued.max.request.bytes=1000", "queued.max.request.bytes"),
        (
            "max.connections.per.ip.overrides=a:b",
            "max.connections.per.ip.overrides",
        ),
        (
            "security.inter.broker.protocol=SSL",
            "security.inter.broker.protocol",
        ),
        ("limpid.http.listeners=ftp://:1", "limpid.http.listeners"),
        ("limpid.disk.min.free=much", "limpid.disk.min.free"),
    ] {
        let message = only_error(load(text, &[], &[]));
        assert!(message.contains(&format!("{key}: ")), "{text}: {message}");
        let is_set = text.contains(key);
        assert!(
            !is_set || message.contains("server.properties:"),
            "{text}: {message}"
        );
    }
    assert!(load("controller.quorum.voters=7@a:1\nnode.id=7", &[], &[]).is_ok());
}

#[test]
fn a_node_has_one_id_under_two_names() {
    let id = |text: &str| load(text, &[], &[]).unwrap().config.broker().node.id;
    assert_eq!(id("broker.id=4"), 4);
    assert_eq!(id("node.id=5"), 5);
    assert_eq!(id("broker.id=-1"), 1);
    assert_eq!(id("broker.id=5\nnode.id=5"), 5);
}

#[test]
fn request_memory_has_kafkas_name_as_well() {
    let bytes = |text: &str| {
        load(text, &[], &[])
            .unwrap()
            .config
            .broker()
            .resources
            .clone()
    };
    assert_eq!(
        bytes("queued.max.request.bytes=200000000").request_memory_bytes,
        200_000_000
    );
    assert_eq!(
        bytes("queued.max.request.bytes=-1").request_memory_bytes,
        256 << 20
    );
    let both = "queued.max.request.bytes=200000000\nlimpid.request.memory.bytes=300000000";
    assert_eq!(bytes(both).request_memory_bytes, 300_000_000);
}

#[test]
fn typed_values_follow_their_entries() {
    let text = "log.dirs=/a, /b\nmax.connections.per.ip.overrides=127.0.0.1:5,[::1]:6\n\
                connections.max.idle.ms=-1\n\
                limpid.http.listeners=http://:8080,http://[::1]:9000\n\
                limpid.validate.compressed=header\nlimpid.log.format=json\n\
                limpid.worker.threads=3\nlimpid.disk.min.free=1MiB\n\
                limpid.disk.min.free.bytes=0\nbroker.rack= r1 \n";
    let loaded = load(text, &[], &[]).unwrap();
    let broker = loaded.config.broker();
    assert_eq!(
        broker.storage.log_dirs,
        [PathBuf::from("/a"), PathBuf::from("/b")]
    );
    let overrides = &broker.network.connections.per_ip_overrides;
    assert_eq!(overrides[&"127.0.0.1".parse().unwrap()], 5);
    assert_eq!(overrides[&"::1".parse().unwrap()], 6);
    assert_eq!(broker.network.connections_max_idle_ms, None);
    assert_eq!(broker.http.listeners.len(), 2);
    assert!(!broker.network.validate_compressed_records);
    assert!(broker.logging.json);
    assert_eq!(broker.resources.worker_threads, Some(3));
    assert_eq!(broker.storage.min_free_bytes(1 << 40), 1 << 20);
    assert_eq!(broker.node.rack.as_deref(), Some("r1"));
}

#[test]
fn a_listener_has_its_own_limits_or_the_brokers() {
    let text = "listeners=PLAINTEXT://:9092,Own://:9093\n\
                listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OWN:PLAINTEXT\n\
                max.connections=100\nmax.connection.creation.rate=50\n\
                listener.name.own.max.connections=7\n";
    let loaded = load(text, &[], &[]).unwrap();
    assert_eq!(warnings(&loaded, WarningKind::NoEffect), Vec::<&str>::new());
    let broker = loaded.config.broker();
    let limits = |name: &str| {
        let limits = broker.network.connections.of_listener(name);
        (limits.max, limits.creation_rate_max)
    };
    assert_eq!(limits("PLAINTEXT"), (100, 50));
    let own = &broker.listeners[1].name;
    assert_eq!(limits(own), (7, 50));
    let wrong = only_error(load(
        "listener.name.plaintext.max.connections=many",
        &[],
        &[],
    ));
    assert!(
        wrong.contains("listener.name.plaintext.max.connections"),
        "{wrong}"
    );
}
