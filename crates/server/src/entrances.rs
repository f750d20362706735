//! What clients of each listener must show before they are let in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use limpid_broker::entrance::{Door, Entrance};
use limpid_broker::request_memory::RequestMemory;
use limpid_config::{BrokerConfig, OauthConfig, OauthValidator, SaslConfig};
use limpid_platform::clock::Clock;
use limpid_platform::random::{OsRandom, Random};
use limpid_security::jwks::KeySource;
use limpid_security::sasl::{FindScram, Realm};
use limpid_security::scram::{ScramCredential, ScramHash};
use limpid_security::tokens::{TokenRules, Trust};
use limpid_storage::metadata::MetadataLog;
use limpid_telemetry::Registry;

use crate::certificates::Certificates;
use crate::error::StartError;

/// Memory for the requests of clients that have not logged in yet, of all listeners together.
const LOGIN_MEMORY_BYTES: usize = 16 * 1024 * 1024;

/// What entrances are made of.
pub(crate) struct Entrances {
    certificates: Arc<Certificates>,
    sasl: BTreeMap<String, SaslConfig>,
    tokens: BTreeMap<String, Arc<TokenRules>>,
    key_sources: Vec<Arc<KeySource>>,
    find_scram: Arc<FindScram>,
    decoy_secret: [u8; 16],
    patience: Duration,
    memory: Arc<RequestMemory>,
    clock: Arc<dyn Clock>,
}

impl Entrances {
    /// Those of all listeners. Users of SCRAM are looked up in `metadata`.
    pub(crate) fn new(
        config: &BrokerConfig,
        certificates: Arc<Certificates>,
        metadata: Arc<dyn MetadataLog>,
        registry: &Registry,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let decoy_secret = OsRandom.bytes16();
        let decoy_secret = decoy_secret.map_err(StartError::system("get random bytes"))?;
        let sasl: BTreeMap<String, SaslConfig> = config
            .security
            .iter()
            .filter_map(|(name, security)| Some((name.clone(), security.sasl.clone()?)))
            .collect();
        let mut key_sources = Vec::new();
        let mut tokens = BTreeMap::new();
        for (name, sasl) in &sasl {
            if let Some(oauth) = &sasl.oauth {
                let rules = TokenRules::new(oauth.clone(), trust(oauth, &mut key_sources));
                tokens.insert(name.clone(), Arc::new(rules));
            }
        }
        let largest = sasl.values().map(|sasl| sasl.receive_bytes_max).max();
        Ok(Self {
            certificates,
            tokens,
            key_sources,
            find_scram: Arc::new(move |user, hash| find_scram(&*metadata, user, hash)),
            decoy_secret,
            patience: Duration::from_millis(config.network.login_timeout_ms),
            memory: login_memory(largest.unwrap_or(0), registry),
            clock,
            sasl,
        })
    }

    /// The entrance of a listener. What is no configured listener is a way within the process.
    pub(crate) fn of(&self, listener: &str) -> Entrance {
        let door = |config: &SaslConfig| Door {
            config: config.clone(),
            realm: Realm {
                plain_users: config.plain_users.clone(),
                find_scram: Arc::clone(&self.find_scram),
                decoy_secret: self.decoy_secret,
                tokens: self.tokens.get(listener).cloned(),
                random: Arc::new(OsRandom),
            },
        };
        Entrance {
            tls: self.certificates.of(listener),
            sasl: self.sasl.get(listener).map(door),
            patience: self.patience,
            memory: Arc::clone(&self.memory),
            clock: Arc::clone(&self.clock),
        }
    }

    /// The keys of token servers, to be fetched.
    pub(crate) fn key_sources(&self) -> &[Arc<KeySource>] {
        &self.key_sources
    }
}

fn login_memory(largest: usize, registry: &Registry) -> Arc<RequestMemory> {
    let bytes = LOGIN_MEMORY_BYTES.max(largest.saturating_mul(2));
    let stats = registry.pool("login_memory", bytes as u64);
    Arc::new(RequestMemory::new(bytes, largest, stats))
}

fn trust(oauth: &OauthConfig, key_sources: &mut Vec<Arc<KeySource>>) -> Trust {
    match &oauth.validator {
        OauthValidator::Unsecured {
            required_scopes,
            clock_skew_ms,
        } => Trust::Unsecured {
            required_scopes: required_scopes.clone(),
            clock_skew_ms: *clock_skew_ms,
        },
        OauthValidator::Jwks {
            url,
            refresh_ms,
            backoff_ms,
            backoff_ms_max,
        } => {
            let keys = KeySource::new(url.clone(), *refresh_ms, *backoff_ms, *backoff_ms_max);
            key_sources.push(Arc::clone(&keys));
            Trust::Signed(keys)
        }
    }
}

fn find_scram(metadata: &dyn MetadataLog, user: &str, hash: ScramHash) -> Option<ScramCredential> {
    let image = metadata.image();
    let found = image.scram_credential(user, hash.code())?;
    Some(ScramCredential {
        salt: found.salt.to_vec(),
        stored_key: found.stored_key.to_vec(),
        server_key: found.server_key.to_vec(),
        iterations: u32::try_from(found.iterations).ok()?,
    })
}
