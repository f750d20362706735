//! How we connect as a client, under the names of Kafka's clients: from a file (`--command-config`),
//! or below a prefix of our own (`limpid.canary.`).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::error::{ConfigError, ConfigErrors, Origin};
use crate::jaas;
use crate::listeners::SecurityProtocol;
use crate::properties::{self, Entry};
use crate::secret::Secret;
use crate::security::{Keys, SaslMechanism, StoreConfig, key_store, trust_store};
use crate::values::{KeyedMessage, Values};

/// What a client needs to be let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientSecurity {
    /// TLS, if the listener speaks it.
    pub tls: Option<ClientTlsConfig>,
    /// The login, if the listener asks for one.
    pub login: Option<ClientLogin>,
}

/// TLS from the client's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTlsConfig {
    /// `ssl.truststore.*`: whose brokers are believed; the public authorities without it.
    pub trust_store: Option<StoreConfig>,
    /// `ssl.keystore.*`: the client's own certificate.
    pub key_store: Option<StoreConfig>,
    /// `ssl.endpoint.identification.algorithm=https`: the certificate must name the host.
    pub check_name: bool,
}

impl ClientTlsConfig {
    /// A client that shows nothing and believes the authorities in a file of PEM or PKCS12, or the
    /// public ones.
    pub fn trusting(file: Option<&Path>) -> Self {
        Self {
            trust_store: file.map(|path| StoreConfig::File {
                path: path.to_owned(),
                password: None,
                key_password: None,
                kind: "PEM".into(),
            }),
            key_store: None,
            check_name: true,
        }
    }
}

/// Name and password, and how they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientLogin {
    /// `sasl.mechanism`.
    pub mechanism: SaslMechanism,
    /// `username` of `sasl.jaas.config`.
    pub user: String,
    /// `password` of `sasl.jaas.config`.
    pub password: Secret,
}

const PROTOCOL: &str = "security.protocol";
const MECHANISM: &str = "sasl.mechanism";
const JAAS: &str = "sasl.jaas.config";
const IDENTIFICATION: &str = "ssl.endpoint.identification.algorithm";

/// What has an effect.
pub(crate) const HONOURED: &[&str] = &[
    PROTOCOL,
    MECHANISM,
    JAAS,
    IDENTIFICATION,
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

/// What Kafka's clients know beyond it, and what changes nothing for a login with a password.
const WITHOUT_EFFECT: &[&str] = &[
    "security.providers",
    "ssl.cipher.suites",
    "ssl.enabled.protocols",
    "ssl.keymanager.algorithm",
    "ssl.protocol",
    "ssl.provider",
    "ssl.secure.random.implementation",
    "ssl.trustmanager.algorithm",
];

/// The mechanisms that a client of ours has.
const MECHANISMS: [SaslMechanism; 3] = [
    SaslMechanism::Plain,
    SaslMechanism::ScramSha256,
    SaslMechanism::ScramSha512,
];

impl ClientSecurity {
    /// Reads a file of client properties. What it says of other things than security (`acks`,
    /// `bootstrap.servers`) is for other tools.
    ///
    /// # Errors
    /// The file can't be read, or what it says of security makes no sense.
    pub fn read_file(path: &Path) -> Result<Self, ConfigErrors> {
        let failed = |line, key: &str, message: String| ConfigError {
            origin: Some(Origin::File {
                path: Arc::new(path.to_owned()),
                line,
            }),
            key: key.to_owned(),
            message,
        };
        let bytes = std::fs::read(path).map_err(|error| ConfigError {
            origin: None,
            key: String::new(),
            message: format!("{}: {error}", path.display()),
        })?;
        let entries = properties::parse(&properties::decode(&bytes));
        let entries = entries.map_err(|e| failed(e.line, "", e.message.to_owned()))?;
        let strange: Vec<ConfigError> = entries
            .iter()
            .filter_map(|entry| Some(failed(entry.line, &entry.key, unknown(&entry.key)?)))
            .collect();
        if !strange.is_empty() {
            return Err(ConfigErrors(strange));
        }
        let lines: BTreeMap<&str, &Entry> = entries.iter().map(|e| (e.key.as_str(), e)).collect();
        let value = |key: &str| lines.get(key).map(|entry| entry.value.clone());
        let values = Values {
            value: &value,
            explicit: &|_| None,
            hostname: "",
        };
        let keys = Keys::below(&values, "", "");
        read(&keys, &keys).map_err(|(key, message)| {
            let error = match lines.get(key) {
                Some(entry) => failed(entry.line, key, message),
                None => ConfigError {
                    origin: None,
                    key: key.to_owned(),
                    message: format!("{message} (in {})", path.display()),
                },
            };
            error.into()
        })
    }
}

/// What is wrong with a key that looks as if it were about security.
fn unknown(key: &str) -> Option<String> {
    let about = ["security.", "ssl.", "sasl."];
    let known = HONOURED.contains(&key) || WITHOUT_EFFECT.contains(&key);
    if known || !about.iter().any(|start| key.starts_with(start)) {
        return None;
    }
    if key.starts_with("sasl.login.") || key.starts_with("sasl.kerberos.") {
        return None;
    }
    Some(match crate::nearest(key, HONOURED.iter().copied()) {
        Some(near) => format!("no such entry for this client (did you mean {near}?)"),
        None => format!(
            "no such entry for this client; there are {}",
            HONOURED.join(", ")
        ),
    })
}

/// Reads all of it. The trust store may come from elsewhere.
pub(crate) fn read(keys: &Keys<'_>, trust: &Keys<'_>) -> Result<ClientSecurity, KeyedMessage> {
    let protocol = protocol(keys)?;
    let tls = || -> Result<ClientTlsConfig, KeyedMessage> {
        let own = ["ssl.keystore.location", "ssl.keystore.certificate.chain"];
        let own = own.iter().any(|key| keys.some(key).is_some());
        Ok(ClientTlsConfig {
            trust_store: trust_store(trust),
            key_store: own.then(|| key_store(keys)).transpose()?,
            check_name: check_name(keys)?,
        })
    };
    Ok(ClientSecurity {
        tls: protocol.has_tls().then(tls).transpose()?,
        login: protocol.has_sasl().then(|| login(keys)).transpose()?,
    })
}

/// `security.protocol`; any case, as Kafka's clients take it.
pub(crate) fn protocol(keys: &Keys<'_>) -> Result<SecurityProtocol, KeyedMessage> {
    let Some(name) = keys.some(PROTOCOL) else {
        return Ok(SecurityProtocol::Plaintext);
    };
    let known = SecurityProtocol::of_name(&name.to_ascii_uppercase());
    known.ok_or_else(|| {
        let all = SecurityProtocol::ALL.map(SecurityProtocol::name).join(", ");
        (PROTOCOL, format!("{name:?} is not one of {all}"))
    })
}

fn check_name(keys: &Keys<'_>) -> Result<bool, KeyedMessage> {
    let algorithm = keys.find(IDENTIFICATION);
    match algorithm.as_deref().map(str::trim) {
        Some("") => Ok(false),
        None => Ok(true),
        Some(name) if name.eq_ignore_ascii_case("https") => Ok(true),
        Some(name) => {
            let message = format!("{name:?} is not known; https compares names, nothing does not");
            Err((IDENTIFICATION, message))
        }
    }
}

fn login(keys: &Keys<'_>) -> Result<ClientLogin, KeyedMessage> {
    let there_are = MECHANISMS.map(SaslMechanism::name).join(", ");
    let name = keys.some(MECHANISM).ok_or_else(|| {
        let message = format!("needed to log in (security.protocol); there are {there_are}");
        (MECHANISM, message)
    })?;
    let known = SaslMechanism::of_name(&name).filter(|one| MECHANISMS.contains(one));
    let mechanism = known.ok_or_else(|| {
        let message = format!("{name:?} is not available here; there are {there_are}");
        (MECHANISM, message)
    })?;
    let module = match mechanism {
        SaslMechanism::Plain => "org.apache.kafka.common.security.plain.PlainLoginModule",
        _ => "org.apache.kafka.common.security.scram.ScramLoginModule",
    };
    let example = || format!("{module} required username=\"…\" password=\"…\";");
    let text = keys.find(JAAS).filter(|text| !text.trim().is_empty());
    let needed = || (JAAS, format!("needed to log in, as in {}", example()));
    let entry = jaas::parse(&text.ok_or_else(needed)?).map_err(|message| (JAAS, message))?;
    if entry.module != module {
        let message =
            format!("{name} has the login module {module}, not the one that stands there");
        return Err((JAAS, message));
    }
    let option = |key: &str| {
        let value = entry.options.get(key).cloned();
        let value = value.filter(|value| !value.reveal().is_empty());
        value.ok_or_else(|| (JAAS, format!("it has no {key}; wanted is {}", example())))
    };
    Ok(ClientLogin {
        mechanism,
        user: option("username")?.reveal().to_owned(),
        password: option("password")?,
    })
}

#[cfg(test)]
mod tests;
