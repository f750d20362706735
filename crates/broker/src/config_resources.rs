//! The things that have settings, as requests name them.

use limpid_protocol::ErrorCode;
use limpid_storage::metadata::{ConfigResource, Image, Refusal, ResourceType};

use crate::topic_names;

/// The resource of a type code and a name.
pub fn resource(kind: i8, name: &str) -> ConfigResource {
    ConfigResource::new(ResourceType::from_code(kind), name)
}

/// Whether it can be described or altered here.
///
/// # Errors
/// There is no such topic; it is another broker; a type that has no settings here.
pub fn check(image: &Image, resource: &ConfigResource, node_id: i32) -> Result<(), Refusal> {
    let name = &resource.name;
    match resource.kind {
        ResourceType::Topic => {
            if let Some(reason) = topic_names::invalid(name) {
                return Err(Refusal::new(ErrorCode::InvalidTopicException, reason));
            }
            if image.topic_id(name).is_none() {
                let message = format!("there is no topic '{name}'");
                return Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, message));
            }
            Ok(())
        }
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
        other => {
            let message = format!(
                "resources of type {} have no settings in this version of Limpid",
                other.code()
            );
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        }
    }
}
