//! Tests of the spawned binary: starting, stopping, and what a hostile world does to it.
//!
//! Nothing here waits by the clock alone: every wait has a condition and a deadline. Tests that
//! need a mount or a process namespace make their own (`unshare`); where the system refuses that
//! they fail, they are never skipped.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod asking;
mod broker;
mod bundle;
mod checking;
mod configuration;
mod descriptors;
mod directories;
mod entrance;
mod exhaustion;
mod garbage;
mod hostile;
mod packaging;
mod restarts;
mod secured;
mod slow;
mod starting;
mod stopping;
mod wait;
mod wire;
