//! Tests of `describe`.
