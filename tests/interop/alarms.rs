//! Rules and dashboards in real Prometheuses, over a node under every kind of traffic: each selector
//! has series, each name of the core has its type, its labels and a value; and alerts fire in scripted
//! faults, end with them, and one reaches a real Alertmanager and leaves it. alarms/alerts.tsv says which
//! test makes which alert fire: one that none can is not shipped. Only Limpid has this side.
//!
//! What takes minutes or days in production is shortened in the rules that are loaded here (see `hasty`):
//! the expressions, and the windows' order, are those that are shipped.

mod families;
mod faults;
mod hasty;
mod larger;
mod list;
mod machine;
mod node;
mod sink;
mod walls;
mod watch;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use limpid_interop::http::query;
use limpid_interop::lab::Lab;
use limpid_interop::peer::Kind;
use limpid_interop::process::{pause, tail, wait_for};

use crate::observed::selectors;
use node::Node;
use watch::{Version, Watch};

const LIMIT: Duration = Duration::from_secs(120);
/// Selectors without series here: how they begin, and why.
const ABSENT: &str = include_str!("alarms/absent.tsv");
/// Alerts that are about the machine of the tests: they always, or rightly, have something to say.
const OF_THE_MACHINE: [&str; 3] = ["LimpidWatchdog", "LimpidDiskLow", "LimpidDiskFillsIn4h"];
/// A rate over five minutes is too low before they are over; it has to be too low for ten.
const TOO_EARLY: [&str; 1] = ["LimpidRequestHandlersSaturated"];
/// Groups of the demo that are sick on purpose.
const SICK: [&str; 3] = ["demo.archiver", "demo.autoscaler", "demo.fraud-check"];

/// How often a healthy node is looked at, if a look finds an alert with something to say.
const LOOKS: usize = 7;
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// See the module's words, first half.
pub fn every_name_has_series(lab: &mut Lab) -> Result<()> {
    let Kind::Limpid(program) = lab.kind().clone() else {
        return Ok(());
    };
    let node = Node::start(lab, "names", &program)?;
    let rules = selectors::rules()?;
    let watch = |version| Watch::start(lab, version, (&node.name, &node.http()), &rules, None);
    let watches = [watch(Version::V2)?, watch(Version::V3)?];
    node.healthy_traffic()?;
    for watch in &watches {
        is_silent(watch).with_context(|| format!("healthy, in {watch:?}"))?;
    }
    let traffic = node.other_traffic()?;
    for watch in &watches {
        let seen = every_selector(watch)
            .and_then(|()| families::are_right(watch))
            .and_then(|()| families::values_are_right(watch, &node));
        seen.with_context(|| format!("in {watch:?}: {}", tail(&watch.log())))?;
    }
    drop(traffic);
    for watch in watches {
        watch.stop()?;
    }
    node.stop()
}

/// No alert of the healthy node has anything to say for half a minute, which is less than any `for`; but the
/// demo has groups that are sick on purpose.
fn is_silent(watch: &Watch) -> Result<()> {
    // As long as it takes until rates are known.
    pause(Duration::from_secs(10));
    let alerts = watch.alerts()?;
    ensure!(alerts.len() > 40, "only {} alerts", alerts.len());
    let of_the_node = |(name, _): &&(String, String)| {
        !OF_THE_MACHINE.contains(&name.as_str()) && !TOO_EARLY.contains(&name.as_str())
    };
    let mut told: Vec<_> = alerts.iter().filter(of_the_node).collect();
    let mut said = Vec::new();
    for look in 0..LOOKS {
        if look > 0 {
            pause(BETWEEN_LOOKS);
        }
        said.clear();
        let mut still = Vec::new();
        for alert @ (name, expression) in told {
            let samples = query(&watch.address, expression).with_context(|| name.clone())?;
            let of_it: Vec<_> = samples
                .iter()
                .filter(|(labels, _)| !is_sick(labels))
                .collect();
            if !of_it.is_empty() {
                said.push(format!("{name}: {of_it:?}"));
                still.push(alert);
            }
        }
        told = still;
        if told.is_empty() {
            return Ok(());
        }
        eprintln!("told in look {look}: {said:?}");
    }
    bail!("{said:#?}")
}

fn is_sick(labels: &serde_json::Value) -> bool {
    let group = labels["group"].as_str();
    group.is_some_and(|group| SICK.contains(&group))
}

/// Every selector of rules and dashboards has series, but those that are listed, and every expression
/// can be evaluated, Grafana's as well.
fn every_selector(watch: &Watch) -> Result<()> {
    let panels = selectors::all_panels()?;
    ensure!(panels.len() > 130, "only {} panels", panels.len());
    let mut wanted = selectors::selectors(&selectors::rules()?);
    for panel in &panels {
        wanted.extend(selectors::selectors(&panel.expression));
    }
    for expression in panels
        .iter()
        .map(|p| &p.expression)
        .chain(&selectors::grafana_rules()?)
    {
        query(&watch.address, expression).with_context(|| expression.clone())?;
    }
    let reasons = ABSENT.lines().filter(|line| !line.starts_with('#'));
    let absent: Vec<&str> = reasons.filter_map(|line| line.split('\t').next()).collect();
    let is_absent = |selector: &&String| absent.iter().any(|a| selector.starts_with(a));
    let mut missing: BTreeSet<String> = BTreeSet::new();
    let looked = wait_for("series of every selector", LIMIT, || {
        missing.clear();
        for selector in wanted.iter().filter(|s| !is_absent(s)) {
            if query(&watch.address, selector)?.is_empty() {
                missing.insert(selector.clone());
            }
        }
        Ok(missing.is_empty().then_some(()))
    });
    looked.with_context(|| format!("without series: {missing:#?}"))?;
    let sometimes = |line: &&str| line.contains("\tsometimes: ");
    for line in ABSENT
        .lines()
        .filter(|line| !line.starts_with('#') && !sometimes(line))
    {
        let beginning = line.split('\t').next().unwrap_or_default();
        let mut those = wanted
            .iter()
            .filter(|selector| selector.starts_with(beginning));
        let first = those
            .next()
            .with_context(|| format!("nothing asks for {beginning}"))?;
        let there = !query(&watch.address, first)?.is_empty();
        ensure!(
            !there,
            "{first} has series: take it off the list of those without"
        );
    }
    Ok(())
}

/// See the module's words, second half.
pub fn fire_in_scripted_faults(lab: &mut Lab) -> Result<()> {
    let Kind::Limpid(program) = lab.kind().clone() else {
        return Ok(());
    };
    let node = Node::start(lab, "faults", &program)?;
    let sink = sink::Sink::open()?;
    let rules = hasty::rules(&selectors::rules()?)?;
    let target = (&*node.name, &*node.http());
    let watch = Watch::start(lab, Version::V2, target, &rules, Some(&sink.address))?;
    let log = watch.log();
    faults::run(node, &watch, &sink)
        .and_then(|()| list::check("faults", &watch))
        .with_context(|| tail(&log).to_owned())?;
    watch.stop()
}

/// As [`fire_in_scripted_faults`], for a disk, a clock and a kernel that fail. What is mounted for it
/// is seen by nobody else: it runs in a namespace of its own.
pub fn fire_when_the_machine_fails(lab: &mut Lab) -> Result<()> {
    if !matches!(lab.kind(), Kind::Limpid(_)) {
        return Ok(());
    }
    if !machine::is_inside() {
        return machine::go_inside("alarms::fire_when_the_machine_fails");
    }
    let rules = hasty::rules(&selectors::rules()?)?;
    let mut room = machine::room::Room::start(lab)?;
    let target = ("machine", &*room.peer.http_address());
    let watch = Watch::start(lab, Version::V2, target, &rules, None)?;
    let log = watch.log();
    machine::run(lab, &mut room, &watch)
        .and_then(|()| list::check("machine", &watch))
        .with_context(|| format!("{}\n{}", tail(&log), tail(&room.peer.log())))?;
    watch.stop()?;
    room.peer.stop()
}

/// As [`fire_in_scripted_faults`], for replicas and brokers that are gone: what one node of a larger cluster
/// has left.
pub fn fire_over_what_a_larger_cluster_left(lab: &mut Lab) -> Result<()> {
    let kind = lab.kind().clone();
    if !matches!(kind, Kind::Limpid(_)) {
        return Ok(());
    }
    let mut remains = larger::left_by_kafka(lab)?;
    let http = remains.take_over(&kind)?;
    let rules = hasty::rules(&selectors::rules()?)?;
    let watch = Watch::start(lab, Version::V2, ("larger-watch", &http), &rules, None)?;
    let log = watch.log();
    remains
        .run(lab, &watch)
        .and_then(|()| list::check("larger", &watch))
        .with_context(|| tail(&log).to_owned())?;
    watch.stop()
}

/// As [`fire_in_scripted_faults`], for limits of a control group. It needs one, see [`walls::Walls`].
pub fn fire_within_a_control_group(lab: &mut Lab) -> Result<()> {
    if !matches!(lab.kind(), Kind::Limpid(_)) {
        return Ok(());
    }
    let walls = walls::Walls::build()?;
    let mut peer = walls::broker(lab)?;
    walls.start(&mut peer)?;
    let rules = hasty::rules(&selectors::rules()?)?;
    let target = ("walls", &*peer.http_address());
    let watch = Watch::start(lab, Version::V2, target, &rules, None)?;
    let log = watch.log();
    walls::run(&walls, &mut peer, &watch)
        .and_then(|()| list::check("walls", &watch))
        .with_context(|| format!("{}\n{}", tail(&log), tail(&peer.log())))?;
    watch.stop()?;
    peer.stop()
}
