//! Numbers that clients push, in plain words.

use limpid_client_metrics::{Client, Series};
use limpid_cluster::Pushed;

/// One number.
pub(super) fn pushed(client: &Client, series: &Series, value: f64) -> Pushed {
    let labels = [
        ("node", &series.node),
        ("topic", &series.topic),
        ("partition", &series.partition),
    ];
    let mut about: Vec<String> = labels
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    about.extend((!series.rest.is_empty()).then(|| series.rest.to_string()));
    Pushed {
        instance: client.instance.to_string(),
        software: format!("{} {}", client.software_name, client.software_version)
            .trim()
            .to_owned(),
        host: client.address.clone(),
        metric: series.metric.to_string(),
        about: about.join(","),
        value,
    }
}
