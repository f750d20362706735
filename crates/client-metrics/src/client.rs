//! Who pushes.

use std::net::SocketAddr;

use limpid_protocol::Uuid;

/// Longest text of a client that is kept; longer ones are cut.
const TEXT_BYTES_MAX: usize = 256;

/// A client, as its connection shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The id that a broker gave it, which is its own in this cluster.
    pub instance: Uuid,
    /// `client.id`; empty if it has none.
    pub id: String,
    /// Name of its library (KIP-511).
    pub software_name: String,
    /// Version of its library.
    pub software_version: String,
    /// Address that it connects from.
    pub address: String,
    /// Port that it connects from.
    pub port: u16,
}

impl Client {
    /// What a connection tells of its client; texts that are too long are cut.
    #[must_use]
    pub fn new(instance: Uuid, id: &str, software: (&str, &str), address: SocketAddr) -> Self {
        let (name, version) = software;
        Self {
            instance,
            id: shortened(id).to_owned(),
            software_name: shortened(name).to_owned(),
            software_version: shortened(version).to_owned(),
            address: address.ip().to_canonical().to_string(),
            port: address.port(),
        }
    }
}

/// The beginning of a stranger's text.
#[must_use]
pub fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}
