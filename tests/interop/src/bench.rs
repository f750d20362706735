//! Limpid beside Apache Kafka on this machine, in one run, as a table with the goals of the project.
//!
//! [`plan`] is what was asked for, [`cases`] are what can be measured and [`run`] measures them: for each
//! pair and each session both brokers in turn, each on an empty directory. Every measurement goes to a
//! file as one line of JSON ([`raw`]) as soon as it is made, and [`report`] makes the tables from those
//! lines alone, so that a run that was interrupted still gives its table.

pub mod cases;
pub mod document;
pub mod goals;
pub mod histogram;
mod java;
mod machine;
mod native;
mod open_loop;
mod page_cache;
pub mod plan;
mod progress;
pub mod raw;
pub mod report;
pub mod run;
mod session;
pub mod side;
mod start;
mod trips;
mod usage;
