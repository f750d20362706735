//! Numbers that clients push, in plain words.

use std::collections::HashMap;

use limpid_client_metrics::{Client, Series};
use limpid_cluster::{ProducerBuffer, Pushed};
use limpid_protocol::Uuid;

/// Buffers of producers in one snapshot.
const SHORT_BUFFERS_MAX: usize = 100;

/// The buffers that are short, the worst first.
pub(super) fn short_buffers(pushed: &limpid_client_metrics::Pushed) -> Vec<ProducerBuffer> {
    let mut all: HashMap<Uuid, ProducerBuffer> = HashMap::new();
    pushed.each_of(&ProducerBuffer::METRICS, |client, series, value| {
        let buffer = all
            .entry(client.instance)
            .or_insert_with(|| ProducerBuffer {
                client_id: client.id.clone(),
                instance: client.instance.to_string(),
                software: software(client),
                host: client.address.clone(),
                ..ProducerBuffer::default()
            });
        buffer.note(&series.metric, value);
    });
    let mut short: Vec<ProducerBuffer> = all.into_values().filter(|b| b.is_short()).collect();
    short.sort_by(|a, b| {
        let worse = b.shortness().total_cmp(&a.shortness());
        worse.then_with(|| a.instance.cmp(&b.instance))
    });
    short.truncate(SHORT_BUFFERS_MAX);
    short
}

fn software(client: &Client) -> String {
    let told = format!("{} {}", client.software_name, client.software_version);
    told.trim().to_owned()
}

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
        software: software(client),
        host: client.address.clone(),
        metric: series.metric.to_string(),
        about: about.join(","),
        value,
    }
}
