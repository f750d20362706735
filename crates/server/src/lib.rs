//! The composition root: configuration in, running server out.
//!
//! [`Server::start`] opens things in the order in which they need each other, and so that a mistake
//! shows before anything is changed: limits, Kafka's ports (bound, not open), the data directory,
//! HTTP, recovery, metadata, registration, then clients. [`Server::stop`] goes back the same way.
//!
//! What must never be here: protocol and page code.

mod acting;
mod bundle;
mod canary;
mod catalogue;
mod certificates;
mod check;
mod control;
mod data_dir;
mod entrances;
mod error;
mod estimate;
mod faces;
mod format;
mod gate;
mod host;
mod http;
mod in_process;
mod last_run;
mod listeners;
mod log_targets;
mod node;
mod opening;
mod reach;
mod room;
mod runtimes;
mod scram_users;
mod server;
mod ticker;
mod token_keys;
mod told;
pub mod upkeep;
mod watching;
mod worker_beans;
mod worker_times;

pub use catalogue::catalogue;
pub use check::check;
pub use error::StartError;
pub use estimate::Estimate;
pub use format::{FormatRequest, Formatted, format};
pub use last_run::watch_panics;
pub use log_targets::LOG_TARGETS;
pub use server::Server;
pub use told::{Addresses, Stopped};
