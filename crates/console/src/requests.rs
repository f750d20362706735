//! What the registry knows of requests: how many by API, and where their time went.

use std::collections::BTreeMap;

use limpid_telemetry::{LabelEnum, Registry, Stage};
use schemars::JsonSchema;
use serde::Serialize;

const REQUESTS: &str = "limpid_requests_total";
const STAGES: &str = "limpid_request_stage_seconds";
const NO_ERROR: &str = "NONE";
const STAGE_COUNT: usize = Stage::ALL.len();

/// Totals of one API.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ApiTotals {
    /// Requests answered.
    pub(crate) answered: u64,
    /// Those with an error in the answer.
    pub(crate) errors: u64,
    /// Seconds in each stage, in the order of [`Stage::ALL`].
    pub(crate) stage_seconds: [f64; STAGE_COUNT],
}

impl ApiTotals {
    /// What came after `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let mut grown = self.clone();
        grown.answered = self.answered.saturating_sub(before.answered);
        grown.errors = self.errors.saturating_sub(before.errors);
        for (stage, earlier) in grown.stage_seconds.iter_mut().zip(before.stage_seconds) {
            *stage = (*stage - earlier).max(0.0);
        }
        grown
    }

    /// Mean seconds of a request; `None` without one.
    pub(crate) fn mean_seconds(&self) -> Option<f64> {
        // A client is held back only after its answer.
        let held_back = self.stage_seconds[Stage::Throttle as usize];
        let all: f64 = self.stage_seconds.iter().sum::<f64>() - held_back;
        (self.answered > 0).then(|| all / self.answered as f64)
    }
}

/// Where the time of a request goes, in the five words that a table has room for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Phases {
    /// From the first byte to the last.
    pub(crate) receive: f64,
    /// Waiting for its turn, a quota or a lock.
    pub(crate) queue: f64,
    /// Handler, append, read.
    pub(crate) work: f64,
    /// Parked until a condition holds: enough bytes, a rebalance, replicas.
    pub(crate) wait: f64,
    /// Waiting for earlier answers, and the way to the socket.
    pub(crate) answer: f64,
}

impl Phases {
    /// Names and values, in the order of time.
    pub(crate) fn named(&self) -> [(&'static str, f64); 5] {
        [
            ("receive", self.receive),
            ("queue", self.queue),
            ("work", self.work),
            ("wait", self.wait),
            ("answer", self.answer),
        ]
    }

    pub(crate) fn total(&self) -> f64 {
        self.named().iter().map(|(_, seconds)| seconds).sum()
    }
}

/// One API over a stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ApiNumbers {
    pub(crate) api: String,
    /// Requests answered per second.
    pub(crate) per_second: f64,
    /// Those with an error in the answer.
    pub(crate) errors_per_second: f64,
    /// Mean seconds of a request by phase.
    pub(crate) mean_seconds: Phases,
    /// Mean seconds of each stage, by its name in `limpid_request_stage_seconds`.
    pub(crate) stage_mean_seconds: BTreeMap<&'static str, f64>,
}

impl ApiNumbers {
    /// What happened in `seconds`; `None` when nothing did.
    pub(crate) fn new(api: &str, totals: &ApiTotals, seconds: f64) -> Option<Self> {
        if totals.answered == 0 || seconds <= 0.0 {
            return None;
        }
        let mut mean_seconds = Phases::default();
        let mut stage_mean_seconds = BTreeMap::new();
        for (stage, total) in Stage::ALL.iter().zip(totals.stage_seconds) {
            let mean = total / totals.answered as f64;
            stage_mean_seconds.insert(stage.as_str(), mean);
            if let Some(phase) = phase(&mut mean_seconds, *stage) {
                *phase += mean;
            }
        }
        Some(Self {
            api: api.to_owned(),
            per_second: totals.answered as f64 / seconds,
            errors_per_second: totals.errors as f64 / seconds,
            mean_seconds,
            stage_mean_seconds,
        })
    }
}

/// The phase that a stage is part of; none for what comes after the answer.
fn phase(phases: &mut Phases, stage: Stage) -> Option<&mut f64> {
    Some(match stage {
        Stage::Throttle => return None,
        Stage::Receive => &mut phases.receive,
        Stage::Queue | Stage::LocalLock => &mut phases.queue,
        Stage::LocalAppend => &mut phases.work,
        Stage::Remote | Stage::Purgatory => &mut phases.wait,
        Stage::ResponseQueue | Stage::Send => &mut phases.answer,
    })
}

/// Totals of all APIs that were called, by name.
pub(crate) fn totals(registry: &Registry) -> BTreeMap<String, ApiTotals> {
    let mut apis: BTreeMap<String, ApiTotals> = BTreeMap::new();
    for family in registry.prometheus().gather() {
        let name = family.name();
        if name != REQUESTS && name != STAGES {
            continue;
        }
        for metric in family.get_metric() {
            let label = |wanted: &str| {
                let found = metric.get_label().iter().find(|l| l.name() == wanted);
                found.map_or("", |l| l.value())
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
            if let Some(stage) = stage {
                api.stage_seconds[stage] += metric.get_histogram().get_sample_sum();
            }
        }
    }
    apis.retain(|_, api| api.answered > 0);
    apis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_add_up_to_the_stages() {
        let mut before = ApiTotals {
            answered: 10,
            errors: 1,
            ..ApiTotals::default()
        };
        before.stage_seconds = [1.0; STAGE_COUNT];
        let mut after = before.clone();
        after.answered = 14;
        after.errors = 2;
        after.stage_seconds = [3.0; STAGE_COUNT];
        let grown = after.since(&before);
        // All but the time after the answer.
        let counted = (STAGE_COUNT - 1) as f64;
        assert_eq!(grown.mean_seconds(), Some(counted * 0.5));
        let numbers = ApiNumbers::new("Produce", &grown, 2.0).expect("four requests");
        assert_eq!((numbers.per_second, numbers.errors_per_second), (2.0, 0.5));
        assert_eq!(numbers.mean_seconds.total(), counted * 0.5);
        assert_eq!(numbers.stage_mean_seconds["queue"], 0.5);
        assert_eq!(ApiNumbers::new("Produce", &before.since(&after), 2.0), None);
    }
}
