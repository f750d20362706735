//! The broker's configuration in force: the static one under what was altered while it runs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use limpid_config::Config;
use limpid_storage::metadata::{ConfigMap, ConfigResource, Image};
use parking_lot::Mutex;

/// Follows the dynamic configuration in the metadata (KIP-226).
pub struct Settings {
    node_id: i32,
    current: ArcSwap<Config>,
    /// What `current` was made of: the entries of this broker, and of all.
    seen: Mutex<[Option<Arc<ConfigMap>>; 2]>,
}

impl Settings {
    /// The static configuration; [`Settings::follow`] adds the rest.
    pub fn new(config: Config) -> Self {
        let node_id = config.broker().node.id;
        Self {
            node_id,
            current: ArcSwap::from_pointee(config),
            seen: Mutex::default(),
        }
    }

    /// The configuration now.
    pub fn current(&self) -> Arc<Config> {
        self.current.load_full()
    }

    /// This broker.
    pub fn node_id(&self) -> i32 {
        self.node_id
    }

    /// Takes over the dynamic entries of `image`; true if there was something new.
    pub fn follow(&self, image: &Image) -> bool {
        let resources = [
            ConfigResource::broker(self.node_id),
            ConfigResource::broker_default(),
        ];
        let now = resources.map(|resource| image.configs(&resource).cloned());
        let mut seen = self.seen.lock();
        if seen
            .iter()
            .zip(&now)
            .all(|(one, two)| is_same(one.as_ref(), two.as_ref()))
        {
            return false;
        }
        let [own, all] = now
            .clone()
            .map(|map| map.map_or_else(ConfigMap::new, |m| (*m).clone()));
        match self.current().with_dynamic(own, all) {
            Ok(config) => self.current.store(Arc::new(config)),
            // They were checked before they were stored, perhaps by a Kafka with other rules.
            Err(errors) => tracing::error!(%errors, "dynamic configuration can't be used"),
        }
        *seen = now;
        true
    }
}

/// Pointers tell: an image shares what did not change with the image before it.
pub fn is_same<T>(one: Option<&Arc<T>>, two: Option<&Arc<T>>) -> bool {
    match (one, two) {
        (None, None) => true,
        (Some(one), Some(two)) => Arc::ptr_eq(one, two),
        _ => false,
    }
}
