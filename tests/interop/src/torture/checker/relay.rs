//! Exactly once: what the relay read against what it wrote, partition by partition.

use std::collections::VecDeque;

use super::super::findings::Fault;

/// The offsets of one partition that only one side has shown yet.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    inputs: VecDeque<i64>,
    outputs: VecDeque<i64>,
}

impl Pairs {
    /// A committed record to be relayed.
    pub(super) fn input(&mut self, offset: i64) -> Vec<(i64, Fault)> {
        self.inputs.push_back(offset);
        self.match_up()
    }

    /// A committed record that was made of the one at `source`.
    pub(super) fn output(&mut self, source: i64) -> Vec<(i64, Fault)> {
        self.outputs.push_back(source);
        self.match_up()
    }

    fn match_up(&mut self) -> Vec<(i64, Fault)> {
        let mut faults = Vec::new();
        while let (Some(input), Some(output)) = (self.inputs.front(), self.outputs.front()) {
            match output.cmp(input) {
                std::cmp::Ordering::Equal => {
                    self.inputs.pop_front();
                    self.outputs.pop_front();
                }
                std::cmp::Ordering::Less => faults.extend(
                    self.outputs
                        .pop_front()
                        .map(|offset| (offset, Fault::RelayedTwice)),
                ),
                std::cmp::Ordering::Greater => faults.extend(
                    self.inputs
                        .pop_front()
                        .map(|offset| (offset, Fault::NotRelayed)),
                ),
            }
        }
        faults
    }

    /// How many have no counterpart yet.
    pub(super) fn open(&self) -> usize {
        self.inputs.len() + self.outputs.len()
    }
}
