//! What the overview reads from the registry: requests by API, and where their time went.

use std::collections::BTreeMap;

use limpid_telemetry::{LabelEnum, Registry, Stage};
use serde::Serialize;

const REQUESTS: &str = "limpid_requests_total";
const STAGES: &str = "limpid_request_stage_seconds";
const NO_ERROR: &str = "NONE";

/// One API.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct ApiNumbers {
    /// Requests answered.
    pub(crate) answered: u64,
    /// Those with an error in the answer.
    pub(crate) errors: u64,
    /// Mean seconds of each stage, in the order of [`Stage::ALL`].
    pub(crate) stage_mean_seconds: Vec<f64>,
}

/// All APIs that were called, by name.
pub(crate) fn requests(registry: &Registry) -> BTreeMap<String, ApiNumbers> {
    let mut apis: BTreeMap<String, ApiNumbers> = BTreeMap::new();
    for family in registry.prometheus().gather() {
        let name = family.name();
        if name != REQUESTS && name != STAGES {
            continue;
        }
        for metric in family.get_metric() {
            let label = |wanted: &str| {
                let labels = metric.get_label().iter();
                labels
                    .into_iter()
                    .find(|l| l.name() == wanted)
                    .map_or("", |l| l.value())
            };
            let api = apis.entry(label("api").to_owned()).or_default();
            if name == REQUESTS {
                let count = metric.get_counter().get_value() as u64;
                api.answered += count;
                if label("error") != NO_ERROR {
                    api.errors += count;
                }
                continue;
            }
            let stage = Stage::ALL.iter().position(|s| s.as_str() == label("stage"));
            let histogram = metric.get_histogram();
            if let Some(stage) = stage {
                api.stage_mean_seconds.resize(Stage::ALL.len(), 0.0);
                let count = histogram.get_sample_count().max(1) as f64;
                api.stage_mean_seconds[stage] = histogram.get_sample_sum() / count;
            }
        }
    }
    apis.retain(|_, api| api.answered > 0);
    apis
}
