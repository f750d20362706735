//! Where the stages of requests are recorded.

use std::sync::{Arc, OnceLock};

use crate::distribution::Rounds;
use crate::family::Family;
use crate::handle::Histogram;
use crate::label::LabelEnum;
use crate::stage::{Stage, StageTimes};

/// Those of one API, in the order of [`Stage::ALL`].
#[derive(Debug)]
struct Row {
    /// Each request is one.
    rounds: Arc<Rounds>,
    stages: [Histogram; Stage::ALL.len()],
}

/// The handles of a family `{api, stage}`, found without hashing. Those of an API are bound together,
/// with its first request: after that they are one index away.
#[derive(Debug)]
pub struct StageHistograms<A: LabelEnum> {
    family: Family<Histogram, (A, Stage)>,
    rows: Box<[OnceLock<Row>]>,
}

impl<A: LabelEnum> StageHistograms<A> {
    /// The table of a family declared with `{ api: A, stage: Stage }`.
    pub fn new(family: &Family<Histogram, (A, Stage)>) -> Self {
        StageHistograms {
            family: family.clone(),
            rows: (0..A::COUNT).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Records every stage of a finished request, zeros too: all stages of an API have one count. Most stages
    /// take no time.
    pub fn observe(&self, api: A, times: &StageTimes) {
        let row = self.rows[api.index()].get_or_init(|| self.bind(api));
        for (at, &ns) in times.nanos().iter().enumerate() {
            if ns > 0 {
                row.stages[at].observe_nanos_in_round(ns);
            }
        }
        row.rounds.end();
    }

    fn bind(&self, api: A) -> Row {
        let stages = Stage::ALL.iter();
        let stages = stages.map(|stage| self.family.bind((api, *stage)));
        let stages: Vec<Histogram> = stages.collect();
        // They may have been bound before.
        let rounds = stages
            .iter()
            .fold(Arc::default(), |rounds, stage| stage.join(&rounds));
        Row {
            rounds,
            stages: stages.try_into().expect("a histogram for each stage"),
        }
    }
}
