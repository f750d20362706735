//! Where the stages of requests are recorded.

use crate::family::{Family, Table};
use crate::handle::Histogram;
use crate::label::LabelEnum;
use crate::stage::{Stage, StageTimes};

/// The handles of a family `{api, stage}`, found without hashing.
#[derive(Debug)]
pub struct StageHistograms<A: LabelEnum> {
    table: Table<Histogram, (A, Stage)>,
}

impl<A: LabelEnum> StageHistograms<A> {
    /// The table of a family declared with `{ api: A, stage: Stage }`.
    pub fn new(family: &Family<Histogram, (A, Stage)>) -> Self {
        StageHistograms {
            table: family.table(),
        }
    }

    /// Records every stage of a finished request, zeros too: all stages of an API have one count.
    pub fn observe(&self, api: A, times: &StageTimes) {
        for (stage, time) in times.iter() {
            self.table.get((api, stage)).observe_duration(time);
        }
    }
}
