//! What the log counts. State (sizes, offsets, free space) is not here: it is read by accessors.

use limpid_telemetry::{buckets, metrics};

metrics! {
    /// Events of all logs of a manager.
    pub struct LogMetrics {
        /// Bytes appended to logs.
        pub appended_bytes: counter = "limpid_log_appended_bytes_total";
        /// Batches appended to logs.
        pub appended_batches: counter = "limpid_log_appended_batches_total";
        /// Batches that had been appended before and were answered with their old offset.
        pub duplicate_batches: counter = "limpid_log_duplicate_batches_total";
        /// Appends refused for a sequence number or producer epoch that does not fit.
        pub sequence_errors: counter = "limpid_log_sequence_errors_total";
        /// Appends refused because the disk is full.
        pub disk_full_refusals: counter = "limpid_log_disk_full_refusals_total";
        /// Appends refused because a file could not be opened, or too many files waited for the disk.
        pub busy_refusals: counter = "limpid_log_busy_refusals_total";
        /// Time that appends waited because too many files waited for the disk.
        pub room_wait: float_counter = "limpid_log_room_wait_seconds_total";
        /// Logs put on the disk before their time because too many files waited for it.
        pub early_flushes: counter = "limpid_log_early_flushes_total";
        /// Files of segments that are open because bytes of them are not on the disk.
        pub unsynced_files: gauge = "limpid_log_unsynced_files";
        /// Most such files; near it logs are put on the disk early, and at it appends wait.
        pub unsynced_files_max: gauge = "limpid_log_unsynced_files_max";
        /// Other files of segments that are open: indexes, and logs that are on the disk.
        pub shared_files: gauge = "limpid_log_shared_files";
        /// Most such files; then the one that was not used for longest is closed.
        pub shared_files_max: gauge = "limpid_log_shared_files_max";
        /// Reads answered from the tail cache.
        pub tail_cache_hits: counter = "limpid_log_tail_cache_hits_total";
        /// Reads that had to go to a file.
        pub tail_cache_misses: counter = "limpid_log_tail_cache_misses_total";
        /// Bytes read from segment files for consumers.
        pub file_read_bytes: counter = "limpid_log_file_read_bytes_total";
        /// Segments rolled.
        pub segments_rolled: counter = "limpid_log_segments_rolled_total";
        /// Segments removed by retention or by deleting records.
        pub segments_removed: counter = "limpid_log_segments_removed_total";
        /// Bytes removed by retention or by deleting records.
        pub removed_bytes: counter = "limpid_log_removed_bytes_total";
        /// Time of a round of compaction of one log.
        pub compaction: histogram[buckets::COMPACTION_SECONDS] = "limpid_log_compaction_seconds";
        /// Whole seconds that the last round of compaction took.
        pub compaction_last: gauge = "limpid_log_compaction_last_seconds",
            mbean "kafka.log:type=LogCleaner,name=max-clean-time-secs" gauge;
        /// Rounds of compaction that failed; what was done before counts all the same.
        pub compaction_failures: counter = "limpid_log_compaction_failures_total";
        /// Bytes of segments that compaction read.
        pub compaction_read_bytes: counter = "limpid_log_compaction_read_bytes_total";
        /// Bytes of the segments that compaction wrote in their place.
        pub compaction_written_bytes: counter = "limpid_log_compaction_written_bytes_total";
        /// Records that compaction left out.
        pub compacted_records: counter = "limpid_log_compacted_records_total";
        /// Share of the bytes that remained in the last round of compaction.
        pub compaction_recopy: float_gauge = "limpid_log_compaction_recopy_ratio",
            mbean "kafka.log:type=LogCleaner,name=cleaner-recopy-percent" gauge_percent;
        /// Share of the memory for keys that the last round of compaction needed.
        pub compaction_keys: float_gauge = "limpid_log_compaction_keys_ratio",
            mbean "kafka.log:type=LogCleaner,name=max-buffer-utilization-percent" gauge_percent;
        /// Seconds that the oldest record waits for compaction beyond `max.compaction.lag.ms`.
        pub compaction_overdue: gauge = "limpid_log_compaction_overdue_seconds",
            mbean "kafka.log:type=LogCleaner,name=max-compaction-delay-secs" gauge;
        /// Share of the dirtiest log that could be compacted.
        pub dirtiest: float_gauge = "limpid_log_dirtiest_ratio",
            mbean "kafka.log:type=LogCleanerManager,name=max-dirty-percent" gauge_percent;
        /// Producer ids forgotten because they were idle.
        pub producers_expired: counter = "limpid_log_producers_expired_total";
        /// Time to put what one log appended on the disk.
        pub flush: histogram[buckets::DISK_SECONDS] = "limpid_log_flush_seconds",
            mbean "kafka.log:type=LogFlushStats,name=LogFlushRateAndTimeMs" timer;
        /// Bytes cut off by recovery because they were not whole valid batches.
        pub recovery_cut_bytes: counter = "limpid_log_recovery_cut_bytes_total";
        /// Bytes scanned by recovery.
        pub recovery_scanned_bytes: counter = "limpid_log_recovery_scanned_bytes_total";
    }
}
