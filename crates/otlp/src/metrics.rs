//! What sending spans counts.

use limpid_telemetry::{label_enum, metrics};

label_enum! {
    /// Why a span was dropped.
    pub enum Lost {
        /// Too many waited to be sent.
        Queue = "queue",
        /// The collector did not take it.
        Export = "export",
    }
}

metrics! {
    /// Requests that become spans of traces.
    pub struct SpanMetrics {
        /// Requests that were sent to the collector as spans.
        pub exported: counter = "limpid_traced_requests_exported_total";
        /// Requests that should have been sent as spans and were not.
        pub dropped: counter { cause: Lost } = "limpid_traced_requests_dropped_total";
        /// Requests that wait to be sent as spans.
        pub queue: gauge = "limpid_traced_requests_queue";
        /// Most requests that wait to be sent as spans.
        pub queue_max: gauge = "limpid_traced_requests_queue_max";
    }
}
