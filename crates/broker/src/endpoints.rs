//! Where brokers can be reached, as registered in the metadata.

use limpid_config::NodeConfig;
use limpid_storage::metadata::{ControllerEndpoint, Image};

/// A broker as one listener's clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerEndpoint {
    /// `node.id`.
    pub id: i32,
    /// Advertised host.
    pub host: String,
    /// Advertised port.
    pub port: u16,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// Registered, but not serving.
    pub fenced: bool,
}

/// The unfenced brokers with an endpoint on the listener of this name.
pub fn brokers(image: &Image, listener: &str) -> impl Iterator<Item = BrokerEndpoint> {
    all_brokers(image, listener).filter(|b| !b.fenced)
}

/// All registered brokers with an endpoint on the listener of this name.
pub fn all_brokers(image: &Image, listener: &str) -> impl Iterator<Item = BrokerEndpoint> {
    image.brokers().filter_map(move |broker| {
        let endpoint = broker.end_points.iter().find(|e| e.name == listener)?;
        Some(BrokerEndpoint {
            id: broker.broker_id,
            host: endpoint.host.clone(),
            port: endpoint.port,
            rack: broker.rack.clone(),
            fenced: broker.fenced,
        })
    })
}

/// Where Kafka would find the controller of this node, which Limpid has inside the broker.
pub fn controller(node: &NodeConfig) -> ControllerEndpoint {
    match &node.controller {
        Some(listener) => ControllerEndpoint {
            name: listener.name.clone(),
            host: listener.host.clone(),
            port: listener.port,
        },
        None => ControllerEndpoint::default(),
    }
}

/// Those of `replicas` that are on brokers which are not serving.
pub fn offline(image: &Image, replicas: &[i32]) -> Vec<i32> {
    let serves = |id: &i32| image.broker(*id).is_some_and(|b| !b.fenced);
    replicas.iter().copied().filter(|id| !serves(id)).collect()
}
