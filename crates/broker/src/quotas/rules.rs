//! Which quota holds for whom: an index of the quotas in the metadata, with Kafka's precedence.
//!
//! ```text
//! 1  user and client id          5  default user and default client id
//! 2  user and default client id  6  default user
//! 3  user                        7  client id
//! 4  default user and client id  8  default client id
//! ```
//! The first that is there holds. Whom it names also says who shares it: all client ids of a user
//! share the user's quota, and with a default each user (or client id) has one of its own.

use std::collections::HashMap;
use std::net::IpAddr;

use limpid_protocol::messages::ClientQuotaRecord;
use limpid_telemetry::label_enum;

/// An entity of this type is a user: the name of a principal without its type.
pub const USER: &str = "user";
/// An entity of this type is a `client.id`.
pub const CLIENT_ID: &str = "client-id";
/// An entity of this type is an address that connections come from.
pub const IP: &str = "ip";
/// The key of the quota on new connections from an address.
pub const CONNECTION_RATE: &str = "connection_creation_rate";

label_enum! {
    /// What a quota limits, by Kafka's names.
    pub enum QuotaKind {
        /// Bytes per second of produce requests.
        Produce = "Produce",
        /// Bytes per second of the answers to fetch requests.
        Fetch = "Fetch",
        /// Time on the broker's threads, in percent of one thread.
        Request = "Request",
        /// Partitions created and deleted per second.
        ControllerMutation = "ControllerMutation",
    }
}

impl QuotaKind {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Its key in the metadata.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Produce => "producer_byte_rate",
            Self::Fetch => "consumer_byte_rate",
            Self::Request => "request_percentage",
            Self::ControllerMutation => "controller_mutation_rate",
        }
    }
}

/// Who shares a quota. An empty part is one that does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sharing<'a> {
    /// The user.
    pub user: &'a str,
    /// The client id.
    pub client_id: &'a str,
}

/// All quotas at one moment.
#[derive(Debug, Default)]
pub struct Rules {
    kinds: [KindRules; QuotaKind::COUNT],
    addresses: HashMap<IpAddr, f64>,
    any_address: Option<f64>,
}

/// The quotas of one kind.
#[derive(Debug, Default)]
struct KindRules {
    users: HashMap<Box<str>, Level>,
    any_user: Level,
    no_user: Level,
    forms: Forms,
}

/// In which forms there are quotas of a kind.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Forms {
    user: bool,
    client_id: bool,
    both: bool,
}

/// The quotas of a user, of all users, or without regard to the user.
#[derive(Debug, Default)]
struct Level {
    own: Option<f64>,
    clients: HashMap<Box<str>, f64>,
    any_client: Option<f64>,
}

impl Level {
    fn of_client(&self, client_id: &str) -> Option<f64> {
        self.clients.get(client_id).copied().or(self.any_client)
    }
}

impl Rules {
    /// An index of the records. One of a key or an entity that is not known here limits nothing.
    pub fn new<'a>(records: impl Iterator<Item = &'a ClientQuotaRecord>) -> Self {
        let mut rules = Self::default();
        for record in records {
            rules.add(record);
        }
        rules
    }

    fn add(&mut self, record: &ClientQuotaRecord) {
        let part = |kind: &str| {
            let mut parts = record.entity.iter();
            let part = parts.find(|part| part.entity_type == kind);
            part.map(|part| part.entity_name.as_deref())
        };
        if let Some(ip) = part(IP) {
            if record.key == CONNECTION_RATE {
                self.add_address(ip, record.value);
            }
            return;
        }
        let kind = QuotaKind::ALL.iter().find(|kind| kind.key() == record.key);
        if let Some(kind) = kind {
            self.kinds[*kind as usize].add(part(USER), part(CLIENT_ID), record.value);
        }
    }

    fn add_address(&mut self, ip: Option<&str>, value: f64) {
        match ip.map(|name| (name, address(name))) {
            None => self.any_address = Some(value),
            Some((_, Some(address))) => {
                self.addresses.insert(address, value);
            }
            Some((name, None)) => {
                tracing::warn!(
                    name,
                    "the connection rate of a host name has no effect: name an address"
                );
            }
        }
    }

    /// Whether there are quotas of a kind at all. Without any, nothing is measured.
    pub fn has(&self, kind: QuotaKind) -> bool {
        self.kinds[kind as usize].forms != Forms::default()
    }

    /// Who shares the quota of a client.
    pub fn sharing<'a>(&self, kind: QuotaKind, user: &'a str, client_id: &'a str) -> Sharing<'a> {
        self.kinds[kind as usize].sharing(user, client_id)
    }

    /// The quota that these share; `None` is no limit.
    pub fn bound(&self, kind: QuotaKind, sharing: Sharing<'_>) -> Option<f64> {
        self.kinds[kind as usize].bound(sharing)
    }

    /// Most new connections per second from an address; `None` is no limit.
    pub fn connection_rate(&self, address: IpAddr) -> Option<f64> {
        self.addresses.get(&address).copied().or(self.any_address)
    }
}

impl KindRules {
    fn add(&mut self, user: Option<Option<&str>>, client_id: Option<Option<&str>>, value: f64) {
        let level = match user {
            None => &mut self.no_user,
            Some(None) => &mut self.any_user,
            Some(Some(name)) => self.users.entry(name.into()).or_default(),
        };
        match client_id {
            None => level.own = Some(value),
            Some(None) => level.any_client = Some(value),
            Some(Some(name)) => {
                level.clients.insert(name.into(), value);
            }
        }
        match (user.is_some(), client_id.is_some()) {
            (true, true) => self.forms.both = true,
            (true, false) => self.forms.user = true,
            (false, _) => self.forms.client_id = true,
        }
    }

    fn sharing<'a>(&self, user: &'a str, client_id: &'a str) -> Sharing<'a> {
        let both = Sharing { user, client_id };
        let user_only = Sharing {
            client_id: "",
            ..both
        };
        let client_only = Sharing { user: "", ..both };
        match self.forms {
            Forms {
                user: false,
                both: false,
                ..
            } => return client_only,
            Forms {
                client_id: false,
                both: false,
                ..
            } => return user_only,
            Forms {
                user: false,
                client_id: false,
                ..
            } => return both,
            _ => {}
        }
        for level in self.users.get(user).into_iter().chain([&self.any_user]) {
            if level.of_client(client_id).is_some() {
                return both;
            }
            if level.own.is_some() {
                return user_only;
            }
        }
        client_only
    }

    fn bound(&self, sharing: Sharing<'_>) -> Option<f64> {
        let own = self.users.get(sharing.user);
        let users = || own.into_iter().chain([&self.any_user]);
        match (sharing.user.is_empty(), sharing.client_id.is_empty()) {
            (false, false) => users().find_map(|level| level.of_client(sharing.client_id)),
            (false, true) => users().find_map(|level| level.own),
            (true, false) => self.no_user.of_client(sharing.client_id),
            (true, true) => None,
        }
    }
}

/// The address that an entity names. Names of hosts are not looked up.
pub fn address(name: &str) -> Option<IpAddr> {
    if name == "localhost" {
        return Some(IpAddr::from([127, 0, 0, 1]));
    }
    let address: IpAddr = name.parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests;
