//! How many instructions the broker takes for a request, a scrape, a page: to be run under callgrind
//! (`cargo xtask instructions`). Without callgrind it only shows that it works.
//!
//! ```sh
//! cargo xtask instructions            # against benches/instructions/baseline.tsv
//! cargo xtask instructions --price    # with all instrumentation and without any
//! ```
//! Only what [`measured`] calls is counted, and only in this thread; [`case_ends`] ends the count of a
//! case. The names of both are told to callgrind.
#![allow(clippy::print_stdout, reason = "a command talks to its terminal")]

use std::sync::Arc;

use anyhow::{Context, Result};
use limpid_benches::{DATA_PATH, Maker, Meter, PAGES};

/// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is counted.
#[inline(never)]
pub fn measured(work: &mut dyn FnMut()) {
    work();
}

/// What was counted since the last case belongs to this one.
#[inline(never)]
pub fn case_ends(name: &str, units: usize) {
    println!("{name}\t{units}");
}

/// Callgrind knows the function by its name.
struct Counted;

impl Meter for Counted {
    fn measure(&self, work: &mut dyn FnMut()) {
        measured(work);
    }
}

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    let which = words.next().unwrap_or_else(|| "all".to_owned());
    let requests = words.next().map(|count| count.parse()).transpose();
    let requests: usize = requests.context("how many requests?")?.unwrap_or(500);
    if which != "pages" {
        run(DATA_PATH, requests)?;
    }
    if which != "data" {
        run(PAGES, requests)?;
    }
    Ok(())
}

fn run(makers: &[Maker], requests: usize) -> Result<()> {
    let meter: Arc<dyn Meter> = Arc::new(Counted);
    for make in makers {
        let mut world = make()?;
        for (at, case) in world.cases().into_iter().enumerate() {
            let rounds = (requests / case.weight).max(1);
            world.run(at, case.warm, None)?;
            world.run(at, rounds, Some(&meter))?;
            case_ends(&case.name, rounds);
        }
    }
    Ok(())
}
