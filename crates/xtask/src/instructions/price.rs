//! What seeing costs: the cases of the data path with all instrumentation and without any.

use std::path::Path;

use anyhow::{Result, ensure};

use super::callgrind::{self, Case};
use super::{UNSEEN, build};

/// Whose functions must not run on the data path of a build that sees nothing.
const SEEING: [&str; 2] = ["limpid_telemetry", "prometheus"];

/// Prints the difference of each case, after a look whether the second build is what it says.
pub fn run(root: &Path, requests: usize) -> Result<()> {
    let seen = callgrind::run(&build(root, None)?, "data", requests)?;
    let unseen = callgrind::run(&build(root, Some(UNSEEN))?, "data", requests)?;
    ensure!(
        seen.iter().all(|case| !called(case).is_empty()),
        "the check is blind"
    );
    for case in &unseen {
        let called = called(case);
        ensure!(
            called.is_empty(),
            "`{}` without instrumentation calls {called:?}",
            case.name
        );
    }
    println!(
        "no function of {} runs without instrumentation",
        SEEING.join(" or ")
    );
    println!("{:>12} {:>12} {:>8}  case", "without", "with", "price");
    for (with, without) in seen.iter().zip(&unseen) {
        let price = (with.instructions / without.instructions - 1.0) * 100.0;
        let line = format!("{:>12.0} {:>12.0}", without.instructions, with.instructions);
        println!("{line} {price:>+7.2}%  {}", with.name);
    }
    Ok(())
}

/// Functions of the instrumentation that ran. Types of it in the name of another function, such as
/// what drops a struct with a handle in it, are no calls of it.
fn called(case: &Case) -> Vec<&str> {
    let names = case.names.iter().map(String::as_str);
    let is_seeing = |name: &&str| {
        let name = name.trim_start_matches('<');
        SEEING.iter().any(|path| name.starts_with(path))
    };
    names.filter(is_seeing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_from_types_in_names() {
        let names = [
            "limpid_telemetry::handle::Counter::inc",
            "<limpid_telemetry::pools::Charge as core::ops::drop::Drop>::drop",
            "prometheus::histogram::Histogram::observe",
            "core::ptr::drop_in_place<limpid_telemetry::handle::Gauge>",
            "limpid_broker::frame",
        ];
        let case = Case {
            name: "a".to_owned(),
            instructions: 1.0,
            names: names.map(str::to_owned).into(),
        };
        assert_eq!(called(&case).len(), 3);
    }
}
