//! How large a node may get: many partitions, connections, groups, bytes to recover and series.
//!
//! [`node`] is the broker with what the system knows of its process, [`load`] writes to it over many
//! connections, and each question is a file that ends in [`report::Row`]s: what was asked for, what was
//! measured. Processor time and ratios of turns within one run are what counts on a shared machine.

pub mod crowd;
pub mod groups;
pub mod load;
pub mod node;
pub mod recovery;
pub mod report;
pub mod scrapes;
