//! How listeners are protected.
//!
//! A key may be given for one listener, as `listener.name.<name>.<key>`; that of a SASL mechanism
//! for one mechanism of one listener, as `listener.name.<name>.<mechanism>.<key>`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::check::list_items;
use crate::jaas;
use crate::listeners::Listener;
use crate::secret::Secret;
use crate::values::{KeyedMessage, Values};

/// What protects one listener.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListenerSecurity {
    /// Certificates, when it speaks TLS.
    pub tls: Option<TlsConfig>,
    /// Logins, when its clients must log in.
    pub sasl: Option<SaslConfig>,
}

/// TLS of one listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// `ssl.keystore.*`: the broker's certificate and key.
    pub key_store: StoreConfig,
    /// `ssl.truststore.*`: whose clients' certificates are believed.
    pub trust_store: Option<StoreConfig>,
    /// `ssl.client.auth`.
    pub client_auth: ClientAuth,
    /// `ssl.enabled.protocols`, in Java's spelling.
    pub protocols: Vec<String>,
    /// `ssl.cipher.suites`, in Java's spelling; empty for the usual ones.
    pub cipher_suites: Vec<String>,
    /// `ssl.principal.mapping.rules`.
    pub principal_rules: String,
}

/// Where keys or certificates are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreConfig {
    /// A file; whether it is PEM, PKCS12 or Java's own format shows when it is read.
    File {
        /// Its path.
        path: PathBuf,
        /// What opens it.
        password: Option<Secret>,
        /// What opens the key within, if that is another one.
        key_password: Option<Secret>,
        /// `PEM`, `PKCS12` or `JKS`.
        kind: String,
    },
    /// PEM text in the configuration itself.
    Pem {
        /// Certificates.
        certificates: Secret,
        /// The private key; there is none in a trust store.
        key: Option<Secret>,
        /// What opens the key.
        key_password: Option<Secret>,
    },
}

/// Whether clients show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// They are not asked.
    None,
    /// They may.
    Requested,
    /// They must.
    Required,
}

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SaslMechanism {
    /// Name and password (RFC 4616).
    Plain,
    /// Proof of a password (RFC 5802) with SHA-256.
    ScramSha256,
    /// Proof of a password with SHA-512.
    ScramSha512,
    /// A token that somebody else has signed (RFC 7628).
    OauthBearer,
}

impl SaslMechanism {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Plain,
        Self::ScramSha256,
        Self::ScramSha512,
        Self::OauthBearer,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }

    /// The mechanism of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// Logins of one listener.
#[derive(Clone, Debug, PartialEq)]
pub struct SaslConfig {
    /// `sasl.enabled.mechanisms`, in their order.
    pub mechanisms: Vec<SaslMechanism>,
    /// `sasl.server.max.receive.size`.
    pub receive_bytes_max: usize,
    /// `connection.failed.authentication.delay.ms`.
    pub failure_delay_ms: u64,
    /// `connections.max.reauth.ms` where it is above 0: how long a login holds.
    pub session_ms_max: BTreeMap<SaslMechanism, u64>,
    /// The users of PLAIN and their passwords: `user_<name>` of its login module.
    pub plain_users: BTreeMap<String, Secret>,
    /// What tokens must look like, when OAUTHBEARER is enabled.
    pub oauth: Option<OauthConfig>,
}

/// What a token must look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthConfig {
    /// Who checks tokens.
    pub validator: OauthValidator,
    /// `sasl.oauthbearer.clock.skew.seconds`.
    pub clock_skew_seconds: u64,
    /// `sasl.oauthbearer.expected.audience`.
    pub audiences: Vec<String>,
    /// `sasl.oauthbearer.expected.issuer`.
    pub issuer: Option<String>,
    /// `sasl.oauthbearer.scope.claim.name`.
    pub scope_claim: String,
    /// `sasl.oauthbearer.sub.claim.name`.
    pub subject_claim: String,
}

/// Who checks tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OauthValidator {
    /// Kafka's default: tokens without signature, for development.
    Unsecured {
        /// `unsecuredValidatorRequiredScope`.
        required_scopes: Vec<String>,
        /// `unsecuredValidatorAllowableClockSkewMs`.
        clock_skew_ms: u64,
    },
    /// Signatures by the keys at `sasl.oauthbearer.jwks.endpoint.url`.
    Jwks {
        /// `file:`, `http:` or `https:`.
        url: String,
        /// `sasl.oauthbearer.jwks.endpoint.refresh.ms`.
        refresh_ms: u64,
        /// `sasl.oauthbearer.jwks.endpoint.retry.backoff.ms`.
        backoff_ms: u64,
        /// `sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms`.
        backoff_ms_max: u64,
    },
}

/// Reads what protects each listener, by its name.
pub(crate) fn listeners(
    values: &Values<'_>,
    listeners: &[Listener],
) -> Result<BTreeMap<String, ListenerSecurity>, KeyedMessage> {
    let mut all = BTreeMap::new();
    for listener in listeners {
        let keys = Keys::new(values, &listener.name);
        let protocol = listener.security;
        // As Kafka: where clients log in they are asked only if their listener says so.
        let asked = !protocol.has_sasl() || keys.is_own("ssl.client.auth");
        let tls = || Ok(tls(&keys, key_store(&keys)?, trust_store(&keys), asked));
        let security = ListenerSecurity {
            tls: protocol.has_tls().then(tls).transpose()?,
            sasl: protocol.has_sasl().then(|| sasl(&keys)).transpose()?,
        };
        all.insert(listener.name.clone(), security);
    }
    Ok(all)
}

/// Looks keys up for one listener first.
pub(crate) struct Keys<'a> {
    values: &'a Values<'a>,
    listener: &'a str,
    prefix: String,
}

impl<'a> Keys<'a> {
    fn new(values: &'a Values<'a>, listener: &'a str) -> Self {
        Self {
            values,
            listener,
            prefix: format!("listener.name.{}.", listener.to_ascii_lowercase()),
        }
    }

    /// Looks keys up below a prefix of ours first; `place` names it in errors.
    pub(crate) fn below(values: &'a Values<'a>, place: &'a str, prefix: &str) -> Self {
        Self {
            values,
            listener: place,
            prefix: prefix.to_owned(),
        }
    }

    pub(crate) fn find(&self, key: &str) -> Option<String> {
        let own = (self.values.explicit)(&format!("{}{key}", self.prefix));
        own.or_else(|| (self.values.value)(key))
    }

    fn is_own(&self, key: &str) -> bool {
        (self.values.explicit)(&format!("{}{key}", self.prefix)).is_some()
    }

    fn of_mechanism(&self, mechanism: SaslMechanism, key: &str) -> Option<String> {
        let name = mechanism.name().to_ascii_lowercase();
        let own = (self.values.explicit)(&format!("{}{name}.{key}", self.prefix));
        own.or_else(|| self.find(key))
    }

    fn text(&self, key: &str) -> String {
        self.find(key).unwrap_or_default().trim().to_owned()
    }

    pub(crate) fn some(&self, key: &str) -> Option<String> {
        Some(self.text(key)).filter(|text| !text.is_empty())
    }

    fn secret(&self, key: &str) -> Option<Secret> {
        // Not trimmed: white space may be part of a password.
        let text = self.find(key).filter(|text| !text.is_empty());
        text.map(Secret::new)
    }

    fn list(&self, key: &str) -> Vec<String> {
        list_items(&self.text(key)).map(str::to_owned).collect()
    }

    fn number(&self, key: &'static str) -> Result<u64, KeyedMessage> {
        let number: Result<i64, _> = self.text(key).parse();
        let number = number.map_err(|_| (key, format!("{}: not a number", self.listener)))?;
        Ok(u64::try_from(number).unwrap_or(0))
    }
}

/// Reads what protects HTTP: `limpid.http.ssl.*`, and `ssl.*` where that is silent. A store that HTTP
/// has of its own is opened with what belongs to it, never with the broker's passwords.
pub(crate) fn http_tls(values: &Values<'_>) -> Result<TlsConfig, KeyedMessage> {
    let own_only = Values {
        value: &|_| None,
        ..*values
    };
    let keys = |values| Keys::below(values, "limpid.http.listeners", "limpid.http.");
    let (own, all) = (keys(&own_only), keys(values));
    let of = |names: [&str; 2]| match names.iter().any(|name| own.some(name).is_some()) {
        true => &own,
        false => &all,
    };
    let key_keys = of(["ssl.keystore.location", "ssl.keystore.certificate.chain"]);
    let trust_keys = of(["ssl.truststore.location", "ssl.truststore.certificates"]);
    // What machines that speak Kafka must show is not asked of browsers and probes.
    let asked = all.is_own("ssl.client.auth");
    Ok(tls(
        &all,
        key_store(key_keys)?,
        trust_store(trust_keys),
        asked,
    ))
}

/// `asked`: whether clients are asked for a certificate at all.
fn tls(
    keys: &Keys<'_>,
    key_store: StoreConfig,
    trust_store: Option<StoreConfig>,
    asked: bool,
) -> TlsConfig {
    let client_auth = match keys.text("ssl.client.auth").as_str() {
        "required" if asked => ClientAuth::Required,
        "requested" if asked => ClientAuth::Requested,
        _ => ClientAuth::None,
    };
    TlsConfig {
        key_store,
        trust_store,
        client_auth,
        protocols: keys.list("ssl.enabled.protocols"),
        cipher_suites: keys.list("ssl.cipher.suites"),
        principal_rules: keys.text("ssl.principal.mapping.rules"),
    }
}

pub(crate) fn key_store(keys: &Keys<'_>) -> Result<StoreConfig, KeyedMessage> {
    let key_password = keys.secret("ssl.key.password");
    if let Some(certificates) = keys.secret("ssl.keystore.certificate.chain") {
        let key = keys.secret("ssl.keystore.key");
        if key.is_none() {
            let message = "goes with ssl.keystore.certificate.chain".into();
            return Err(("ssl.keystore.key", message));
        }
        return Ok(StoreConfig::Pem {
            certificates,
            key,
            key_password,
        });
    }
    let Some(path) = keys.some("ssl.keystore.location") else {
        let message = format!(
            "the listener {} speaks TLS and needs a certificate",
            keys.listener
        );
        return Err(("ssl.keystore.location", message));
    };
    Ok(StoreConfig::File {
        path: path.into(),
        password: keys.secret("ssl.keystore.password"),
        key_password,
        kind: keys.text("ssl.keystore.type"),
    })
}

pub(crate) fn trust_store(keys: &Keys<'_>) -> Option<StoreConfig> {
    if let Some(certificates) = keys.secret("ssl.truststore.certificates") {
        return Some(StoreConfig::Pem {
            certificates,
            key: None,
            key_password: None,
        });
    }
    Some(StoreConfig::File {
        path: keys.some("ssl.truststore.location")?.into(),
        password: keys.secret("ssl.truststore.password"),
        key_password: None,
        kind: keys.text("ssl.truststore.type"),
    })
}

fn sasl(keys: &Keys<'_>) -> Result<SaslConfig, KeyedMessage> {
    const MECHANISMS: &str = "sasl.enabled.mechanisms";
    let mut mechanisms = Vec::new();
    for name in keys.list(MECHANISMS) {
        let known = SaslMechanism::of_name(&name).ok_or_else(|| {
            let known: Vec<&str> = SaslMechanism::ALL.iter().map(|one| one.name()).collect();
            let message = format!(
                "the listener {} wants {name}, which is not available; there are {}",
                keys.listener,
                known.join(", ")
            );
            (MECHANISMS, message)
        })?;
        mechanisms.push(known);
    }
    if mechanisms.is_empty() {
        let message = format!("the listener {} has none", keys.listener);
        return Err((MECHANISMS, message));
    }
    let has = |mechanism| mechanisms.contains(&mechanism);
    let plain_users = match has(SaslMechanism::Plain) {
        true => plain_users(keys)?,
        false => BTreeMap::new(),
    };
    let oauth = has(SaslMechanism::OauthBearer).then(|| oauth(keys));
    let mut session_ms_max = BTreeMap::new();
    for mechanism in &mechanisms {
        const KEY: &str = "connections.max.reauth.ms";
        let text = keys.of_mechanism(*mechanism, KEY).unwrap_or_default();
        let limit: Result<i64, _> = text.trim().parse();
        let limit = limit.map_err(|_| (KEY, format!("{}: not a number", keys.listener)))?;
        if let Some(limit) = u64::try_from(limit).ok().filter(|limit| *limit > 0) {
            session_ms_max.insert(*mechanism, limit);
        }
    }
    let receive_bytes_max = keys.number("sasl.server.max.receive.size")?;
    Ok(SaslConfig {
        receive_bytes_max: usize::try_from(receive_bytes_max).unwrap_or(usize::MAX),
        failure_delay_ms: keys.number("connection.failed.authentication.delay.ms")?,
        session_ms_max,
        plain_users,
        oauth: oauth.transpose()?,
        mechanisms,
    })
}

fn jaas(
    keys: &Keys<'_>,
    mechanism: SaslMechanism,
) -> Result<Option<jaas::JaasEntry>, KeyedMessage> {
    const KEY: &str = "sasl.jaas.config";
    let Some(text) = keys.of_mechanism(mechanism, KEY) else {
        return Ok(None);
    };
    let wrong = |message| (KEY, format!("of {}: {message}", keys.listener));
    jaas::parse(&text).map(Some).map_err(wrong)
}

fn plain_users(keys: &Keys<'_>) -> Result<BTreeMap<String, Secret>, KeyedMessage> {
    let users: BTreeMap<String, Secret> = jaas(keys, SaslMechanism::Plain)?
        .into_iter()
        .flat_map(|entry| entry.options)
        .filter_map(|(key, value)| Some((key.strip_prefix("user_")?.to_owned(), value)))
        .collect();
    if users.is_empty() {
        let message = format!(
            "{}plain.sasl.jaas.config must name the users of PLAIN, as in \
             org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=…;",
            keys.prefix
        );
        return Err(("sasl.jaas.config", message));
    }
    Ok(users)
}

fn oauth(keys: &Keys<'_>) -> Result<OauthConfig, KeyedMessage> {
    let validator = match keys.some("sasl.oauthbearer.jwks.endpoint.url") {
        Some(url) => OauthValidator::Jwks {
            url: checked_url(url)?,
            refresh_ms: keys.number("sasl.oauthbearer.jwks.endpoint.refresh.ms")?,
            backoff_ms: keys.number("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms")?,
            backoff_ms_max: keys.number("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms")?,
        },
        None => unsecured(keys)?,
    };
    Ok(OauthConfig {
        validator,
        clock_skew_seconds: keys.number("sasl.oauthbearer.clock.skew.seconds")?,
        audiences: keys.list("sasl.oauthbearer.expected.audience"),
        issuer: keys.some("sasl.oauthbearer.expected.issuer"),
        scope_claim: keys.text("sasl.oauthbearer.scope.claim.name"),
        subject_claim: keys.text("sasl.oauthbearer.sub.claim.name"),
    })
}

fn checked_url(url: String) -> Result<String, KeyedMessage> {
    let known = ["file:", "http://", "https://"];
    if known.iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(url);
    }
    let message = "must begin with file:, http:// or https://".into();
    Err(("sasl.oauthbearer.jwks.endpoint.url", message))
}

/// Anybody can write a token without signature, so this must be asked for: Kafka asks for it by the
/// same login module.
fn unsecured(keys: &Keys<'_>) -> Result<OauthValidator, KeyedMessage> {
    let Some(entry) = jaas(keys, SaslMechanism::OauthBearer)? else {
        let message = format!(
            "the listener {} has OAUTHBEARER: name the keys of the token server here (or, for \
             development only, set {}oauthbearer.sasl.jaas.config to accept unsigned tokens)",
            keys.listener, keys.prefix
        );
        return Err(("sasl.oauthbearer.jwks.endpoint.url", message));
    };
    let option = |name: &str| {
        let secret = entry.options.get(name)?;
        Some(secret.reveal().to_owned())
    };
    let skew = option("unsecuredValidatorAllowableClockSkewMs");
    Ok(OauthValidator::Unsecured {
        required_scopes: option("unsecuredValidatorRequiredScope")
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        clock_skew_ms: skew.and_then(|text| text.parse().ok()).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests;
