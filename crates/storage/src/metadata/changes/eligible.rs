//! Eligible leader replicas (KIP-966): what the feature asks of the settings.
//!
//! Whoever has every record that was promised may lead, also when it is not in sync any more. How many
//! replicas a promise needed must therefore be known from the metadata alone: with the feature on there is
//! a `min.insync.replicas` for the whole cluster, and none of a single broker.

use limpid_protocol::ErrorCode;
use limpid_protocol::messages::ClearElrRecord;

use crate::metadata::error::Refusal;
use crate::metadata::image::{ConfigResource, Image, ResourceType};
use crate::metadata::record::MetadataRecord;

/// The feature's name.
pub const ELR_VERSION: &str = "eligible.leader.replicas.version";
const MIN_IN_SYNC: &str = "min.insync.replicas";

/// Whether the partitions of a stopped broker keep it as an eligible leader.
pub(super) fn keeps_eligible(image: &Image) -> bool {
    image.feature(ELR_VERSION) > 0
}

/// As far as the metadata tell: with eligible leader replicas there is a default for the cluster.
pub(super) fn min_in_sync(image: &Image, topic: &str) -> usize {
    let resources = [
        ConfigResource::topic(topic),
        ConfigResource::broker_default(),
    ];
    let mut set = resources
        .iter()
        .filter_map(|resource| image.config(resource, MIN_IN_SYNC));
    set.next().and_then(|min| min.parse().ok()).unwrap_or(1)
}

/// The records that must be before the one that turns the feature on: the cluster gets the value that
/// this broker is configured with, unless it has one, and no broker keeps its own.
pub fn before_eligible(image: &Image, min_insync_replicas: i32) -> Vec<MetadataRecord> {
    let cluster = ConfigResource::broker_default();
    let value = min_insync_replicas.to_string();
    let missing = image.config(&cluster, MIN_IN_SYNC).is_none();
    let set = missing.then(|| super::config(&cluster, MIN_IN_SYNC, Some(&value)));
    let own = image.config_resources().filter(|(resource, configs)| {
        is_of_one_broker(resource) && configs.contains_key(MIN_IN_SYNC)
    });
    set.into_iter()
        .chain(own.map(|(resource, _)| super::config(resource, MIN_IN_SYNC, None)))
        .collect()
}

/// Whether these settings of a resource may be changed; `None` takes one away.
///
/// # Errors
/// INVALID_CONFIG for what the feature, when it is on, can't do without.
pub fn check_settings(
    image: &Image,
    resource: &ConfigResource,
    changed: &[(String, Option<String>)],
) -> Result<(), Refusal> {
    let mut about = changed.iter().filter(|(key, _)| key == MIN_IN_SYNC);
    let (true, Some((_, value))) = (keeps_eligible(image), about.next()) else {
        return Ok(());
    };
    let message = match resource.kind {
        ResourceType::Broker if is_of_one_broker(resource) => {
            format!("{MIN_IN_SYNC} is not for one broker while {ELR_VERSION} is on")
        }
        ResourceType::Broker if value.is_none() => {
            format!("{MIN_IN_SYNC} of the cluster can't be taken away while {ELR_VERSION} is on")
        }
        _ => return Ok(()),
    };
    Err(Refusal::new(ErrorCode::InvalidConfig, message))
}

/// The records that follow changed settings: who was eligible by another minimum is not any more.
pub fn after_settings(
    image: &Image,
    resource: &ConfigResource,
    changed: &[(String, Option<String>)],
) -> Option<MetadataRecord> {
    let about = changed.iter().any(|(key, _)| key == MIN_IN_SYNC);
    let topic_name = match resource.kind {
        ResourceType::Topic => resource.name.clone(),
        _ => String::new(),
    };
    let record = ClearElrRecord { topic_name };
    (about && keeps_eligible(image)).then_some(MetadataRecord::ClearElr(record))
}

fn is_of_one_broker(resource: &ConfigResource) -> bool {
    resource.kind == ResourceType::Broker && !resource.name.is_empty()
}

#[cfg(test)]
mod tests;
