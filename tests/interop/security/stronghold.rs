//! A broker with a listener for each way in, and the clients that know the way.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::ports;
use limpid_interop::process::{Finished, run};
use limpid_interop::tools::{Kafka, Tools, helpers};

const LIMIT: Duration = Duration::from_secs(60);
const MODULES: &str = "org.apache.kafka.common.security";
/// The password of alice, on every listener.
pub const PASSWORD: &str = "alice-secret";

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// TLS with a certificate of the client's own.
    Certificate,
    /// A login over an open line.
    Sasl(&'static str),
    /// A login over TLS.
    SaslTls(&'static str),
}

impl Way {
    /// All that every client knows.
    pub const ALL: [Self; 7] = [
        Self::Certificate,
        Self::Sasl("PLAIN"),
        Self::Sasl("SCRAM-SHA-256"),
        Self::Sasl("SCRAM-SHA-512"),
        Self::SaslTls("PLAIN"),
        Self::SaslTls("SCRAM-SHA-256"),
        Self::SaslTls("SCRAM-SHA-512"),
    ];

    /// For names of topics.
    pub fn name(self) -> String {
        let text = format!("{self:?}").to_ascii_lowercase();
        text.replace(['(', '"'], "-").replace(')', "")
    }

    const fn protocol(self) -> &'static str {
        match self {
            Self::Certificate => "SSL",
            Self::Sasl(_) => "SASL_PLAINTEXT",
            Self::SaslTls(_) => "SASL_SSL",
        }
    }

    const fn mechanism(self) -> Option<&'static str> {
        match self {
            Self::Certificate => None,
            Self::Sasl(mechanism) | Self::SaslTls(mechanism) => Some(mechanism),
        }
    }
}

/// The broker.
pub struct Stronghold {
    pub peer: Peer,
    pub tools: Tools,
    folder: PathBuf,
    ports: [u16; 3],
}

/// A file among the test keys of the crate `security`.
pub fn fixture(name: &str) -> PathBuf {
    helpers().join("../../crates/security/fixtures").join(name)
}

impl Stronghold {
    /// Started and answering on its plain listener, where everybody is `User:ANONYMOUS`.
    pub fn start(lab: &Lab, name: &str, more: &[(&str, &str)], format: &[&str]) -> Result<Self> {
        let folder = lab.folder(name)?;
        let mut peer = Peer::new(lab.kind().clone(), &lab.tools, &folder, more)?;
        peer.format_args = format.iter().map(|word| (*word).to_owned()).collect();
        let ports = [ports::next()?, ports::next()?, ports::next()?];
        let names = ["SSL", "SASL_PLAINTEXT", "SASL_SSL"];
        let (plain, controller) = (peer.port(), peer.controller_port());
        let mut advertised = format!("PLAINTEXT://127.0.0.1:{plain}");
        let mut map = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT".to_owned();
        for (name, port) in names.iter().zip(ports) {
            advertised.push_str(&format!(",{name}://127.0.0.1:{port}"));
            map.push_str(&format!(",{name}:{name}"));
        }
        peer.set(
            "listeners",
            &format!("{advertised},CONTROLLER://127.0.0.1:{controller}"),
        );
        peer.set("advertised.listeners", &advertised);
        peer.set("listener.security.protocol.map", &map);
        let key_store = folder.join("broker.p12");
        std::fs::copy(fixture("broker-java.jks"), &key_store)?;
        for (key, path) in [
            ("keystore", key_store),
            ("truststore", fixture("trust-java.jks")),
        ] {
            peer.set(&format!("ssl.{key}.location"), &path.display().to_string());
            peer.set(&format!("ssl.{key}.password"), "changeit");
        }
        peer.set("ssl.key.password", "changeit");
        peer.set("listener.name.ssl.ssl.client.auth", "required");
        peer.set(
            "ssl.principal.mapping.rules",
            "RULE:^CN=(.*?),.*$/$1/,DEFAULT",
        );
        peer.set(
            "sasl.enabled.mechanisms",
            "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        );
        for listener in ["sasl_plaintext", "sasl_ssl"] {
            let key = |mechanism| format!("listener.name.{listener}.{mechanism}.sasl.jaas.config");
            let plain = format!(
                "{MODULES}.plain.PlainLoginModule required user_alice=\"{PASSWORD}\" \
                 user_bob=\"bob-secret\";"
            );
            peer.set(&key("plain"), &plain);
            for mechanism in ["scram-sha-256", "scram-sha-512"] {
                let module = format!("{MODULES}.scram.ScramLoginModule required;");
                peer.set(&key(mechanism), &module);
            }
        }
        peer.format()?;
        peer.start()?;
        Ok(Self {
            peer,
            tools: lab.tools.clone(),
            folder,
            ports,
        })
    }

    /// The port of a way in.
    pub fn port(&self, way: Way) -> u16 {
        match way {
            Way::Certificate => self.ports[0],
            Way::Sasl(_) => self.ports[1],
            Way::SaslTls(_) => self.ports[2],
        }
    }

    /// `host:port` of a way in.
    pub fn address(&self, way: Way) -> String {
        format!("127.0.0.1:{}", self.port(way))
    }

    /// Where the broker's key store is, to be replaced.
    pub fn key_store(&self) -> PathBuf {
        self.folder.join("broker.p12")
    }

    /// The settings of librdkafka.
    fn librdkafka(way: Way, user: &str, password: &str) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("security.protocol", way.protocol().to_owned()),
            ("ssl.ca.location", fixture("ca.pem").display().to_string()),
        ];
        if let Some(mechanism) = way.mechanism() {
            settings.push(("sasl.mechanism", mechanism.to_owned()));
            settings.push(("sasl.username", user.to_owned()));
            settings.push(("sasl.password", password.to_owned()));
        } else {
            let own = fixture("alice.pem").display().to_string();
            settings.push(("ssl.certificate.location", own.clone()));
            settings.push(("ssl.key.location", own));
        }
        settings
    }

    /// kcat as a user; how it ended is the caller's business.
    pub fn kcat(
        &self,
        (way, user, password): (Way, &str, &str),
        args: &[&str],
        input: &str,
    ) -> Result<Finished> {
        let mut kcat = self.tools.kcat()?;
        kcat.args(["-b", &self.address(way)]);
        for (key, value) in Self::librdkafka(way, user, password) {
            kcat.arg("-X").arg(format!("{key}={value}"));
        }
        run(kcat.args(args), input.as_bytes(), LIMIT)
    }

    /// Whether kcat can log in: by SCRAM, its librdkafka (2.0) puts its part of the nonce twice into
    /// the last message, which Apache Kafka 4.3 refuses and Limpid lets pass.
    pub fn takes_kcat(&self, way: Way) -> bool {
        let is_scram = way.mechanism().is_some_and(|name| name != "PLAIN");
        !is_scram || *self.peer.kind() != Kind::Kafka
    }

    /// Whether a user gets in.
    pub fn admits(&self, (way, user, password): (Way, &str, &str)) -> Result<bool> {
        let said = if self.takes_kcat(way) {
            self.kcat((way, user, password), &["-L", "-m", "3"], "")?
        } else {
            self.python_as(
                (way, user, password),
                &["produce", "nothing", "bootstrap_timeout_ms=3000"],
                "",
            )?
        };
        Ok(said.status.success())
    }

    /// kafka-python as alice.
    pub fn python(&self, way: Way, args: &[&str], input: &str) -> Result<Finished> {
        self.python_as((way, "alice", PASSWORD), args, input)?
            .success()
    }

    /// kafka-python as a user; how it ended is the caller's business.
    fn python_as(
        &self,
        (way, user, password): (Way, &str, &str),
        args: &[&str],
        input: &str,
    ) -> Result<Finished> {
        let mut settings = vec![
            format!("security_protocol=\"{}\"", way.protocol()),
            format!("ssl_cafile=\"{}\"", fixture("ca.pem").display()),
        ];
        if let Some(mechanism) = way.mechanism() {
            settings.push(format!("sasl_mechanism=\"{mechanism}\""));
            settings.push(format!("sasl_plain_username=\"{user}\""));
            settings.push(format!("sasl_plain_password=\"{password}\""));
        } else {
            let own = fixture("alice.pem").display().to_string();
            settings.push(format!("ssl_certfile=\"{own}\""));
            settings.push(format!("ssl_keyfile=\"{own}\""));
        }
        let mut python = self.tools.python()?;
        python.arg(helpers().join("python/client.py"));
        python
            .arg(args[0])
            .arg(self.address(way))
            .args(&args[1..])
            .args(settings);
        run(&mut python, input.as_bytes(), LIMIT)
    }

    /// A properties file for Java's tools.
    pub fn java_properties(&self, (way, user, password): (Way, &str, &str)) -> Result<PathBuf> {
        let mut text = format!("security.protocol={}\n", way.protocol());
        let mut line = |key: &str, value: &str| text.push_str(&format!("{key}={value}\n"));
        line(
            "ssl.truststore.location",
            &path_text(&fixture("trust-java.jks")),
        );
        line("ssl.truststore.password", "changeit");
        match way.mechanism() {
            None => {
                line("ssl.keystore.type", "PEM");
                line("ssl.keystore.location", &path_text(&fixture("alice.pem")));
            }
            Some(mechanism) => {
                let module = if mechanism == "PLAIN" {
                    "plain.PlainLoginModule"
                } else {
                    "scram.ScramLoginModule"
                };
                line("sasl.mechanism", mechanism);
                let login = format!("username=\"{user}\" password=\"{password}\"");
                line(
                    "sasl.jaas.config",
                    &format!("{MODULES}.{module} required {login};"),
                );
            }
        }
        let file = self
            .folder
            .join(format!("{}-{user}.properties", way.name()));
        std::fs::write(&file, text)?;
        Ok(file)
    }

    /// One of Java's tools as a user; how it ended is the caller's business.
    pub fn java(
        &self,
        who: (Way, &str, &str),
        (class, config): (&str, &str),
        args: &[&str],
        input: &str,
    ) -> Result<Finished> {
        let properties = self.java_properties(who)?;
        let mut java = self.tools.java(Kafka::V4_3)?;
        java.arg(class)
            .args(["--bootstrap-server", &self.address(who.0)]);
        java.arg(config).arg(properties).args(args);
        run(&mut java, input.as_bytes(), LIMIT)
    }

    /// One of Java's tools on the plain listener.
    pub fn administer(&self, class: &str, args: &[&str]) -> Result<String> {
        let mut java = self.tools.java(Kafka::V4_3)?;
        java.arg(class)
            .args(["--bootstrap-server", &self.peer.address()]);
        Ok(run(java.args(args), b"", LIMIT)?.success()?.text())
    }

    /// Makes a user of both kinds of SCRAM: in two steps, since a user may be altered only once in a
    /// request.
    pub fn make_user(&self, user: &str, password: &str) -> Result<()> {
        for credentials in [
            format!("SCRAM-SHA-256=[iterations=8192,password={password}]"),
            format!("SCRAM-SHA-512=[password={password}]"),
        ] {
            let args = ["--alter", "--add-config", &credentials];
            let entity = ["--entity-type", "users", "--entity-name", user];
            let said = self.administer(CONFIGS, &[&args[..], &entity].concat())?;
            let wanted = "Completed updating config for user";
            ensure!(said.contains(wanted), "kafka-configs said {said}");
        }
        Ok(())
    }
}

/// `kafka-configs`.
pub const CONFIGS: &str = "kafka.admin.ConfigCommand";
/// `kafka-acls`.
pub const ACLS: &str = "org.apache.kafka.tools.AclCommand";
/// `kafka-topics`, and how it takes its properties.
pub const TOPICS: (&str, &str) = ("org.apache.kafka.tools.TopicCommand", "--command-config");
/// `kafka-console-producer`.
pub const PRODUCER: (&str, &str) = ("org.apache.kafka.tools.ConsoleProducer", "--command-config");
/// `kafka-console-consumer`.
pub const CONSUMER: (&str, &str) = (
    "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "--command-config",
);

fn path_text(path: &Path) -> String {
    path.display().to_string()
}
