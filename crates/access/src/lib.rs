//! Who a visitor over HTTP is, and what it may do.
//!
//! - [`visitor`] has the plain words: a [`Visitor`] with grants, and the question "may it do this?",
//!   which is answered with yes or with a sentence. Pages and other faces need nothing else.
//! - [`desk`] finds out who somebody is: by name and password ([`users`], [`passwords`]), by token
//!   ([`tokens`]) or by a session that began with one of these ([`sessions`]).
//! - [`throttle`] holds back who guesses.
//!
//! What must never be here: HTTP, tokio. Secrets are kept as digests, compared in constant time, and
//! never part of an error or a log line.

mod attempts;
pub mod desk;
mod digest;
mod metrics;
pub mod passwords;
mod pattern;
mod phc;
mod reread;
pub mod sessions;
pub mod throttle;
pub mod tokens;
pub mod users;
pub mod visitor;

pub use limpid_config::{Grant, Grantee, Role};
pub use metrics::{AccessMetrics, ConnectionFailure, Credential, LoginOutcome, Refused};
pub use visitor::{PayloadsRead, Permission, Refusal, Via, Visitor};
