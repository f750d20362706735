//! The broker: listeners, connections, and one file per Kafka API.
//!
//! A request's way: [`listener`] accepts, [`connection`] lets the client in ([`entrance`]) and reads
//! a frame within [`request_memory`], [`apis`] finds the handler, `api::kNN_…` asks [`access`] and
//! answers from the services it was given: [`topics`] (the data path), [`metadata`] (changes),
//! [`settings`] (configuration). [`source`] is what faces see.
//!
//! What must never be here: HTTP, exposition formats, and one object that knows everything.

pub mod absolute;
pub mod access;
pub mod acl_filter;
pub mod alarm;
pub mod answer_memory;
pub mod api;
pub mod apis;
pub mod aside;
pub mod audit;
pub mod batch;
pub mod blocking;
pub mod broker_loggers;
pub mod byte_stream;
pub mod client_log;
pub mod client_metrics;
pub mod clients;
pub mod config_changes;
pub mod config_resources;
pub mod connection;
pub mod connection_limits;
pub mod coordinator_log;
mod crossing;
mod delivery;
pub mod drain;
pub mod endpoints;
pub mod entrance;
pub mod features;
pub mod fetch_sessions;
pub mod frame;
pub mod groups;
pub mod handler;
pub mod hurry;
pub mod leadership;
pub mod listener;
pub mod log_config;
pub mod markers;
pub mod metadata;
pub mod metrics;
pub mod notes;
pub mod operations;
pub mod peer;
pub mod piped;
mod places;
pub mod producer_ids;
mod promptly;
pub mod quotas;
pub mod raft_voters;
pub mod read_errors;
pub mod readers;
pub mod recorder;
mod request;
pub mod request_memory;
mod services;
pub mod settings;
pub mod share;
mod share_requests;
pub mod slow_requests;
pub mod socket;
pub mod source;
pub mod spans;
pub mod tls_stream;
pub mod topic_creation;
pub mod topic_names;
pub mod topics;
pub mod touched;
mod trace_watch;
pub mod transactions;
pub mod turns;
pub mod waiters;
pub mod writers;

pub use services::{Services, ServicesInput};
