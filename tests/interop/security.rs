//! TLS, logins, users and access rules: each test against a broker of its own with four listeners.

pub mod access;
pub mod entrance;
pub mod renewal;
pub mod stronghold;
pub mod users;
