//! The broker's configuration in force: the static one under what was altered while it runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use limpid_config::Config;
use limpid_config::group::{self, GroupSettings};
use limpid_storage::metadata::{ConfigMap, ConfigResource, Image, ResourceType};
use parking_lot::Mutex;

/// Follows the dynamic configuration in the metadata (KIP-226).
pub struct Settings {
    node_id: i32,
    current: ArcSwap<Config>,
    /// What `current` was made of: the entries of this broker, and of all.
    seen: Mutex<[Option<Arc<ConfigMap>>; 2]>,
    /// Groups with settings of their own, by name.
    groups: ArcSwap<BTreeMap<String, GroupSettings>>,
}

impl Settings {
    /// The static configuration; [`Settings::follow`] adds the rest.
    pub fn new(config: Config) -> Self {
        let node_id = config.broker().node.id;
        Self {
            node_id,
            current: ArcSwap::from_pointee(config),
            seen: Mutex::default(),
            groups: ArcSwap::default(),
        }
    }

    /// The configuration now.
    pub fn current(&self) -> Arc<Config> {
        self.current.load_full()
    }

    /// Another configuration from now on.
    #[cfg(test)]
    pub fn replace(&self, config: Config) {
        self.current.store(Arc::new(config));
    }

    /// This broker.
    pub fn node_id(&self) -> i32 {
        self.node_id
    }

    /// What holds for groups that have settings of their own.
    pub fn groups(&self) -> Arc<BTreeMap<String, GroupSettings>> {
        self.groups.load_full()
    }

    /// Takes over the dynamic entries of `image`; true if there was something new for the broker.
    pub fn follow(&self, image: &Image) -> bool {
        let changed = self.follow_broker(image);
        let config = self.current();
        let own = image.config_resources();
        let own = own.filter(|(resource, _)| resource.kind == ResourceType::Group);
        let groups = own.map(|(resource, map)| {
            let name = resource.name.to_string();
            (name, group::resolve(&config, map))
        });
        let groups: BTreeMap<String, GroupSettings> = groups.collect();
        if groups != **self.groups.load() {
            self.groups.store(Arc::new(groups));
        }
        changed
    }

    fn follow_broker(&self, image: &Image) -> bool {
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
