//! TLS of a listener: rustls' configuration, made of key stores and made again when they change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use limpid_config::{ClientAuth, StoreConfig, TlsConfig};
use parking_lot::Mutex;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, InconsistentKeys, RootCertStore, ServerConfig, SupportedProtocolVersion};
use x509_cert::der::{Decode, Encode};

use crate::names::NameRules;
use crate::principal::Principal;
use crate::stores::{self, Identity, StoreError};
use crate::subject::subject;

/// Why a listener can't speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A key store or trust store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A setting.
    #[error("{key}: {reason}")]
    Setting {
        /// The setting.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate, key and settings don't go together.
    #[error("{0}")]
    Rustls(#[from] rustls::Error),
}

/// What a handshake needs.
pub struct Material {
    /// For rustls.
    pub server: Arc<ServerConfig>,
    /// When the broker's certificate runs out, in seconds since 1970.
    pub expires_at: Option<i64>,
    rules: NameRules,
}

impl Material {
    /// Reads the stores and puts everything together.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn load(config: &TlsConfig) -> Result<Self, TlsError> {
        let provider = Arc::new(provider(config)?);
        let identity = stores::read_identity(&config.key_store)?;
        let expires_at = identity.chain.first().and_then(expiry);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions(config)?)?;
        let builder = match client_verifier(config, &provider)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let own = certified(identity, &provider)?;
        let server = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(own)));
        let rules = NameRules::parse(&config.principal_rules)
            .map_err(setting("ssl.principal.mapping.rules"))?;
        Ok(Self {
            server: Arc::new(server),
            expires_at,
            rules,
        })
    }

    /// The principal of a client with this certificate; `None` when the rules have no name for it.
    pub fn principal(&self, certificates: Option<&[CertificateDer<'_>]>) -> Option<Principal> {
        let Some(own) = certificates.and_then(<[_]>::first) else {
            return Some(Principal::anonymous());
        };
        let name = self.rules.name(&subject(own)?)?;
        Some(Principal::user(&name))
    }
}

pub(crate) fn setting<E: ToString>(key: &'static str) -> impl Fn(E) -> TlsError {
    move |reason| TlsError::Setting {
        key,
        reason: reason.to_string(),
    }
}

/// rustls' names of cipher suites are Java's, but for a `13` in those of TLS 1.3.
fn provider(config: &TlsConfig) -> Result<CryptoProvider, TlsError> {
    let mut provider = rustls::crypto::ring::default_provider();
    if config.cipher_suites.is_empty() {
        return Ok(provider);
    }
    let java_name = |suite: &rustls::SupportedCipherSuite| {
        let name = format!("{:?}", suite.suite());
        name.replacen("TLS13_", "TLS_", 1)
    };
    let wanted = &config.cipher_suites;
    provider
        .cipher_suites
        .retain(|suite| wanted.contains(&java_name(suite)));
    if provider.cipher_suites.is_empty() {
        let known: Vec<String> = rustls::crypto::ring::ALL_CIPHER_SUITES
            .iter()
            .map(java_name)
            .collect();
        let reason = format!("none of them is known; there are {}", known.join(", "));
        return Err(setting("ssl.cipher.suites")(reason));
    }
    Ok(provider)
}

fn versions(config: &TlsConfig) -> Result<Vec<&'static SupportedProtocolVersion>, TlsError> {
    let version = |name: &String| match name.as_str() {
        "TLSv1.3" => Some(&rustls::version::TLS13),
        "TLSv1.2" => Some(&rustls::version::TLS12),
        _ => None,
    };
    let found: Vec<_> = config.protocols.iter().filter_map(version).collect();
    if found.is_empty() {
        let reason = "only TLSv1.2 and TLSv1.3 are spoken";
        return Err(setting("ssl.enabled.protocols")(reason));
    }
    Ok(found)
}

fn client_verifier(
    config: &TlsConfig,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    if config.client_auth == ClientAuth::None {
        return Ok(None);
    }
    let Some(store) = &config.trust_store else {
        let reason = "needed to check the certificates of clients (ssl.client.auth)";
        return Err(setting("ssl.truststore.location")(reason));
    };
    let mut roots = RootCertStore::empty();
    for certificate in stores::read_trusted(store)? {
        roots.add(certificate)?;
    }
    let mut builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    if config.client_auth == ClientAuth::Requested {
        builder = builder.allow_unauthenticated();
    }
    builder
        .build()
        .map(Some)
        .map_err(setting("ssl.truststore.location"))
}

/// Certificate and key, which must belong together.
///
/// rustls reads only certificates of X.509 version 3. Java's brokers have always served version 1
/// too, which is what the usual recipe (`openssl x509 -req` without extensions) makes; whether to
/// trust it is for the client to say.
fn certified(identity: Identity, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let key = provider.key_provider.load_private_key(identity.key)?;
    let own = CertifiedKey::new(identity.chain, key);
    match own.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(own),
        Err(error @ Error::InvalidCertificate(_)) => match holds_key_of(&own) {
            Some(true) => Ok(own),
            Some(false) => Err(Error::from(InconsistentKeys::KeyMismatch).into()),
            None => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}

/// Whether the certificate is about the key; `None` when it can't be read at all.
fn holds_key_of(own: &CertifiedKey) -> Option<bool> {
    let certificate = x509_cert::Certificate::from_der(own.cert.first()?).ok()?;
    let named = certificate
        .tbs_certificate()
        .subject_public_key_info()
        .to_der()
        .ok()?;
    Some(own.key.public_key()?.as_ref() == named)
}

fn expiry(certificate: &CertificateDer<'_>) -> Option<i64> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let until = certificate
        .tbs_certificate()
        .validity()
        .not_after
        .to_unix_duration();
    i64::try_from(until.as_secs()).ok()
}

/// The material in force, and what it was made of.
pub struct Reloading {
    current: ArcSwap<Material>,
    origin: Mutex<Origin>,
}

/// Settings, and the state of the files they name.
#[derive(PartialEq)]
struct Origin {
    config: TlsConfig,
    files: Vec<Stamp>,
}

/// What changes when a file is written or replaced.
type Stamp = (PathBuf, Option<(SystemTime, u64)>);

impl Reloading {
    /// Loads for the first time.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn load(config: &TlsConfig) -> Result<Self, TlsError> {
        // Before the files are read, so that a change in between is seen next time.
        let origin = Origin::of(config);
        Ok(Self {
            current: ArcSwap::from_pointee(Material::load(config)?),
            origin: Mutex::new(origin),
        })
    }

    /// The material now.
    pub fn current(&self) -> Arc<Material> {
        self.current.load_full()
    }

    /// Loads again if settings or files changed, or anyway. Returns whether there is something new;
    /// connections that are open keep what they began with. Blocks on files.
    ///
    /// # Errors
    /// The old material stays, and the same change is not tried again.
    pub fn reload(&self, config: &TlsConfig, anyway: bool) -> Result<bool, TlsError> {
        let now = Origin::of(config);
        let mut origin = self.origin.lock();
        if *origin == now && !anyway {
            return Ok(false);
        }
        *origin = now;
        let material = Material::load(config)?;
        self.current.store(Arc::new(material));
        Ok(true)
    }
}

impl Origin {
    fn of(config: &TlsConfig) -> Self {
        let stores = std::iter::once(&config.key_store).chain(&config.trust_store);
        let stamp = |path: &Path| {
            let state = std::fs::metadata(path).ok();
            let state = state.and_then(|file| Some((file.modified().ok()?, file.len())));
            (path.to_owned(), state)
        };
        let files = stores.filter_map(|store| match store {
            StoreConfig::File { path, .. } => Some(stamp(path)),
            StoreConfig::Pem { .. } => None,
        });
        Self {
            config: config.clone(),
            files: files.collect(),
        }
    }
}

#[cfg(test)]
mod tests;
