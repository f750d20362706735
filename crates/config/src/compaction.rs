//! How logs are compacted: `log.cleaner.*`, as far as it is no default of a topic.

/// The settings of the log cleaner.
#[derive(Clone, Debug, PartialEq)]
pub struct CompactionConfig {
    /// `log.cleaner.enable`.
    pub enabled: bool,
    /// `log.cleaner.threads`.
    pub threads: usize,
    /// `log.cleaner.dedupe.buffer.size`.
    pub keys_bytes: usize,
    /// `log.cleaner.io.buffer.load.factor`.
    pub keys_load_max: f64,
    /// `log.cleaner.io.buffer.size`.
    pub io_bytes: usize,
    /// `log.cleaner.io.max.bytes.per.second`.
    pub io_bytes_per_second: f64,
    /// `log.cleaner.backoff.ms`.
    pub backoff_ms: u64,
}
