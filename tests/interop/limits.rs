//! Limits on what clients may use, and on their connections: each test against a broker of its own.

pub mod connections;
pub mod quotas;
