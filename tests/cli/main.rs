//! Tests of the spawned binary.
