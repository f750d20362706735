//! What limits of clients and connections count.

use limpid_telemetry::{Text, metrics};

use super::ListenerName;
use crate::quotas::rules::QuotaKind;

/// Most quotas in use with series of their own; the others share `user` and `client_id` `other`.
const QUOTA_SERIES_MAX: usize = 1_000;

type QuotaName = Text<QUOTA_SERIES_MAX>;

metrics! {
    /// Client quotas in use. An empty label is a part that does not matter to the quota.
    pub struct QuotaMetrics {
        /// What these clients may use together: bytes per second, percent of a thread, or changes
        /// per second. Infinite without a quota.
        pub bound: float_gauge { quota: QuotaKind, user: QuotaName, client_id: QuotaName } = "limpid_quota_bound";
        /// Bytes per second that these clients produce or fetch, over the windows of the quota.
        pub byte_rate: float_gauge { quota: QuotaKind, user: QuotaName, client_id: QuotaName } = "limpid_quota_bytes_per_second",
            mbean "kafka.server:type={quota},user={user},client-id={client_id}" attribute "byte-rate";
        /// Percent of a thread that requests of these clients keep busy, over the windows of the
        /// quota.
        pub request_time: float_gauge { user: QuotaName, client_id: QuotaName } = "limpid_quota_request_time",
            mbean "kafka.server:type=Request,user={user},client-id={client_id}" attribute "request-time";
        /// Partitions that these clients create and delete per second, over the windows of the
        /// quota.
        pub mutation_rate: float_gauge { user: QuotaName, client_id: QuotaName } = "limpid_quota_mutations_per_second",
            mbean "kafka.server:type=ControllerMutation,user={user},client-id={client_id}" attribute "mutation-rate";
        /// Partitions that these clients may create or delete now; negative is owed.
        pub tokens: float_gauge { user: QuotaName, client_id: QuotaName } = "limpid_quota_mutation_tokens",
            mbean "kafka.server:type=ControllerMutation,user={user},client-id={client_id}" attribute "tokens";
        /// Average time that these clients were held back for, of those requests of the last minute
        /// that were.
        pub throttle: float_gauge { quota: QuotaKind, user: QuotaName, client_id: QuotaName } = "limpid_quota_throttle_seconds",
            mbean "kafka.server:type={quota},user={user},client-id={client_id}" attribute_ms "throttle-time";
        /// Requests of these clients that were held back.
        pub throttled: counter { quota: QuotaKind, user: QuotaName, client_id: QuotaName } = "limpid_quota_throttled_requests_total";
        /// Connections held back now.
        pub muted: gauge { quota: QuotaKind } = "limpid_quota_muted_connections",
            mbean "kafka.server:type={quota}" attribute "queue-size";
        /// Percent of a thread that requests keep busy that no quota is about, while there are
        /// quotas of request time.
        pub exempt: float_gauge = "limpid_quota_exempt_request_time",
            mbean "kafka.server:type=Request" attribute "exempt-request-time";
    }
}

metrics! {
    /// Limits of connections.
    pub struct ConnectionLimitMetrics {
        /// Most connections at a time, `max.connections`.
        pub max: gauge = "limpid_connections_max";
        /// Most connections of the listener at a time.
        pub listener_max: gauge { listener: ListenerName } = "limpid_listener_connections_max";
        /// Connections open from the address that has most.
        pub per_address: gauge = "limpid_address_connections";
        /// Most connections from one address, `max.connections.per.ip`.
        pub per_address_max: gauge = "limpid_address_connections_max";
        /// Connections accepted per second, over the windows of the quotas.
        pub rate: float_gauge { listener: ListenerName } = "limpid_connection_creation_rate",
            mbean "kafka.server:type=socket-server-metrics,listener={listener}" attribute "connection-accept-rate";
        /// Most new connections per second, `max.connection.creation.rate`.
        pub rate_max: gauge = "limpid_connection_creation_rate_max";
        /// Time that new connections waited for a place or for the limit of their rate.
        pub blocked_seconds: float_counter { listener: ListenerName } = "limpid_accept_blocked_seconds_total",
            mbean "kafka.network:type=Acceptor,name=AcceptorBlockedPercent,listener={listener}" time_meter "blocked time";
    }
}

metrics! {
    /// Clients that fetch, as far as they are kept for telling why groups lag.
    pub struct ReaderMetrics {
        /// Clients that fetch and are watched.
        pub readers: gauge = "limpid_readers_watched";
        /// Most clients that fetch and are watched.
        pub readers_max: gauge = "limpid_readers_watched_max";
    }
}

metrics! {
    /// Long work that threads do which come last.
    pub struct AsideMetrics {
        /// Threads for what takes long: batches that are large once they are decompressed, metadata of very many
        /// topics, and large records while others send short requests. The system prefers the threads of the data
        /// path.
        pub threads: gauge = "limpid_aside_threads";
        /// Requests that such threads work on.
        pub in_use: gauge = "limpid_aside_threads_in_use";
        /// Requests that wait for such a thread.
        pub waiting: gauge = "limpid_aside_waiting_requests";
        /// Pieces of work that such threads have begun.
        pub pieces: counter = "limpid_aside_pieces_total";
    }
}

metrics! {
    /// Connections at the entrance, which have a thread of their own.
    pub struct EntranceMetrics {
        /// Connections that have not sent a request since they came, whose request comes in tiny pieces, or that
        /// send a long one while others send short ones. A thread of their own serves them, and the system
        /// prefers the threads of the data path.
        pub connections: gauge = "limpid_entrance_connections";
        /// Times that a connection went on from there to the data path, with a whole request.
        pub passed: counter = "limpid_entrance_passed_total";
        /// Times that a connection went back there: its request came in tiny pieces, or was long while others
        /// sent short ones.
        pub returned: counter = "limpid_entrance_returned_total";
        /// Time that the thread of the entrance had something to do. A second each second: more is asked of it
        /// than it can do, and who connects waits.
        pub busy_seconds: float_counter = "limpid_entrance_busy_seconds_total";
    }
}

/// Most clients with series of their own; the others share `principal` and `client_id` `other`.
pub const CLIENT_SERIES_MAX: usize = 1_000;

type ClientLabel = Text<{ CLIENT_SERIES_MAX + 32 }>;

metrics! {
    /// Clients, by who they are and where they come in.
    pub struct ClientMetrics {
        /// Requests of the client.
        pub requests: counter { listener: ClientLabel, principal: ClientLabel, client_id: ClientLabel } = "limpid_client_requests_total";
        /// Requests of the client whose answer carries an error.
        pub errors: counter { listener: ClientLabel, principal: ClientLabel, client_id: ClientLabel } = "limpid_client_request_errors_total";
        /// Bytes of the client's requests, length prefix included.
        pub request_bytes: counter { listener: ClientLabel, principal: ClientLabel, client_id: ClientLabel } = "limpid_client_request_bytes_total";
        /// Bytes of the answers to the client, length prefix included.
        pub response_bytes: counter { listener: ClientLabel, principal: ClientLabel, client_id: ClientLabel } = "limpid_client_response_bytes_total";
        /// Seconds for which the client was held back by quotas.
        pub throttled: float_counter { listener: ClientLabel, principal: ClientLabel, client_id: ClientLabel } = "limpid_client_throttled_seconds_total";
    }
}
