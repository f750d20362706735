//! Where the stages of requests are recorded.

use std::sync::OnceLock;

use crate::family::Family;
use crate::handle::Histogram;
use crate::label::LabelEnum;
use crate::stage::{Stage, StageTimes};

/// Those of one API, in the order of [`Stage::ALL`].
type Row = [Histogram; Stage::ALL.len()];

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

    /// Records every stage of a finished request, zeros too: all stages of an API have one count.
    pub fn observe(&self, api: A, times: &StageTimes) {
        let bind = || std::array::from_fn(|at| self.family.bind((api, Stage::ALL[at])));
        let row = self.rows[api.index()].get_or_init(bind);
        for (histogram, ns) in row.iter().zip(times.nanos()) {
            histogram.observe_nanos(*ns);
        }
    }
}
