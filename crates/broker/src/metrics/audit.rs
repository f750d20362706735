//! What the audit counts.

use limpid_telemetry::metrics;

use crate::audit::record::Kind;

metrics! {
    /// The audit.
    pub struct AuditMetrics {
        /// Records of the audit, by what they are about.
        pub records: counter { kind: Kind } = "limpid_audit_records_total";
        /// Records that are in the log but not in `limpid.audit.topic`: the queue was full, or the
        /// topic could not be written.
        pub dropped: counter = "limpid_audit_dropped_total";
        /// Records that wait to be written to `limpid.audit.topic`.
        pub queue: gauge = "limpid_audit_queue";
        /// Most records that wait to be written to `limpid.audit.topic`.
        pub queue_max: gauge = "limpid_audit_queue_max";
        /// Denials and failed logins that are added up now before they are told again.
        pub repeats: gauge = "limpid_audit_repeats";
        /// Most denials and failed logins that are added up one by one.
        pub repeats_max: gauge = "limpid_audit_repeats_max";
    }
}
