//! Tests of `topic`.
