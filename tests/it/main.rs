//! End-to-end tests inside one process.
