//! Paths of log directories as clients are told: absolute, as in Kafka.

use std::path::{Path, PathBuf};

/// The path from the root on. Links are not followed: it is the configured name that counts.
pub fn absolute(path: &Path) -> PathBuf {
    // Fails for the empty path and without a working directory.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
