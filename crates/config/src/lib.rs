//! Kafka's property names and ours in one table.
//!
//! Every broker and topic property of Apache Kafka 4.3 and every `limpid.*` entry is one
//! [`Definition`]: key, type, default, validator, update mode, whether it has an effect here, one
//! sentence. From that table come checking ([`Config::load`]), the typed views
//! ([`BrokerConfig`], [`TopicConfig`]), the answers of DescribeConfigs ([`describe`]), the rules
//! of IncrementalAlterConfigs ([`alter`]) and the sample file ([`sample`]).
//!
//! A value comes from, the strongest first: entries altered while the broker runs, `--override`,
//! the environment, the properties file, the table.

pub mod alter;
mod authorizer;
pub mod broker;
mod broker_config;
mod check;
pub mod client_metrics;
mod client_security;
mod compaction;
mod config;
mod definition;
pub mod describe;
mod environment;
mod error;
mod external_url;
pub mod group;
mod http_access;
mod jaas;
mod kind;
mod listeners;
mod load;
mod oidc;
pub mod properties;
mod providers;
mod proxies;
mod sample;
mod secret;
mod security;
pub mod topic;
mod topic_config;
mod units;
mod values;

pub use authorizer::AccessConfig;
pub use broker_config::{
    BrokerConfig, CanaryConfig, ConnectionsConfig, ConsumerGroupsConfig, ForwardConfig,
    GroupsConfig, HttpConfig, ListenerConnections, LoggingConfig, MetricsLimits, NetworkConfig,
    NodeConfig, ObservingConfig, QuotaConfig, ResourcesConfig, ShareGroupsConfig, SpansConfig,
    StorageConfig, TopicsConfig, TransactionsConfig,
};
pub use check::{Check, list_items};
pub use client_security::{ClientLogin, ClientSecurity, ClientTlsConfig};
pub use compaction::CompactionConfig;
pub use config::{Config, REDACTED, Setting, is_sensitive, shown};
pub use definition::{Definition, Dynamic, Effect, Importance, Kind, UNKNOWN_KIND_CODE};
pub use error::{ConfigError, ConfigErrors, Origin, Warning, WarningKind};
pub use external_url::ExternalUrl;
pub use http_access::{Grant, Grantee, HttpAccessConfig, Role};
pub use listeners::{Advertised, ControllerListener, HttpListener, Listener, SecurityProtocol};
pub use load::{LoadOptions, Loaded};
pub use oidc::OidcConfig;
pub use proxies::{Network, TrustedHeader};
pub use sample::sample;
pub use secret::Secret;
pub use security::{
    ClientAuth, ListenerSecurity, OauthConfig, OauthValidator, SaslConfig, SaslMechanism,
    StoreConfig, TlsConfig,
};
pub use topic::{InvalidTopicConfig, validate_topic_config};
pub use topic_config::{CleanupPolicy, CompressionType, TimestampType, TopicConfig};
pub use units::{ShareOrSize, parse_share_or_size, parse_size};

/// The known key most like a mistyped one, if any is like it.
pub(crate) fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.6;
    known
        .map(|candidate| {
            (
                strsim::normalized_damerau_levenshtein(key, candidate),
                candidate,
            )
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}
