//! Kafka's wire format and record batches, without I/O.

pub mod records;
