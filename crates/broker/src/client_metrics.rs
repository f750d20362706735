//! What clients are asked for, as the newest metadata says it; the rest is `limpid_client_metrics`.

use std::sync::Arc;

use limpid_client_metrics::{Client, ClientMetrics, Push, Request, Rules};
use limpid_config::client_metrics::Subscription;
use limpid_protocol::{ErrorCode, Uuid};
use limpid_storage::metadata::{ConfigMap, Image, ResourceType};
use parking_lot::Mutex;

use crate::handler::Call;
use crate::metadata::Metadata;
use crate::settings::Settings;

/// Receives metrics of clients under the broker's settings.
pub struct Receiver {
    metrics: ClientMetrics,
    metadata: Arc<Metadata>,
    settings: Arc<Settings>,
    stored: Mutex<Stored>,
}

/// The subscriptions, and the entries that they were made of.
#[derive(Default)]
struct Stored {
    entries: Vec<Arc<ConfigMap>>,
    subscriptions: Arc<[Subscription]>,
}

impl Receiver {
    /// Follows the subscriptions in `metadata`.
    pub fn new(metrics: ClientMetrics, metadata: Arc<Metadata>, settings: Arc<Settings>) -> Self {
        Self {
            metrics,
            metadata,
            settings,
            stored: Mutex::default(),
        }
    }

    /// What this client is to push.
    ///
    /// # Errors
    /// See [`ClientMetrics::ask`].
    pub fn ask(&self, call: &Call<'_>, instance: Uuid) -> Result<Request, ErrorCode> {
        let client = client(call, instance);
        self.with_rules(|rules| self.metrics.ask(rules, &client))
    }

    /// Takes in what it pushes.
    ///
    /// # Errors
    /// See [`ClientMetrics::push`].
    pub fn push(&self, call: &Call<'_>, instance: Uuid, push: Push) -> Result<(), ErrorCode> {
        let client = client(call, instance);
        self.with_rules(|rules| self.metrics.push(rules, client, push))
    }

    /// `telemetry.max.bytes`.
    pub fn bytes_max(&self) -> usize {
        let config = self.settings.current();
        config.broker().network.client_metrics_bytes_max
    }

    fn with_rules<T>(&self, with: impl FnOnce(&Rules<'_>) -> T) -> T {
        let subscriptions = self.subscriptions(&self.metadata.image());
        let config = self.settings.current();
        let network = &config.broker().network;
        with(&Rules {
            subscriptions: &subscriptions,
            with_default: network.client_metrics_by_default,
            bytes_max: network.client_metrics_bytes_max,
        })
    }

    /// Patterns are compiled again only when an entry changed.
    fn subscriptions(&self, image: &Image) -> Arc<[Subscription]> {
        let resources = image.config_resources();
        let entries =
            resources.filter(|(resource, _)| resource.kind == ResourceType::ClientMetrics);
        let entries: Vec<Arc<ConfigMap>> = entries.map(|(_, map)| Arc::clone(map)).collect();
        let mut stored = self.stored.lock();
        if stored.entries != entries {
            let subscriptions = entries.iter().filter_map(|entries| {
                // Only valid ones are stored.
                Subscription::new(entries)
                    .inspect_err(|why| tracing::warn!(%why, "a subscription can't be followed"))
                    .ok()
            });
            stored.subscriptions = subscriptions.collect();
            stored.entries = entries;
        }
        Arc::clone(&stored.subscriptions)
    }
}

fn client(call: &Call<'_>, instance: Uuid) -> Client {
    let unknown = (String::new(), String::new());
    let (name, version) = call.peer.software.get().unwrap_or(&unknown);
    Client::new(
        instance,
        call.client_id.unwrap_or_default(),
        (name, version),
        call.peer.address,
    )
}
