//! `limpid metrics cost`.

use std::process::ExitCode;

use anyhow::Result;
use limpid_exporter::cost::{Cost, Shed};
use limpid_exporter::synthetic::Size;
use limpid_exporter::{Budget, DIALECTS, Format, Selection};
use limpid_server::Estimate;

use super::ask;
use crate::args::MetricsCostArgs;

/// Our own families, as a dialect.
const OWN: &str = "limpid";
/// What each step of the budget leaves out.
const STEPS: [&str; 4] = [
    "lag by topic",
    "partitions only when unhealthy",
    "three percentiles",
    "whole families",
];

/// Who shows pages.
enum Node<'a> {
    Running(&'a MetricsCostArgs),
    Estimated(Box<Estimate>),
}

impl Node<'_> {
    /// The page as the configuration has it, or one dialect of it.
    fn page(&self, dialect: Option<&str>) -> Result<String> {
        let query = dialect.map(|dialect| ("dialect", dialect));
        match self {
            Node::Running(args) => ask::metrics(&args.ask, query.as_slice()),
            Node::Estimated(estimate) => {
                let selection = Selection::of(query)?;
                let exporter = estimate.exporter();
                Ok(exporter.render_selected(Format::Text, &selection))
            }
        }
    }

    /// What a budget leaves out of its page. What of a running node's partitions is unhealthy is not known
    /// here: all count as healthy.
    fn shed(&self, cost: Cost, budget: &Budget) -> (usize, Vec<Shed>) {
        match self {
            Node::Running(_) => cost.shed(budget, None),
            Node::Estimated(estimate) => estimate.shed(cost, budget),
        }
    }
}

/// Prints what dialects and families cost.
pub fn run(args: &MetricsCostArgs) -> Result<ExitCode> {
    let node = match args.partitions {
        None => Node::Running(args),
        Some(partitions) => {
            let size = Size {
                topics: args.topics,
                partitions,
                groups: args.groups,
                partitions_per_group: args.partitions_per_group,
            };
            println!(
                "A broker that leads {partitions} partitions of {} topics, with {} groups of {} \
                 partitions each.\nRequests, clients and connections come on top, as they are used.\n",
                args.topics, args.groups, args.partitions_per_group
            );
            Node::Estimated(Box::new(Estimate::new(size, &args.dialects)?))
        }
    };
    let mut families = Vec::new();
    println!("{:<20} {:>10} {:>9}", "dialect", "series", "families");
    for dialect in [OWN].iter().chain(DIALECTS) {
        let cost = Cost::of(&node.page(Some(dialect))?);
        let of_dialect = cost.families();
        println!(
            "{dialect:<20} {:>10} {:>9}",
            cost.series(),
            of_dialect.len()
        );
        let named = of_dialect.into_iter();
        families.extend(named.map(|(family, series)| (series, family, *dialect)));
    }
    families.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    println!("\n{:>10}  {:<20} family", "series", "dialect");
    for (series, family, dialect) in families.iter().take(args.top) {
        println!("{series:>10}  {dialect:<20} {family}");
    }
    let page = node.page(None)?;
    let cost = Cost::of(&page);
    println!(
        "\nThe page as it is configured has {} series.",
        cost.series()
    );
    if let Some(steps) = value(&page, "limpid_series_degraded").filter(|steps| *steps > 0.0) {
        println!("It is cut down already, in {steps} of 8 steps.");
    }
    let budget = Budget::new(args.max_series, ["alerts"]);
    let (steps, shed) = node.shed(cost, &budget);
    print_shed(args.max_series, steps, &shed);
    Ok(ExitCode::SUCCESS)
}

fn print_shed(max: usize, steps: usize, shed: &[Shed]) {
    if steps == 0 {
        println!("With limpid.metrics.max.series={max} nothing is left out.");
        return;
    }
    println!("With limpid.metrics.max.series={max} it is cut down:");
    for step in 0..steps {
        let of = match step < STEPS.len() {
            true => "",
            false => ", of families that alerts need",
        };
        println!("  {}{of}", STEPS[step % STEPS.len()]);
    }
    println!("\n{:>10} {:>10}  family", "before", "after");
    for Shed {
        family,
        before,
        after,
    } in shed
    {
        println!("{before:>10} {after:>10}  {family}");
    }
}

/// The value of a series without labels.
fn value(page: &str, name: &str) -> Option<f64> {
    let mut lines = page.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}
