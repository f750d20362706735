//! Ten thousand partitions and a thousand connections beside six partitions and eight connections, by
//! turns; then a clean stop and starts.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use super::load::{Crowd, RECORDS};
use super::node::Node;
use super::report::{Goal, Row};
use crate::peer::Kind;
use crate::statistics::median;
use crate::tools::Tools;
use crate::wire::create_topic;

const SIX: &str = "six";
const FEW_CONNECTIONS: usize = 8;
const CONNECTIONS: usize = 1_000;
const STARTS: usize = 3;
/// The pools of a node with stock settings: requests, answers and the tail cache.
const POOLS_MIB: f64 = 256.0 + 128.0 + 64.0;

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Partitions of the crowd.
    pub partitions: i32,
    /// Turns of few and many.
    pub rounds: usize,
    /// Records of each turn.
    pub records: u64,
}

/// Runs it.
///
/// # Errors
/// When the broker refuses something or ends.
pub fn crowd(kind: &Kind, tools: &Tools, folder: &Path, plan: Plan) -> Result<Vec<Row>> {
    let mut node = Node::start(kind, tools, folder, &[])?;
    let address = node.peer.address();
    create_topic(&address, SIX, 6, &[])?;
    let begun = Instant::now();
    let topics = node.crowd(plan.partitions)?;
    let made = begun.elapsed().as_secs_f64();
    let few: Vec<_> = (0..6).map(|partition| (SIX, partition)).collect();
    let many = |partition: i32| topics.iter().map(move |topic| (topic.as_str(), partition));
    let many: Vec<_> = (0..super::node::EACH).flat_map(many).collect();
    let mut few = Crowd::connect(&address, FEW_CONNECTIONS, &few)?;
    let mut many = Crowd::connect(&address, CONNECTIONS, &many)?;
    // Each partition gets its first batch, and every file is there.
    many.write(usize::try_from(plan.partitions)?)?;
    few.write(10_000)?;
    let turns = turns(&node, &mut few, &mut many, plan)?;
    let mut rows = turns.rows(plan);
    rows.push(Row::told(
        "making them, ms per partition",
        made * 1e3 / f64::from(plan.partitions),
    ));
    rows.push(Row::new(
        "resident at most, MiB (pools and 64 KiB per partition)",
        Goal::AtMost(POOLS_MIB + f64::from(plan.partitions) / 16.0),
        node.mib("VmHWM")?,
    ));
    rows.push(Row::told("descriptors", node.descriptors()?));
    drop((few, many));
    rows.extend(starts(&mut node)?);
    Ok(rows)
}

#[derive(Default)]
struct Turns {
    few: Vec<f64>,
    many: Vec<f64>,
    few_cpu: Vec<f64>,
    many_cpu: Vec<f64>,
}

fn turns(node: &Node, few: &mut Crowd, many: &mut Crowd, plan: Plan) -> Result<Turns> {
    let batches = usize::try_from(plan.records / RECORDS)?;
    let mut turns = Turns::default();
    let turn = |crowd: &mut Crowd| -> Result<(f64, f64)> {
        let before = node.cpu()?;
        let seconds = crowd.write(batches)?.as_secs_f64();
        let millions = plan.records as f64 / 1e6;
        Ok((
            plan.records as f64 / seconds,
            (node.cpu()? - before) / millions,
        ))
    };
    for round in 0..plan.rounds {
        for second in [false, true] {
            let (crowd, rates, costs) = if (round % 2 == 0) == second {
                (&mut *many, &mut turns.many, &mut turns.many_cpu)
            } else {
                (&mut *few, &mut turns.few, &mut turns.few_cpu)
            };
            let (rate, cost) = turn(crowd)?;
            rates.push(rate);
            costs.push(cost);
        }
    }
    Ok(turns)
}

impl Turns {
    fn rows(self, plan: Plan) -> Vec<Row> {
        let ratio = |many: &[f64], few: &[f64]| {
            let each = many.iter().zip(few).map(|(many, few)| many / few);
            median(&each.collect::<Vec<_>>())
        };
        let name = format!("{} partitions, {CONNECTIONS} connections", plan.partitions);
        let rate = ratio(&self.many, &self.few);
        let cost = ratio(&self.many_cpu, &self.few_cpu);
        vec![
            Row::told("6 partitions, 8 connections: records/s", median(&self.few)),
            Row::told(format!("{name}: records/s"), median(&self.many)),
            Row::new(
                "records/s, many ÷ few (median of the pairs)",
                Goal::AtLeast(0.8),
                rate,
            ),
            Row::told(
                "few: broker CPU s per million records",
                median(&self.few_cpu),
            ),
            Row::told(
                "many: broker CPU s per million records",
                median(&self.many_cpu),
            ),
            Row::told("CPU, many ÷ few", cost),
        ]
    }
}

fn starts(node: &mut Node) -> Result<Vec<Row>> {
    let begun = Instant::now();
    node.peer.stop()?;
    let stop = begun.elapsed().as_secs_f64();
    let (mut starts, mut stops, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        starts.push(node.start_to_first_record(SIX)?.as_secs_f64());
        cpu.push(node.cpu()?);
        let begun = Instant::now();
        node.peer.stop()?;
        stops.push(begun.elapsed().as_secs_f64());
    }
    let after_stop = "clean stop to first acknowledged record, s (slowest)";
    let slowest = starts.into_iter().fold(0.0, f64::max);
    Ok(vec![
        Row::new(after_stop, Goal::AtMost(2.0), slowest),
        Row::told("CPU s of such a start", median(&cpu)),
        Row::told("clean stop after the load, s", stop),
        Row::told(
            "clean stop when one partition was written to, s",
            median(&stops),
        ),
    ])
}
