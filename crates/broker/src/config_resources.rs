//! The things that have settings, as requests name them, and how settings are altered.

use limpid_config::Config;
use limpid_config::alter::{self, AlterError, Alteration, BrokerScope};
use limpid_protocol::ErrorCode;
use limpid_storage::metadata::changes::{after_settings, check_settings, set_config};
use limpid_storage::metadata::{
    ConfigMap, ConfigResource, Image, MetadataRecord, Refusal, ResourceType,
};

use crate::access::{Operation, ResourceKind};
use crate::broker_loggers;
use crate::handler::Call;
use crate::topic_names;

/// The resource of a type code and a name.
pub fn resource(kind: i8, name: &str) -> ConfigResource {
    ConfigResource::new(ResourceType::from_code(kind), name)
}

/// What the audit calls a kind of resource.
pub fn kind_name(resource: &ConfigResource) -> &'static str {
    match resource.kind {
        ResourceType::Topic => "topic",
        ResourceType::Broker => "broker",
        ResourceType::ClientMetrics => "client-metrics",
        ResourceType::Group => "group",
        ResourceType::Other(_) => "other",
    }
}

/// Whether the client may see or change the settings of a resource.
///
/// # Errors
/// TOPIC_, GROUP_ or CLUSTER_AUTHORIZATION_FAILED.
pub fn may(
    call: &Call<'_>,
    operation: Operation,
    resource: &ConfigResource,
) -> Result<(), Refusal> {
    let name = resource.name.as_str();
    let (may, code) = match resource.kind {
        ResourceType::Topic => (
            call.may(operation, ResourceKind::Topic, name),
            ErrorCode::TopicAuthorizationFailed,
        ),
        ResourceType::Group => (
            call.may(operation, ResourceKind::Group, name),
            ErrorCode::GroupAuthorizationFailed,
        ),
        _ => (
            call.may_on_cluster(operation),
            ErrorCode::ClusterAuthorizationFailed,
        ),
    };
    if may {
        return Ok(());
    }
    Err(Refusal::new(code, code.message()))
}

/// Whether it can be described here.
///
/// # Errors
/// There is no such topic; it is another broker; a type that has no settings here.
pub fn check(image: &Image, resource: &ConfigResource, node_id: i32) -> Result<(), Refusal> {
    check_name(resource, node_id)?;
    check_existence(image, resource)
}

/// Whether there is such a topic; other resources need not exist.
fn check_existence(image: &Image, resource: &ConfigResource) -> Result<(), Refusal> {
    let name = &resource.name;
    if resource.kind != ResourceType::Topic || image.topic_id(name).is_some() {
        return Ok(());
    }
    let message = format!("there is no topic '{name}'");
    Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, message))
}

/// Whether such a resource could have settings here.
///
/// # Errors
/// No topic can have the name; it is another broker; a type that has no settings here.
pub fn check_name(resource: &ConfigResource, node_id: i32) -> Result<(), Refusal> {
    let name = &resource.name;
    match resource.kind {
        ResourceType::Topic => match topic_names::invalid(name) {
            Some(reason) => Err(Refusal::new(ErrorCode::InvalidTopicException, reason)),
            None => Ok(()),
        },
        ResourceType::Broker if name.is_empty() => Ok(()),
        ResourceType::Broker => match name.parse::<i32>() {
            Ok(id) if id == node_id => Ok(()),
            _ => {
                let message = format!(
                    "'{name}' is not this broker: expected {node_id}, or nothing for all brokers"
                );
                Err(Refusal::new(ErrorCode::InvalidRequest, message))
            }
        },
        ResourceType::ClientMetrics if name.is_empty() => {
            let message = "a subscription of client metrics has a name";
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        }
        ResourceType::ClientMetrics => Ok(()),
        ResourceType::Group if name.is_empty() => {
            let message = "a group has a name";
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        }
        // It need not exist yet.
        ResourceType::Group => Ok(()),
        _ if broker_loggers::are_meant(resource) => broker_loggers::check(name, node_id),
        other => {
            let message = format!(
                "resources of type {} have no settings in this version of Limpid",
                other.code()
            );
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        }
    }
}

/// What wishes are added to.
#[derive(Clone, Copy)]
pub enum Start {
    /// The settings that the resource has.
    AsItIs,
    /// None at all: what isn't wished for goes back to its default.
    Nothing,
}

/// The records that fulfil the wishes for a resource.
///
/// # Errors
/// A wish that can't be fulfilled; then none is.
pub fn alter(
    config: &Config,
    image: &Image,
    resource: &ConfigResource,
    start: Start,
    wishes: &[Alteration],
) -> Result<Vec<MetadataRecord>, Refusal> {
    let none = ConfigMap::new();
    let before = image.configs(resource).map_or(&none, |map| map);
    let from = match start {
        Start::AsItIs => before,
        Start::Nothing => &none,
    };
    let after = match resource.kind {
        ResourceType::Topic => alter::topic(config, from, wishes),
        ResourceType::ClientMetrics => alter::client_metrics(from, wishes),
        ResourceType::Group => alter::group(config, from, wishes),
        _ if resource.name.is_empty() => alter::broker(config, BrokerScope::All, from, wishes),
        _ => alter::broker(config, BrokerScope::One, from, wishes),
    };
    let after = after.map_err(|error| {
        let code = match error {
            AlterError::InvalidRequest(_) => ErrorCode::InvalidRequest,
            AlterError::InvalidConfig(_) => ErrorCode::InvalidConfig,
        };
        Refusal::new(code, error.to_string())
    })?;
    // As in Kafka a setting that can't be is told first.
    check_existence(image, resource)?;
    let changed = alter::difference(before, &after);
    check_settings(image, resource, &changed)?;
    let records = changed
        .iter()
        .map(|(key, value)| set_config(resource, key, value.as_deref()));
    let then = after_settings(image, resource, &changed);
    Ok(records.chain(then).collect())
}
