//! What the fuzz targets share: the table of all messages, and what is done with one input.
//!
//! A target must return on every input: no panic, no allocation beyond the limits that
//! `fuzz/common.sh` hands to libFuzzer (`-malloc_limit_mb`), no endless loop (`-timeout`).

mod messages;
mod records;
mod seeds;

pub use messages::{Entry, body, frame, messages, others, request, requests};
pub use records::records;
pub use seeds::write_seeds;
