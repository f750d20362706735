//! How compaction is run: the broker's `log.cleaner.*`.

use std::time::Duration;

/// The broker's settings; those of a topic are in [`LogConfig`](crate::LogConfig).
#[derive(Debug, Clone, PartialEq)]
pub struct CompactionSettings {
    /// `log.cleaner.enable`.
    pub enabled: bool,
    /// `log.cleaner.threads`: logs that may be compacted at once.
    pub threads: usize,
    /// `log.cleaner.dedupe.buffer.size`: memory of all threads together for keys.
    pub keys_bytes: usize,
    /// `log.cleaner.io.buffer.load.factor`: how full that memory may get, above 0 and at most 1.
    pub keys_load_max: f64,
    /// `log.cleaner.io.buffer.size`: memory of all threads together for reading and writing. A
    /// batch that is larger gets what it needs.
    pub io_bytes: usize,
    /// `log.cleaner.io.max.bytes.per.second`, of all threads together, read and written.
    pub io_bytes_per_second: f64,
    /// `log.cleaner.backoff.ms`: pause when nothing has to be compacted.
    pub backoff: Duration,
}

impl Default for CompactionSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            threads: 1,
            keys_bytes: 128 << 20,
            keys_load_max: 0.9,
            io_bytes: 512 << 10,
            io_bytes_per_second: f64::MAX,
            backoff: Duration::from_secs(15),
        }
    }
}

impl CompactionSettings {
    /// Memory for keys of one thread.
    pub(crate) fn keys_bytes_per_thread(&self) -> usize {
        self.keys_bytes / self.threads.max(1)
    }

    /// Bytes that one thread reads or writes at once.
    pub(crate) fn window_bytes(&self) -> usize {
        (self.io_bytes / self.threads.max(1) / 2).max(1)
    }
}
