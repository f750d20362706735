//! End-to-end tests inside one process: servers from `limpid_server`, spoken to over loopback with
//! nothing but the codec.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod api;
mod arriving;
mod asking;
mod audit;
mod console;
mod delegation_tokens;
mod dialects;
mod events;
#[path = "../facts/facts.rs"]
mod facts;
mod features;
mod fetching;
mod findings;
mod groups;
mod home;
mod http_access;
mod http_access_proxy;
mod http_access_tls;
mod internal_topics;
mod jolokia;
mod lag;
mod linking;
mod long_work;
mod measured;
mod metadata_log;
mod pushes_tls;
mod receiver;
mod scene;
mod secured;
mod several;
mod shares;
mod slow_requests;
mod traces_tls;
mod transactions;
mod upgrades;
mod watched;
