//! What connections count, by their listener.

use std::sync::Arc;
use std::time::Duration;

use limpid_telemetry::{
    Counter, Family, Gauge, Histogram, InFlight, Owned, Text, buckets, metrics,
};

use super::{AcceptError, Failure, ListenerName, ReloadOutcome};

/// Most kinds of client software with series of their own; the others share `other`.
const SOFTWARE_SERIES_MAX: usize = 200;

type SoftwareText = Text<SOFTWARE_SERIES_MAX>;

metrics! {
    /// Connections.
    pub struct ConnectionMetrics {
        /// Connections open now.
        pub open: gauge { listener: ListenerName } = "limpid_connections",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute "connection-count";
        /// Connections accepted.
        pub accepted: counter { listener: ListenerName } = "limpid_connections_accepted_total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute "connection-creation-total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute_rate "connection-creation-rate";
        /// Logins that succeeded, but for those again on a connection.
        pub logins: counter { listener: ListenerName } = "limpid_logins_total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute "successful-authentication-total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute_rate "successful-authentication-rate";
        /// Logins of clients that don't know how to log in again (before Kafka 2.2).
        pub lasting_logins: counter { listener: ListenerName } = "limpid_lasting_logins_total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute "successful-authentication-no-reauth-total";
        /// Logins again on a connection, before the last one had run out.
        pub renewed_logins: counter { listener: ListenerName } = "limpid_renewed_logins_total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute "successful-reauthentication-total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute_rate "successful-reauthentication-rate";
        /// Logins again on a connection that failed.
        pub failed_renewals: counter { listener: ListenerName } = "limpid_failed_login_renewals_total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute "failed-reauthentication-total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute_rate "failed-reauthentication-rate";
        /// Time that a client took to log in again.
        pub renewal_seconds: histogram[buckets::REQUEST_SECONDS] { listener: ListenerName } = "limpid_login_renewal_seconds",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute_avg_ms "reauthentication-latency-avg",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute_max_ms "reauthentication-latency-max";
        /// Logins and TLS handshakes that failed, but for logins again on a connection.
        pub failed_logins: counter { listener: ListenerName } = "limpid_failed_logins_total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute "failed-authentication-total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute_rate "failed-authentication-rate";
        /// Connections closed because their login had run out.
        pub expired_logins: counter { listener: ListenerName } = "limpid_expired_logins_total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute "expired-connections-killed-count";
        /// Connections that have ended.
        pub closed: counter { listener: ListenerName } = "limpid_connections_closed_total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute "connection-close-total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute_rate "connection-close-rate";
        /// Requests answered, by where they came in.
        pub requests: counter { listener: ListenerName } = "limpid_listener_requests_total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute "request-total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute_rate "request-rate";
        /// Answers sent, by where their requests came in.
        pub responses: counter { listener: ListenerName } = "limpid_listener_responses_total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute "response-total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute_rate "response-rate";
        /// Bytes of requests, by where they came in.
        pub received: counter { listener: ListenerName } = "limpid_listener_received_bytes_total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute "incoming-byte-total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute_rate "incoming-byte-rate";
        /// Bytes of answers, by where their requests came in.
        pub sent: counter { listener: ListenerName } = "limpid_listener_sent_bytes_total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute "outgoing-byte-total",
            mbean "kafka.server:type=socket-server-metrics,listener={listener},networkProcessor=0" attribute_rate "outgoing-byte-rate";
        /// Connections open now of clients that told what they are, by that.
        pub software: gauge { listener: ListenerName, name: SoftwareText, version: SoftwareText } = "limpid_software_connections",
            mbean "kafka.server:type=socket-server-metrics,clientSoftwareName={name},clientSoftwareVersion={version},listener={listener},networkProcessor=0" attribute_long "connections";
        /// When the certificate of a listener runs out, in seconds since 1970.
        pub certificate_expires: gauge { listener: ListenerName } = "limpid_tls_certificate_expires_timestamp_seconds";
        /// Attempts to load certificates that had changed, by outcome.
        pub reloads: counter { listener: ListenerName, outcome: ReloadOutcome } = "limpid_tls_reloads_total";
        /// Connections that ended in a failure, by cause.
        pub failures: counter { listener: ListenerName, cause: Failure } = "limpid_connection_failures_total";
        /// Attempts to accept a connection that failed, by cause.
        pub accept_errors: counter { listener: ListenerName, cause: AcceptError } = "limpid_accept_errors_total";
    }
}

/// The handles of one listener.
pub struct ListenerMetrics {
    /// Connections open now.
    pub open: Gauge,
    /// Connections accepted.
    pub accepted: Counter,
    closed: Counter,
    requests: Counter,
    responses: Counter,
    received: Counter,
    sent: Counter,
    /// Logins.
    pub logins: LoginMetrics,
    /// Connections whose login ran out.
    pub expired_logins: Counter,
    name: Arc<str>,
    failures: Family<Counter, (ListenerName, Failure)>,
    accept_errors: Family<Counter, (ListenerName, AcceptError)>,
}

/// Those of logins.
pub struct LoginMetrics {
    succeeded: Counter,
    lasting: Counter,
    /// Logins and TLS handshakes that failed.
    pub failed: Counter,
    renewed: Counter,
    failed_renewals: Counter,
    renewal_seconds: Histogram,
}

impl LoginMetrics {
    fn new(metrics: &ConnectionMetrics, name: &str) -> Self {
        Self {
            succeeded: metrics.logins.bind(name),
            lasting: metrics.lasting_logins.bind(name),
            failed: metrics.failed_logins.bind(name),
            renewed: metrics.renewed_logins.bind(name),
            failed_renewals: metrics.failed_renewals.bind(name),
            renewal_seconds: metrics.renewal_seconds.bind(name),
        }
    }

    /// The first login on a connection, of a client that may know how to do it again.
    pub fn began(&self, may_renew: bool) {
        self.succeeded.inc();
        self.lasting.inc_by(u64::from(!may_renew));
    }

    /// Another login on a connection.
    pub fn renewed(&self, took: Duration) {
        self.renewed.inc();
        self.renewal_seconds.observe_duration(took);
    }

    /// Another login on a connection was refused.
    pub fn not_renewed(&self) {
        self.failed_renewals.inc();
    }
}

impl ListenerMetrics {
    /// Binds the series of the listener `name`.
    pub fn new(metrics: &ConnectionMetrics, name: &Arc<str>) -> Self {
        Self {
            open: metrics.open.bind(name),
            accepted: metrics.accepted.bind(name),
            closed: metrics.closed.bind(name),
            requests: metrics.requests.bind(name),
            responses: metrics.responses.bind(name),
            received: metrics.received.bind(name),
            sent: metrics.sent.bind(name),
            logins: LoginMetrics::new(metrics, name),
            expired_logins: metrics.expired_logins.bind(name),
            name: Arc::clone(name),
            failures: metrics.failures.clone(),
            accept_errors: metrics.accept_errors.clone(),
        }
    }

    /// Counts a connection as open until the guard drops.
    pub fn opened(&self) -> OpenConnection {
        OpenConnection {
            _open: self.open.track(),
            closed: self.closed.clone(),
        }
    }

    /// Counts an answered request with its bytes and those of its answer, if it has one.
    #[inline]
    pub fn served(&self, (request, response): (usize, usize)) {
        self.requests.inc();
        self.received.inc_by(request as u64);
        if response > 0 {
            self.responses.inc();
            self.sent.inc_by(response as u64);
        }
    }

    /// Counts a failed connection. Not a hot path: a connection fails once.
    pub fn failed(&self, cause: Failure) {
        self.failures.bind((&self.name, cause)).inc();
    }

    /// Counts a failed accept.
    pub fn accept_failed(&self, cause: AcceptError) {
        self.accept_errors.bind((&self.name, cause)).inc();
    }
}

/// A connection that counts as open.
#[must_use = "the connection counts as open only while the guard lives"]
pub struct OpenConnection {
    _open: InFlight,
    closed: Counter,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.closed.inc();
    }
}

/// A connection of a client that told what it is; counted until it drops.
#[derive(Debug)]
pub struct SoftwareConnection(Owned<Gauge>);

impl ConnectionMetrics {
    /// Counts a connection of this software. Not a hot path: a client tells once.
    pub fn told(&self, listener: &str, (name, version): (&str, &str)) -> SoftwareConnection {
        let gauge = self.software.own((listener, name, version));
        gauge.inc();
        SoftwareConnection(gauge)
    }
}

impl Drop for SoftwareConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}
