//! Counters of pushes.

use limpid_telemetry::{label_enum, metrics};

label_enum! {
    /// What became of a push.
    pub enum Outcome {
        /// Read, and its values are shown.
        Taken = "taken",
        /// Refused with an error: too early, too large, an old subscription …
        Refused = "refused",
        /// There was no room in the queue; the client was told that all is well.
        Dropped = "dropped",
        /// Its bytes could not be read; the client was told that all is well.
        Malformed = "malformed",
    }
}

label_enum! {
    /// What became of a push on its way to another receiver.
    pub enum Forwarded {
        /// The receiver took it.
        Sent = "sent",
        /// The receiver could not be reached, or refused it.
        Failed = "failed",
        /// There was no room in the queue.
        Dropped = "dropped",
    }
}

metrics! {
    /// Metrics that clients push (KIP-714).
    pub struct PushMetrics {
        /// Pushes of metrics by clients.
        pub pushes: counter { outcome: Outcome } = "limpid_client_metrics_pushes_total";
        /// Values of pushes that were left out because of a limit.
        pub left_out: counter = "limpid_client_metrics_left_out_total";
        /// Clients that are known to the receiver of metrics.
        pub clients: gauge = "limpid_client_metrics_clients",
            mbean "kafka.server:type=client-metrics" attribute "instance-count";
        /// Pushes of clients that had not asked which metrics are wanted since that changed.
        pub unknown: counter = "limpid_client_metrics_unknown_subscriptions_total",
            mbean "kafka.server:type=client-metrics" attribute "unknown-subscription-request-count",
            mbean "kafka.server:type=client-metrics" attribute_rate "unknown-subscription-request-rate";
        /// Most clients that are known to the receiver of metrics.
        pub clients_max: gauge = "limpid_client_metrics_clients_max";
        /// Series that clients pushed.
        pub series: gauge = "limpid_client_metrics_series";
        /// Most series that clients may push.
        pub series_max: gauge = "limpid_client_metrics_series_max";
        /// Bytes of pushes that wait to be read.
        pub queued: gauge = "limpid_client_metrics_queue_bytes";
        /// Most bytes of pushes that may wait to be read.
        pub queued_max: gauge = "limpid_client_metrics_queue_max_bytes";
        /// Pushes that were to be sent on to another receiver.
        pub forwards: counter { outcome: Forwarded } = "limpid_client_metrics_forwards_total";
        /// Bytes of pushes that wait to be sent on.
        pub forward_queued: gauge = "limpid_client_metrics_forward_queue_bytes";
        /// Most bytes of pushes that may wait to be sent on.
        pub forward_queued_max: gauge = "limpid_client_metrics_forward_queue_max_bytes";
    }
}
