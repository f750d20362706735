//! Kafka's wire format and record batches, without I/O.
//!
//! - [`messages`]: every request, response and stored record, generated from Kafka's specifications
//!   by `cargo xtask codegen`; one module each, since names of inner structures clash.
//! - [`codec`]: how they are read and written, and how much a frame may cost.
//! - [`header`], [`ErrorCode`], [`Uuid`], [`ApiKey`]: what goes with them.
//! - [`Chunks`]: a response as runs of bytes, for fetched records that are never copied.
//! - [`records`]: record batches in place.
//!
//! Invariant: nothing in here panics on input, or allocates more than a few times its size.

pub mod chunks;
pub mod codec;
pub mod error_code;
pub mod header;
#[allow(clippy::field_reassign_with_default)]
pub mod messages;
pub mod records;
pub mod uuid;

pub use chunks::{Chunks, Gap, Run};
pub use codec::{DecodeError, EncodeError, Message, Reader, Request};
pub use error_code::ErrorCode;
pub use header::{RequestHeader, ResponseHeader};
pub use messages::ApiKey;
pub use uuid::Uuid;

#[cfg(test)]
mod tests;
