//! Record batches, format v2: what producers send, what lies in the log, what consumers get.
//!
//! A batch is looked at, checked and patched where it lies; it is never rebuilt on the way from
//! a producer to a consumer. [`Batches`] cuts a buffer into [`BatchView`]s, [`validate`] applies
//! the rules of a produce request, `patch_*` write what the broker decides (offset, leader epoch,
//! append time), and [`BatchBuilder`] makes batches of our own.
//!
//! The invariants:
//! - nothing here allocates in proportion to a number found in the input; decompression grows
//!   with what really comes out and stops at a named limit;
//! - nothing here panics on any input: every error is a [`RecordsError`], which knows its Kafka
//!   error code;
//! - the walk over uncompressed records allocates nothing.
//!
//! Formats 0 and 1 (before Kafka 0.11) are refused by name: Kafka 4 refuses them as well.

mod batch;
mod builder;
mod codec;
mod control;
mod error;
mod header;
mod patch;
mod record;
mod traceparent;
mod validate;
mod varint;

pub use batch::{BatchView, Batches, offsets_of_run, single_batch};
pub use builder::{BatchBuilder, BuildError, Producer};
pub use codec::Codec;
pub use control::{ControlBatch, ControlType, control_batch, end_transaction_marker};
pub use error::RecordsError;
pub use header::{
    Attributes, BATCH_HEADER_BYTES, BATCH_OVERHEAD_BYTES, BatchHeader, NO_PRODUCER_EPOCH,
    NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP, TimestampType, add_sequence,
};
pub use patch::{
    patch_append_time, patch_base_offset, patch_leader_epoch, patch_max_timestamp, reseal,
};
pub use record::{HeaderView, Headers, RecordView, Records};
pub use traceparent::{TraceParent, first_traceparent};
pub use validate::{ProducerInfo, Validated, ValidationLimits, validate};

#[cfg(test)]
mod tests;
