//! The certificates of all listeners that speak TLS: loaded at the start, and again when files or
//! settings change. Bad ones keep the old ones in force.

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_broker::metrics::{ConnectionMetrics, ReloadOutcome};
use limpid_config::{BrokerConfig, TlsConfig};
use limpid_security::tls::{Material, Reloading};
use limpid_telemetry::{Counter, Gauge};

use crate::error::StartError;

/// The name under which those of HTTP are kept and counted; Kafka's listeners are upper case.
pub(crate) const HTTPS: &str = "https";

/// What there is to look after.
pub(crate) struct Certificates {
    listeners: BTreeMap<String, Certificate>,
}

struct Certificate {
    reloading: Arc<Reloading>,
    expires: Gauge,
    loaded: Counter,
    failed: Counter,
}

impl Certificates {
    /// Loads those of all listeners.
    pub(crate) fn load(
        config: &BrokerConfig,
        metrics: &ConnectionMetrics,
    ) -> Result<Self, StartError> {
        let mut listeners = BTreeMap::new();
        for (name, tls) in tls_listeners(config) {
            let reloading = Reloading::load(tls).map_err(|source| StartError::Tls {
                listener: name.to_owned(),
                source,
            })?;
            let certificate = Certificate {
                reloading: Arc::new(reloading),
                expires: metrics.certificate_expires.bind(name),
                loaded: metrics.reloads.bind((name, ReloadOutcome::Loaded)),
                failed: metrics.reloads.bind((name, ReloadOutcome::Failed)),
            };
            certificate.show_expiry();
            listeners.insert(name.to_owned(), certificate);
        }
        Ok(Self { listeners })
    }

    /// Those of one listener, if it speaks TLS.
    pub(crate) fn of(&self, listener: &str) -> Option<Arc<Reloading>> {
        let certificate = self.listeners.get(listener)?;
        Some(Arc::clone(&certificate.reloading))
    }

    /// Loads what changed, or everything. Blocks on files.
    pub(crate) fn refresh(&self, config: &BrokerConfig, everything: bool) {
        for (listener, tls) in tls_listeners(config) {
            let Some(certificate) = self.listeners.get(listener) else {
                continue;
            };
            match certificate.reloading.reload(tls, everything) {
                Ok(false) => {}
                Ok(true) => {
                    certificate.loaded.inc();
                    certificate.show_expiry();
                    tracing::info!(listener, "new certificates in force");
                }
                Err(error) => {
                    certificate.failed.inc();
                    tracing::error!(listener, %error, "certificates not loaded, the old ones stay");
                }
            }
        }
    }
}

impl Certificate {
    fn show_expiry(&self) {
        if let Some(at) = self.reloading.current().expires_at {
            self.expires.set(at);
        }
    }
}

/// Whether those of all listeners can be loaded.
pub(crate) fn check(config: &BrokerConfig) -> Result<(), StartError> {
    for (name, tls) in tls_listeners(config) {
        Material::load(tls).map_err(|source| StartError::Tls {
            listener: name.to_owned(),
            source,
        })?;
    }
    Ok(())
}

fn tls_listeners(config: &BrokerConfig) -> impl Iterator<Item = (&str, &TlsConfig)> {
    let kafkas = config.security.iter();
    let kafkas =
        kafkas.filter_map(|(name, security)| Some((name.as_str(), security.tls.as_ref()?)));
    let http = config.http.tls.as_ref();
    kafkas.chain(http.map(|tls| (HTTPS, tls)))
}
