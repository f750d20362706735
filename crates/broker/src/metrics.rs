//! What the broker counts.

mod audit;
mod connections;
mod known_errors;
mod limits;
mod metadata;
mod records;
mod shares;
mod topics;

use std::sync::{Arc, OnceLock};

use limpid_coordinator::Cause;
use limpid_protocol::{ApiKey, ErrorCode};
use limpid_telemetry::exemplars::Slots;
use limpid_telemetry::ring::RingMetrics;
use limpid_telemetry::{
    Counter, Gauge, Histogram, LabelEnum, RegisterError, Registry, SEEN, Stage, StageHistograms,
    StageTimes, Table, Text, buckets, label_enum, metrics,
};

pub use self::audit::AuditMetrics;
pub use self::connections::{
    ConnectionMetrics, ListenerMetrics, OpenConnection, SoftwareConnection,
};
pub use self::limits::{
    AsideMetrics, CLIENT_SERIES_MAX, ClientMetrics, ConnectionLimitMetrics, EntranceMetrics,
    QuotaMetrics, ReaderMetrics,
};
pub use self::metadata::{MetadataMetrics, ReplicaMetrics};
pub use self::records::{BoundRecordMetrics, RecordMetrics};
pub use self::shares::{Acknowledged, ShareMetrics};
pub use self::topics::{BoundTopicMetrics, RefusedMetrics, TopicMetrics};

/// Most topics with series of their own; the others share `topic="other"`.
pub const TOPIC_SERIES_MAX: usize = 5_000;
/// Most listeners.
const LISTENERS_MAX: usize = 16;

/// Most consumer groups with series of their own; the others share `group="other"`.
pub const GROUP_SERIES_MAX: usize = 5_000;

/// Most groups with a histogram of their commits, which is a dozen series each; the others share
/// `group="other"`.
const GROUP_HISTOGRAMS_MAX: usize = 1_000;

type CommitGroup = Text<GROUP_HISTOGRAMS_MAX>;
type TopicName = Text<TOPIC_SERIES_MAX>;
type GroupName = Text<GROUP_SERIES_MAX>;
type ListenerName = Text<LISTENERS_MAX>;

/// [`ApiKey`] as a label: Kafka's name of the request.
#[derive(Debug, Clone, Copy)]
pub enum Api {
    /// Any request.
    Of(ApiKey),
    /// A Fetch that names a replica it is for. It is no consumer's, whoever sent it.
    FetchFollower,
}

impl LabelEnum for Api {
    const COUNT: usize = 128;

    fn index(self) -> usize {
        match self {
            Self::Of(key) => key as usize,
            Self::FetchFollower => Self::COUNT - 1,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Of(key) => key.name(),
            Self::FetchFollower => "FetchFollower",
        }
    }
}

/// [`ErrorCode`] as a label: Kafka's name of the error, `NONE` for success.
#[derive(Debug, Clone, Copy)]
pub struct Error(pub ErrorCode);

impl LabelEnum for Error {
    const COUNT: usize = 256;

    fn index(self) -> usize {
        // UNKNOWN_SERVER_ERROR is -1.
        usize::try_from(self.0.code() + 1).unwrap_or(0)
    }

    fn as_str(self) -> &'static str {
        self.0.name()
    }
}

/// The version of a request as a label.
#[derive(Debug, Clone, Copy)]
pub struct ApiVersion(pub i16);

/// Versions have one or two digits; a higher one would share the last series.
const VERSIONS: [&str; 32] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
    "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31",
];

impl LabelEnum for ApiVersion {
    const COUNT: usize = VERSIONS.len();

    fn index(self) -> usize {
        usize::try_from(self.0).map_or(0, |version| version.min(Self::COUNT - 1))
    }

    fn as_str(self) -> &'static str {
        VERSIONS[self.index()]
    }
}

label_enum! {
    /// Why a connection ended without the client's or our wish.
    pub enum Failure {
        /// `max.connections.per.ip`.
        TooManyFromAddress = "too_many_from_address",
        /// The quota of the address on new connections.
        TooFastFromAddress = "too_fast_from_address",
        /// Silent for `connections.max.idle.ms`.
        Idle = "idle",
        /// A begun request did not arrive in time.
        SlowRequest = "slow_request",
        /// Closed in the middle of a request.
        TornRequest = "torn_request",
        /// The length prefix is no length of a request.
        BadLength = "bad_length",
        /// The bytes are not the request that the header announces.
        MalformedRequest = "malformed_request",
        /// An API or version that is not served.
        UnsupportedRequest = "unsupported_request",
        /// An error where Kafka's protocol allows no answer.
        Refused = "refused",
        /// The socket failed.
        Socket = "socket",
        /// The answer could not be sent in time.
        SlowReader = "slow_reader",
        /// The TLS handshake failed, or took too long.
        TlsHandshake = "tls_handshake",
        /// A wrong password, token or mechanism.
        Login = "login",
        /// A request before the login.
        NotLoggedIn = "not_logged_in",
        /// The login took too long.
        SlowLogin = "slow_login",
        /// The login ran out.
        ExpiredLogin = "expired_login",
        /// Our own mistake: the answer could not be written.
        Internal = "internal",
    }
}

label_enum! {
    /// Why no connection could be accepted.
    pub enum AcceptError {
        /// The process or the system has no file descriptor left.
        FileDescriptors = "file_descriptors",
        /// Anything else.
        Other = "other",
    }
}

metrics! {
    /// Requests and where their time goes.
    pub struct RequestMetrics {
        /// Requests answered, by API and the first error in the answer. The errors of Produce and Fetch
        /// that alerts ask for are there from the start, the others with their first request.
        pub requests: counter { api: Api, error: Error } = "limpid_requests_total",
            mbean "kafka.network:type=RequestMetrics,name=ErrorsPerSec,request={api},error={error}" meter;
        /// Requests answered, by API and its version.
        pub versions: counter { api: Api, version: ApiVersion } = "limpid_requests_by_version_total",
            mbean "kafka.network:type=RequestMetrics,name=RequestsPerSec,request={api},version={version}" meter;
        /// Time from the last byte of a request to the last byte of its answer.
        pub seconds: histogram[buckets::REQUEST_SECONDS] { api: Api } = "limpid_request_seconds",
            mbean "kafka.network:type=RequestMetrics,name=TotalTimeMs,request={api}" histogram_ms;
        /// Time of each stage of a request.
        pub stages: histogram[buckets::REQUEST_SECONDS] { api: Api, stage: Stage } = "limpid_request_stage_seconds",
            mbean "kafka.network:type=RequestMetrics,name={stage.mbean},request={api}" histogram_ms;
        /// Bytes of requests, length prefix included.
        pub request_bytes: counter { api: Api } = "limpid_request_bytes_total";
        /// Sizes of requests without length prefix and header, as Kafka counts them.
        pub request_sizes: histogram[buckets::SIZE_BYTES] { api: Api } = "limpid_request_size_bytes",
            mbean "kafka.network:type=RequestMetrics,name=RequestBytes,request={api}" histogram;
        /// Bytes of answers, length prefix included.
        pub response_bytes: counter { api: Api } = "limpid_response_bytes_total";
        /// Answers that are being sent now.
        pub sending: gauge = "limpid_answers_sending",
            mbean "kafka.network:type=RequestChannel,name=ResponseQueueSize" gauge;
    }
}

metrics! {
    /// Requests that the broker was slow with.
    pub struct SlowRequestMetrics {
        /// Requests for which the broker took `limpid.request.slow.ms` or more for itself.
        pub slow: counter { api: Api } = "limpid_slow_requests_total";
    }
}

label_enum! {
    /// How loading certificates ended.
    pub enum ReloadOutcome {
        /// New connections get the new ones.
        Loaded = "loaded",
        /// They can't be used: the old ones stay.
        Failed = "failed",
    }
}

label_enum! {
    /// What the access rules said.
    pub enum AccessOutcome {
        /// Yes.
        Allowed = "allowed",
        /// No.
        Denied = "denied",
    }
}

metrics! {
    /// Access rules.
    pub struct AccessMetrics {
        /// Questions whether a client may do something, by the answer.
        pub authorizations: counter { outcome: AccessOutcome } = "limpid_authorizations_total";
    }
}

metrics! {
    /// Fetches that wait ("purgatory").
    pub struct FetchMetrics {
        /// Fetches parked now until enough bytes are there or their time is over.
        pub parked: gauge = "limpid_fetches_parked",
            mbean "kafka.server:type=DelayedOperationPurgatory,name=PurgatorySize,delayedOperation=Fetch" gauge,
            mbean "kafka.server:type=DelayedOperationPurgatory,name=NumDelayedOperations,delayedOperation=Fetch" gauge;
        /// Fetches that waited as long as they may.
        pub expired: counter = "limpid_fetches_expired_total",
            mbean "kafka.server:type=DelayedFetchMetrics,name=ExpiresPerSec,fetcherType=consumer" meter;
    }
}

metrics! {
    /// Fetch sessions (KIP-227).
    pub struct FetchSessionMetrics {
        /// Fetch sessions open now.
        pub sessions: gauge = "limpid_fetch_sessions",
            mbean "kafka.server:type=FetchSessionCache,name=NumIncrementalFetchSessions" gauge;
        /// Most fetch sessions, `max.incremental.fetch.session.cache.slots`.
        pub limit: gauge = "limpid_fetch_sessions_max";
        /// Partitions in open fetch sessions.
        pub partitions: gauge = "limpid_fetch_session_partitions",
            mbean "kafka.server:type=FetchSessionCache,name=NumIncrementalFetchPartitionsCached" gauge;
        /// Sessions that lost their place to others.
        pub evictions: counter = "limpid_fetch_session_evictions_total",
            mbean "kafka.server:type=FetchSessionCache,name=IncrementalFetchSessionEvictionsPerSec" meter;
    }
}

/// [`Cause`] as a label.
#[derive(Debug, Clone, Copy)]
pub struct RebalanceCause(pub Cause);

impl LabelEnum for RebalanceCause {
    const COUNT: usize = Cause::ALL.len();

    fn index(self) -> usize {
        self.0 as usize
    }

    fn as_str(self) -> &'static str {
        self.0.as_str()
    }
}

metrics! {
    /// Consumer groups, as their coordinator counts.
    pub struct GroupMetrics {
        /// Time to read a partition of the offsets topic at the start.
        pub load: histogram[buckets::REQUEST_SECONDS] = "limpid_groups_load_seconds",
            mbean "kafka.server:type=group-coordinator-metrics" attribute_avg_ms "partition-load-time-avg",
            mbean "kafka.server:type=group-coordinator-metrics" attribute_max_ms "partition-load-time-max";
        /// Rebalances that began, by what began them.
        pub rebalances: counter { group: GroupName, cause: RebalanceCause } = "limpid_group_rebalances_total";
        /// Time from the beginning of a rebalance until every member had its assignment.
        pub rebalance: histogram[buckets::REBALANCE_SECONDS] = "limpid_group_rebalance_seconds";
        /// Rebalances of classic groups after which the leader gave members their assignments: not those
        /// that left nobody.
        pub synced: counter = "limpid_group_synced_rebalances_total",
            mbean "kafka.server:type=group-coordinator-metrics" attribute "group-completed-rebalance-count",
            mbean "kafka.server:type=group-coordinator-metrics" attribute_rate "group-completed-rebalance-rate";
        /// Rebalances of groups whose members don't assign (KIP-848).
        pub consumer_rebalances: counter = "limpid_consumer_protocol_rebalances_total",
            mbean "kafka.server:type=group-coordinator-metrics" attribute "consumer-group-rebalance-count",
            mbean "kafka.server:type=group-coordinator-metrics" attribute_rate "consumer-group-rebalance-rate";
        /// Rebalances of share groups.
        pub share_rebalances: counter = "limpid_share_group_rebalances_total",
            mbean "kafka.server:type=group-coordinator-metrics" attribute "share-group-rebalance-count",
            mbean "kafka.server:type=group-coordinator-metrics" attribute_rate "share-group-rebalance-rate";
        /// Offsets committed, one for each partition.
        pub commits: counter = "limpid_group_commits_total",
            mbean "kafka.server:type=group-coordinator-metrics" attribute "offset-commit-count",
            mbean "kafka.server:type=group-coordinator-metrics" attribute_rate "offset-commit-rate";
        /// Offsets that were deleted because somebody asked for it.
        pub deleted: counter = "limpid_group_offsets_deleted_total",
            mbean "kafka.server:type=group-coordinator-metrics" attribute "offset-deletion-count",
            mbean "kafka.server:type=group-coordinator-metrics" attribute_rate "offset-deletion-rate";
        /// Time from the append of the last record before a committed offset until the commit, of one
        /// commit per partition and second; up to a second or a twelfth of itself too long.
        pub commit_seconds: histogram[buckets::COMMIT_SECONDS] { group: CommitGroup } = "limpid_commit_seconds";
        /// Offsets that expired.
        pub expired: counter = "limpid_group_offsets_expired_total",
            mbean "kafka.server:type=group-coordinator-metrics" attribute "offset-expiration-count",
            mbean "kafka.server:type=group-coordinator-metrics" attribute_rate "offset-expiration-rate";
    }
}

metrics! {
    /// Transactions, as their coordinator counts.
    pub struct TransactionMetrics {
        /// Time to read a partition of the transactions' topic at the start.
        pub load: histogram[buckets::REQUEST_SECONDS] = "limpid_transactions_load_seconds",
            mbean "kafka.server:type=transaction-coordinator-metrics" attribute_avg_ms "partition-load-time-avg",
            mbean "kafka.server:type=transaction-coordinator-metrics" attribute_max_ms "partition-load-time-max";
        /// Transactions that are committed in all their partitions.
        pub committed: counter = "limpid_transactions_committed_total";
        /// Transactions that are aborted in all their partitions, whoever wanted that.
        pub aborted: counter = "limpid_transactions_aborted_total";
        /// Transactions that were aborted because they were open for longer than their timeout.
        pub timed_out: counter = "limpid_transactions_timed_out_total";
        /// Transactions that were aborted because another producer took over the transactional id.
        pub fenced: counter = "limpid_transactions_fenced_total";
        /// Times that a marker could not be written at once.
        pub markers_delayed: counter = "limpid_transactions_markers_delayed_total";
        /// Partitions that a producer could not write to because they are not part of its
        /// transaction.
        pub refused: counter = "limpid_transactions_refused_partitions_total",
            mbean "kafka.server:type=AddPartitionsToTxnManager,name=VerificationFailureRate" meter;
    }
}

/// The request families, bound for use on the data path.
pub struct BoundRequestMetrics {
    families: RequestMetrics,
    requests: Table<Counter, (Api, Error)>,
    versions: Table<Counter, (Api, ApiVersion)>,
    stages: StageHistograms<Api>,
    apis: Box<[OnceLock<ApiMetrics>]>,
    /// Answers that are being sent now.
    pub sending: Gauge,
}

/// Those of one API, which appear with its first request.
struct ApiMetrics {
    seconds: Histogram,
    /// Of `seconds`, for requests that carry records: those alone tell whose trace they are part of.
    exemplars: Arc<Slots>,
    request_bytes: Counter,
    request_sizes: Histogram,
    response_bytes: Counter,
}

impl ApiMetrics {
    fn new(families: &RequestMetrics, api: Api) -> Self {
        Self {
            seconds: families.seconds.bind(api),
            exemplars: families.seconds.exemplars(api),
            request_bytes: families.request_bytes.bind(api),
            request_sizes: families.request_sizes.bind(api),
            response_bytes: families.response_bytes.bind(api),
        }
    }
}

impl BoundRequestMetrics {
    /// Binds the tables.
    pub fn new(metrics: &RequestMetrics) -> Self {
        known_errors::begin(&metrics.requests);
        Self {
            requests: metrics.requests.table(),
            versions: metrics.versions.table(),
            stages: StageHistograms::new(&metrics.stages),
            apis: (0..Api::COUNT).map(|_| OnceLock::new()).collect(),
            sending: metrics.sending.clone(),
            families: metrics.clone(),
        }
    }

    /// Counts an answered request, by its bytes and those of the answer, and those after its header.
    pub fn answered(
        &self,
        (api, version): (Api, i16),
        error: ErrorCode,
        (bytes, body_bytes): ((usize, usize), usize),
        t: &StageTimes,
    ) {
        if !SEEN {
            return;
        }
        self.versions.get((api, ApiVersion(version))).inc();
        self.requests.get((api, Error(error))).inc();
        let of_api = self.apis[api.index()].get_or_init(|| ApiMetrics::new(&self.families, api));
        // A client that is slow to send its request is not a slow broker.
        let ns = t.nanos_without(&[Stage::Receive, Stage::Throttle]);
        of_api.seconds.observe_nanos(ns);
        if let Some(trace) = t.trace() {
            of_api.exemplars.offer(ns as f64 / 1e9, trace);
        }
        self.stages.observe(api, t);
        of_api.request_bytes.inc_by(bytes.0 as u64);
        of_api.request_sizes.observe(body_bytes as f64);
        of_api.response_bytes.inc_by(bytes.1 as u64);
    }
}

/// All families of the broker in one registry.
pub struct BrokerMetrics {
    /// Requests.
    pub requests: BoundRequestMetrics,
    /// Connections.
    pub connections: ConnectionMetrics,
    /// Topics.
    pub topics: TopicMetrics,
    /// Records of topics.
    pub records: RecordMetrics,
    /// Records refused.
    pub refused: RefusedMetrics,
    /// Fetches that wait.
    pub fetches: FetchMetrics,
    /// Fetch sessions.
    pub fetch_sessions: FetchSessionMetrics,
    /// Access rules.
    pub access: AccessMetrics,
    /// Client quotas.
    pub quotas: QuotaMetrics,
    /// Limits of connections.
    pub connection_limits: ConnectionLimitMetrics,
    /// Of threads for long work.
    pub aside: AsideMetrics,
    /// Of connections at the entrance.
    pub entrance: EntranceMetrics,
    /// Clients.
    pub clients: ClientMetrics,
    /// Clients that fetch.
    pub readers: ReaderMetrics,
    /// Metadata.
    pub metadata: MetadataMetrics,
    /// Replicas.
    pub replicas: ReplicaMetrics,
    /// Slow requests.
    pub slow: SlowRequestMetrics,
    /// The audit.
    pub audit: AuditMetrics,
    /// Flight recorders.
    pub rings: RingMetrics,
}

impl BrokerMetrics {
    /// Registers everything.
    ///
    /// # Errors
    /// A name is taken: two brokers share one registry.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            requests: BoundRequestMetrics::new(&RequestMetrics::register(registry)?),
            connections: ConnectionMetrics::register(registry)?,
            topics: TopicMetrics::register(registry)?,
            records: RecordMetrics::register(registry)?,
            refused: RefusedMetrics::register(registry)?,
            fetches: FetchMetrics::register(registry)?,
            fetch_sessions: FetchSessionMetrics::register(registry)?,
            access: AccessMetrics::register(registry)?,
            quotas: QuotaMetrics::register(registry)?,
            connection_limits: ConnectionLimitMetrics::register(registry)?,
            aside: AsideMetrics::register(registry)?,
            entrance: EntranceMetrics::register(registry)?,
            clients: ClientMetrics::register(registry)?,
            readers: ReaderMetrics::register(registry)?,
            metadata: MetadataMetrics::register(registry)?,
            replicas: ReplicaMetrics::register(registry)?,
            slow: SlowRequestMetrics::register(registry)?,
            audit: AuditMetrics::register(registry)?,
            rings: RingMetrics::register(registry)?,
        })
    }
}
