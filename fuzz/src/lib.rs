//! What the fuzz targets share: the table of all messages, and what is done with one input.
//!
//! A target must return on every input: no panic, no endless loop (`-timeout`), and no more memory at any
//! moment than four times what it reads and a named constant ([`allocation::bounded`]).

pub mod allocation;
mod disk;
mod login;
mod messages;
mod pushed;
mod records;
mod seeds;
mod stored;

pub use disk::disk;
pub use login::login;
pub use messages::{Entry, body, frame, messages, others, request, requests};
pub use pushed::push;
pub use records::records;
pub use seeds::write_seeds;
pub use stored::stored;
