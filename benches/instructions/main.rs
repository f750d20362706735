//! What the broker does for one request, one scrape: to be run under callgrind, which
//! counts instructions (`cargo xtask instructions`). Without callgrind it only shows that it works.
//!
//! ```sh
//! cargo xtask instructions            # against benches/instructions/baseline.tsv
//! cargo xtask instructions --price    # with all instrumentation and without any
//! ```
//! Only what [`measured`] calls is counted, and only in this thread; [`case_ends`] ends the count of a
//! case. The names of both are told to callgrind. The data path's cases go through the broker's own
//! connection code, over a pipe in memory: what the kernel does, and tokio's polling of sockets, is
//! not in the numbers.
#![allow(clippy::print_stdout, reason = "a command talks to its terminal")]

mod conversation;
mod pages;
mod requests;

use anyhow::{Context, Result};

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

/// Cases are counted for so many rounds, after a few that are not.
#[derive(Clone, Copy)]
pub struct Rounds {
    /// Before the count.
    pub warm: usize,
    /// Within it.
    pub counted: usize,
}

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    let which = words.next().unwrap_or_else(|| "all".to_owned());
    let requests = words.next().map(|count| count.parse()).transpose();
    let counted = requests.context("how many requests?")?.unwrap_or(500);
    if which != "pages" {
        conversation::run(Rounds { warm: 64, counted })?;
    }
    if which != "data" {
        pages::run(Rounds {
            warm: 2,
            counted: 5,
        })?;
    }
    Ok(())
}
