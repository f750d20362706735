//! Listeners: `NAME://host:port`, what they advertise, and where HTTP is served.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use crate::check::list_items;

/// How the bytes on a listener are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityProtocol {
    /// Nothing, and nobody logs in.
    Plaintext,
    /// TLS.
    Ssl,
    /// Clients log in over an open line.
    SaslPlaintext,
    /// Clients log in over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// All of them; the place is Kafka's number.
    pub const ALL: [Self; 4] = [
        Self::Plaintext,
        Self::Ssl,
        Self::SaslPlaintext,
        Self::SaslSsl,
    ];

    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    /// Kafka's number in registrations.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The protocol of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Whether its bytes are encrypted.
    pub const fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    /// Whether its clients must log in.
    pub const fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

/// A host and port as clients are told to use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// Name or address.
    pub host: String,
    /// Port; `None` is the port that the listener really got (`listeners=PLAINTEXT://h:0`).
    pub port: Option<u16>,
}

/// One address on which Kafka clients are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The name, upper case.
    pub name: String,
    /// What to bind: a name or an address; `None` is every interface. `localhost` is to be bound
    /// on 127.0.0.1 and ::1.
    pub host: Option<String>,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// How its bytes are protected.
    pub security: SecurityProtocol,
    /// What its clients are told.
    pub advertised: Advertised,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or("");
        write!(f, "{}://{}:{}", self.name, bracketed(host), self.port)
    }
}

/// Where a controller listens. Limpid's is inside the broker and listens nowhere; the place is written
/// down for Apache Kafka, which may open the directory later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerListener {
    /// The name, upper case.
    pub name: String,
    /// Name or address.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// One address on which HTTP is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpListener {
    /// What to bind: a name or an address; `None` is every interface. `localhost` is to be bound
    /// on 127.0.0.1 and ::1.
    pub host: Option<String>,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// Whether it speaks TLS: `https://`.
    pub tls: bool,
}

impl HttpListener {
    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// Whether only this machine can reach it. Beyond loopback, only the public paths are served.
    pub fn is_loopback(&self) -> bool {
        self.host.as_deref().is_some_and(is_loopback_host)
    }
}

impl fmt::Display for HttpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}:{}",
            self.scheme(),
            bracketed(self.host.as_deref().unwrap_or("")),
            self.port
        )
    }
}

fn is_loopback_host(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

/// `NAME://host:port`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub name: String,
    pub host: Option<String>,
    pub port: u16,
}

/// Takes `NAME://host:port` apart; the host may be empty, in brackets, or a plain IPv6 address.
pub(crate) fn parse_address(text: &str) -> Result<Address, String> {
    let wrong = || format!("{text} is not of the form NAME://host:port");
    let (name, rest) = text.split_once("://").ok_or_else(wrong)?;
    let (host, port) = rest.rsplit_once(':').ok_or_else(wrong)?;
    let name_is_fine = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if !name_is_fine {
        return Err(wrong());
    }
    let port = port.trim_end_matches('/').parse::<u16>();
    let port = port.map_err(|_| format!("{text}: the port is not a number from 0 to 65535"))?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').ok_or_else(wrong)?,
        None => host,
    };
    let host_is_fine = host
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%'));
    if !host_is_fine || host.contains(':') && !is_ipv6(host) {
        return Err(wrong());
    }
    let host = (!host.is_empty()).then(|| host.to_owned());
    Ok(Address {
        name: name.to_owned(),
        host,
        port,
    })
}

fn is_ipv6(host: &str) -> bool {
    let address = host.split('%').next().unwrap_or(host);
    address.parse::<std::net::Ipv6Addr>().is_ok()
}

/// Parses `limpid.http.listeners`.
pub(crate) fn parse_http_listeners(value: &str) -> Result<Vec<HttpListener>, String> {
    let mut listeners = Vec::new();
    for item in list_items(value) {
        let address = parse_address(item)?;
        let tls = match address.name.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => {
                return Err(format!("{item} does not start with http:// or https://"));
            }
        };
        listeners.push(HttpListener {
            host: address.host,
            port: address.port,
            tls,
        });
    }
    Ok(listeners)
}

pub(crate) fn check_http_listeners(value: &str) -> Result<(), String> {
    parse_http_listeners(value).map(|_| ())
}

/// What the listener keys say, before they are put together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListenerKeys<'a> {
    pub listeners: &'a str,
    pub advertised: Option<&'a str>,
    /// `None` when nothing sets it.
    pub protocol_map: Option<&'a str>,
    pub inter_broker_name: Option<&'a str>,
    pub controller_names: &'a str,
    pub inter_broker_protocol: Option<&'a str>,
    pub hostname: &'a str,
}

/// The key that a problem belongs to, and the problem.
pub(crate) type KeyedMessage = (&'static str, String);

/// The listeners of Kafka clients, and the name of the one that brokers use.
pub(crate) fn resolve(keys: &ListenerKeys<'_>) -> Result<(Vec<Listener>, String), KeyedMessage> {
    let protocols = protocol_map(keys)?;
    let controllers: Vec<String> = list_items(keys.controller_names)
        .map(str::to_ascii_uppercase)
        .collect();
    let bound = parse_named(keys.listeners, "listeners")?;
    check_distinct(&bound)?;
    let advertised = match keys.advertised {
        Some(value) => parse_named(value, "advertised.listeners")?,
        None => Vec::new(),
    };
    for address in &advertised {
        if !bound.iter().any(|listener| listener.name == address.name) {
            let message = format!("{} is advertised but not listed in listeners", address.name);
            return Err(("advertised.listeners", message));
        }
    }
    let mut listeners = Vec::new();
    for address in bound {
        if controllers.contains(&address.name) {
            continue;
        }
        let security = security_of(&address.name, &protocols)?;
        let told = advertised.iter().find(|other| other.name == address.name);
        if keys.advertised.is_some() && told.is_none() {
            let message = format!("the listener {} is not advertised", address.name);
            return Err(("advertised.listeners", message));
        }
        let advertised = advertise(&address, told, keys.hostname)?;
        listeners.push(Listener {
            name: address.name,
            host: address.host,
            port: address.port,
            security,
            advertised,
        });
    }
    if listeners.is_empty() {
        return Err(("listeners", "there is no listener for clients".into()));
    }
    let inter_broker = inter_broker_listener(keys, &listeners)?;
    Ok((listeners, inter_broker))
}

/// The first of the listeners that belongs to the controller.
pub(crate) fn controller(
    listeners: &str,
    controller_names: &str,
    hostname: &str,
) -> Option<ControllerListener> {
    let names: Vec<String> = list_items(controller_names)
        .map(str::to_ascii_uppercase)
        .collect();
    let bound = parse_named(listeners, "listeners").ok()?;
    let address = bound
        .into_iter()
        .find(|address| names.contains(&address.name))?;
    Some(ControllerListener {
        name: address.name,
        host: address.host.unwrap_or_else(|| hostname.to_owned()),
        port: address.port,
    })
}

fn parse_named(value: &str, key: &'static str) -> Result<Vec<Address>, KeyedMessage> {
    let mut addresses = Vec::new();
    for item in list_items(value) {
        let mut address = parse_address(item).map_err(|message| (key, message))?;
        address.name = address.name.to_ascii_uppercase();
        if addresses
            .iter()
            .any(|other: &Address| other.name == address.name)
        {
            return Err((
                key,
                format!("the listener name {} is used twice", address.name),
            ));
        }
        addresses.push(address);
    }
    Ok(addresses)
}

/// Two listeners may share a port only when one is bound to IPv4 and the other to IPv6.
fn check_distinct(bound: &[Address]) -> Result<(), KeyedMessage> {
    let family = |address: &Address| {
        let host = address.host.as_deref()?.parse::<IpAddr>().ok()?;
        Some(host.is_ipv4())
    };
    for (index, one) in bound.iter().enumerate() {
        for other in &bound[index + 1..] {
            let different_family = match (family(one), family(other)) {
                (Some(a), Some(b)) => a != b,
                _ => false,
            };
            if one.port != 0 && one.port == other.port && !different_family {
                let message = format!(
                    "{} and {} use the same port {}",
                    one.name, other.name, one.port
                );
                return Err(("listeners", message));
            }
        }
    }
    Ok(())
}

fn protocol_map(
    keys: &ListenerKeys<'_>,
) -> Result<BTreeMap<String, SecurityProtocol>, KeyedMessage> {
    const KEY: &str = "listener.security.protocol.map";
    let mut map = BTreeMap::new();
    let given = keys
        .protocol_map
        .unwrap_or("PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL");
    for item in list_items(given) {
        let Some((name, protocol)) = item.rsplit_once(':') else {
            return Err((KEY, format!("{item} is not of the form NAME:PROTOCOL")));
        };
        let name = name.trim().to_ascii_uppercase();
        let protocol = protocol.trim().to_ascii_uppercase();
        let Some(protocol) = SecurityProtocol::of_name(&protocol) else {
            return Err((KEY, format!("{protocol} is not a security protocol")));
        };
        if map.insert(name.clone(), protocol).is_some() {
            return Err((KEY, format!("the listener name {name} is used twice")));
        }
    }
    Ok(map)
}

fn security_of(
    name: &str,
    protocols: &BTreeMap<String, SecurityProtocol>,
) -> Result<SecurityProtocol, KeyedMessage> {
    protocols.get(name).copied().ok_or_else(|| {
        let message = format!("the listener {name} has no entry, as in {name}:PLAINTEXT");
        ("listener.security.protocol.map", message)
    })
}

fn advertise(
    address: &Address,
    told: Option<&Address>,
    hostname: &str,
) -> Result<Advertised, KeyedMessage> {
    let key = if told.is_some() {
        "advertised.listeners"
    } else {
        "listeners"
    };
    let source = told.unwrap_or(address);
    let host = source.host.as_deref().unwrap_or(hostname);
    if host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified()) {
        let message = format!(
            "clients cannot connect to {host}: name a reachable host in advertised.listeners, \
             as in {}://broker.example.com:{}",
            source.name, source.port
        );
        return Err((key, message));
    }
    let port = (source.port != 0).then_some(source.port);
    Ok(Advertised {
        host: host.to_owned(),
        port,
    })
}

fn inter_broker_listener(
    keys: &ListenerKeys<'_>,
    listeners: &[Listener],
) -> Result<String, KeyedMessage> {
    const KEY: &str = "inter.broker.listener.name";
    if let Some(name) = keys.inter_broker_name {
        if keys.inter_broker_protocol.is_some() {
            let message = "set this or security.inter.broker.protocol, not both".into();
            return Err((KEY, message));
        }
        let name = name.trim().to_ascii_uppercase();
        return match listeners.iter().any(|listener| listener.name == name) {
            true => Ok(name),
            false => Err((KEY, format!("{name} is not among the listeners"))),
        };
    }
    let wanted = keys.inter_broker_protocol.unwrap_or("PLAINTEXT");
    let of_protocol = |listener: &&Listener| listener.security.name() == wanted;
    let by_protocol = listeners.iter().find(of_protocol);
    if by_protocol.is_none() && keys.inter_broker_protocol.is_some() {
        let message = format!("no listener is {wanted}");
        return Err(("security.inter.broker.protocol", message));
    }
    let chosen = by_protocol.or(listeners.first());
    Ok(chosen
        .map(|listener| listener.name.clone())
        .unwrap_or_default())
}

#[cfg(test)]
mod tests;
