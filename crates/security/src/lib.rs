//! Who a client is, and what it may do.
//!
//! - [`tls`] makes rustls' configuration of key stores ([`stores`]), and again when the files
//!   change; [`names`] makes a name of a certificate's subject.
//! - [`sasl`] is one login: PLAIN, SCRAM ([`scram`]) or OAUTHBEARER ([`tokens`], [`jwks`]).
//! - [`client_tls`] and [`credentials`] are the same two from the side of a client of ours.
//! - [`oidc`] logs people in to pages by a provider of OpenID Connect.
//! - [`acl`] evaluates the rules of Kafka's standard authorizer.
//!
//! What must never be here: tokio, Kafka's wire format, the metadata log. Cryptography is that of
//! rustls and ring; nothing of it is home-made.

pub mod acl;
pub mod authorities;
pub mod client_tls;
pub mod credentials;
mod denied;
pub mod jwks;
pub mod names;
pub mod oidc;
mod principal;
pub mod sasl;
pub mod scram;
pub mod stores;
mod subject;
pub mod tls;
pub mod tokens;

pub use principal::Principal;
