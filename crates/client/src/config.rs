//! Settings, under the names that Kafka's clients give them.

use std::sync::Arc;
use std::time::Duration;

use limpid_protocol::records::Codec;
use limpid_security::credentials::Credentials;

/// Requests that may wait for a place on one connection, those in flight aside.
pub(crate) const QUEUED_PER_CONNECTION_MAX: usize = 64;

/// A setting that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// How to reach a cluster, and how long to try.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// `bootstrap.servers`: where to begin.
    pub bootstrap_servers: Vec<(String, u16)>,
    /// `client.id`.
    pub client_id: String,
    /// `request.timeout.ms`: for one answer.
    pub request_timeout: Duration,
    /// `default.api.timeout.ms`: for a call with all its attempts.
    pub api_timeout: Duration,
    /// `socket.connection.setup.timeout.ms`.
    pub connection_setup_timeout: Duration,
    /// `retry.backoff.ms`.
    pub retry_backoff: Duration,
    /// `retry.backoff.max.ms`.
    pub retry_backoff_max: Duration,
    /// `metadata.max.age.ms`.
    pub metadata_max_age: Duration,
    /// `max.in.flight.requests.per.connection`.
    pub in_flight_max: usize,
    /// Bytes of an answer at most (librdkafka's `receive.message.max.bytes`).
    pub response_bytes_max: usize,
    /// `sasl.mechanism` and `sasl.jaas.config`; `None` logs in nowhere.
    pub login: Option<Arc<Credentials>>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            bootstrap_servers: Vec::new(),
            client_id: "limpid".to_owned(),
            request_timeout: Duration::from_secs(30),
            api_timeout: Duration::from_secs(60),
            connection_setup_timeout: Duration::from_secs(10),
            retry_backoff: Duration::from_millis(100),
            retry_backoff_max: Duration::from_secs(1),
            metadata_max_age: Duration::from_secs(300),
            in_flight_max: 5,
            response_bytes_max: 100_000_000,
            login: None,
        }
    }
}

impl ClientConfig {
    /// Settings for `host:port,host:port`.
    ///
    /// # Errors
    /// When there is none, or one is not `host:port`.
    pub fn with_bootstrap(servers: &str) -> Result<Self, ConfigError> {
        let parsed: Result<Vec<_>, _> = servers
            .split(',')
            .map(str::trim)
            .filter(|server| !server.is_empty())
            .map(host_and_port)
            .collect();
        let bootstrap_servers = parsed?;
        if bootstrap_servers.is_empty() {
            return Err(ConfigError("bootstrap.servers is empty".to_owned()));
        }
        Ok(Self {
            bootstrap_servers,
            ..Self::default()
        })
    }

    /// The same cluster under another `client.id`.
    #[must_use]
    pub fn named(&self, client_id: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            ..self.clone()
        }
    }
}

fn host_and_port(server: &str) -> Result<(String, u16), ConfigError> {
    let wrong = || ConfigError(format!("bootstrap.servers: {server:?} is not HOST:PORT"));
    let (host, port) = server.rsplit_once(':').ok_or_else(wrong)?;
    let bare_v6 = host.contains(':') && !host.starts_with('[');
    if host.is_empty() || bare_v6 {
        return Err(wrong());
    }
    Ok((host.to_owned(), port.parse().map_err(|_| wrong())?))
}

/// How to produce. `acks` is always `all`, `enable.idempotence` always true.
#[derive(Debug, Clone)]
pub struct ProducerConfig {
    /// `linger.ms`: how long a batch waits for company.
    pub linger: Duration,
    /// `batch.size`, in bytes before compression.
    pub batch_bytes: usize,
    /// `compression.type`.
    pub compression: Codec,
    /// `buffer.memory`: records that wait, in bytes.
    pub buffer_bytes: usize,
    /// `max.block.ms`: how long `send` may wait for room and for metadata.
    pub max_block: Duration,
    /// `delivery.timeout.ms`: from `send` to the answer, all attempts included.
    pub delivery_timeout: Duration,
    /// `max.request.size`, in bytes; also of one record.
    pub request_bytes_max: usize,
}

impl Default for ProducerConfig {
    fn default() -> Self {
        Self {
            linger: Duration::from_millis(5),
            batch_bytes: 16 * 1024,
            compression: Codec::None,
            buffer_bytes: 32 * 1024 * 1024,
            max_block: Duration::from_secs(60),
            delivery_timeout: Duration::from_secs(120),
            request_bytes_max: 1024 * 1024,
        }
    }
}

/// Where to begin when a group has no commit (`auto.offset.reset`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetReset {
    /// At the oldest record.
    Earliest,
    /// At the end.
    Latest,
}

/// How to consume as a member of a group.
#[derive(Debug, Clone)]
pub struct ConsumerConfig {
    /// `group.id`.
    pub group_id: String,
    /// `group.instance.id`.
    pub group_instance_id: Option<String>,
    /// `session.timeout.ms`.
    pub session_timeout: Duration,
    /// `heartbeat.interval.ms`.
    pub heartbeat_interval: Duration,
    /// `max.poll.interval.ms`: also the rebalance timeout.
    pub max_poll_interval: Duration,
    /// `enable.auto.commit` and `auto.commit.interval.ms`; `None` leaves it to the caller.
    pub auto_commit: Option<Duration>,
    /// `max.poll.records`.
    pub max_poll_records: usize,
    /// `auto.offset.reset`.
    pub offset_reset: OffsetReset,
    /// `fetch.max.wait.ms`.
    pub fetch_max_wait: Duration,
    /// `fetch.max.bytes`.
    pub fetch_bytes_max: i32,
    /// `max.partition.fetch.bytes`.
    pub partition_fetch_bytes_max: i32,
}

impl ConsumerConfig {
    /// Kafka's defaults for a group.
    pub fn new(group_id: impl Into<String>) -> Self {
        Self {
            group_id: group_id.into(),
            group_instance_id: None,
            session_timeout: Duration::from_secs(45),
            heartbeat_interval: Duration::from_secs(3),
            max_poll_interval: Duration::from_secs(300),
            auto_commit: Some(Duration::from_secs(5)),
            max_poll_records: 500,
            offset_reset: OffsetReset::Latest,
            fetch_max_wait: Duration::from_millis(500),
            fetch_bytes_max: 50 * 1024 * 1024,
            partition_fetch_bytes_max: 1024 * 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bootstrap_servers_are_parsed() {
        let config = ClientConfig::with_bootstrap("a:1, [::1]:9092,").expect("two servers");
        let expected = [("a".to_owned(), 1), ("[::1]".to_owned(), 9092)];
        assert_eq!(config.bootstrap_servers, expected);
        for wrong in ["", "a", "a:", ":9092", "::1:9092", "a:70000"] {
            let error = ClientConfig::with_bootstrap(wrong).expect_err(wrong);
            assert!(error.to_string().starts_with("bootstrap.servers"));
        }
    }
}
