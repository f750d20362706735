//! A thin Kafka client: enough to browse, to change and to feed a cluster, no more.
//!
//! - [`Transport`]: how a broker is reached; [`Tcp`] and [`Tls`] here, in-process from `server`.
//! - [`Access`]: the way to a cluster and who we are there: PLAIN or SCRAM on each new connection.
//! - [`Client`]: versions agreed per connection, requests multiplexed, metadata cached, calls routed
//!   to leaders and coordinators, retried with growing pauses where Kafka calls an error retriable.
//! - [`Producer`]: idempotent, `acks=all`, partitioned as Java's.
//! - [`Consumer`]: a member of a classic group, range assignment, eager rebalances.
//!
//! Settings carry the names of Kafka's client configuration in their doc comments. Every call has
//! a deadline; what waits, what is buffered and what a broker may answer have named limits.
//!
//! What must never be here: policy (what to browse, what to change, how fast to produce).

mod access;
mod admin;
mod backoff;
mod client;
mod config;
mod connection;
mod consumer;
mod error;
mod fetch;
mod groups;
mod login;
mod member;
mod metadata;
mod murmur2;
mod offsets;
mod pool;
mod producer;
mod range;
mod tls;
mod transport;

pub use access::Access;
pub use admin::{ClusterDescription, TopicSpec};
pub use client::Client;
pub use config::{ClientConfig, ConfigError, ConsumerConfig, OffsetReset, ProducerConfig};
pub use consumer::{Consumer, ConsumerRecord};
pub use error::{ClientError, ErrorKind};
pub use fetch::{FetchFrom, FetchLimits, Fetched, FetchedRecords};
pub use groups::{CommittedOffset, GroupDescription, GroupListing, GroupMember};
pub use metadata::{Node, PartitionInfo, TopicInfo, TopicPartition};
pub use murmur2::{murmur2, partition_for_key};
pub use offsets::{EARLIEST, LATEST, OffsetAt};
pub use producer::{Delivery, Producer, Record};
pub use tls::Tls;
pub use transport::{BoxStream, Opening, Stream, Tcp, Transport};
