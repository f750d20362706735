//! Limits of connections and clients, as the broker needs them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Values;
use crate::check::list_items;
use crate::listeners::Listener;
use crate::values::KeyedMessage;

/// How many connections there may be, and how fast new ones may come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionsConfig {
    /// `max.connections`.
    pub max: i32,
    /// `max.connection.creation.rate`, per second.
    pub creation_rate_max: i32,
    /// `max.connections.per.ip`.
    pub per_ip_max: i32,
    /// `max.connections.per.ip.overrides`, by address.
    pub per_ip_overrides: BTreeMap<IpAddr, i32>,
    /// What holds for one listener, by its name.
    listeners: BTreeMap<String, ListenerConnections>,
}

/// The limits of one listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerConnections {
    /// `listener.name.<name>.max.connections`.
    pub max: i32,
    /// `listener.name.<name>.max.connection.creation.rate`, per second.
    pub creation_rate_max: i32,
}

impl ConnectionsConfig {
    /// The limits of a listener: the broker's, unless it has its own.
    pub fn of_listener(&self, name: &str) -> ListenerConnections {
        let own = self.listeners.get(name).copied();
        own.unwrap_or(ListenerConnections {
            max: self.max,
            creation_rate_max: self.creation_rate_max,
        })
    }
}

/// Over what time clients are measured against their quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaConfig {
    /// `quota.window.num`.
    pub windows: usize,
    /// `quota.window.size.seconds`.
    pub window_seconds: u64,
    /// `controller.quota.window.num`.
    pub controller_windows: usize,
    /// `controller.quota.window.size.seconds`.
    pub controller_window_seconds: u64,
}

pub(super) fn connections(
    values: &Values<'_>,
    listeners: &[Listener],
) -> Result<ConnectionsConfig, KeyedMessage> {
    const OVERRIDES: &str = "max.connections.per.ip.overrides";
    let overrides = per_ip_overrides(&values.text(OVERRIDES));
    let mut by_name = BTreeMap::new();
    for listener in listeners {
        let limits = ListenerConnections {
            max: of_listener(values, &listener.name, "max.connections")?,
            creation_rate_max: of_listener(values, &listener.name, "max.connection.creation.rate")?,
        };
        by_name.insert(listener.name.clone(), limits);
    }
    Ok(ConnectionsConfig {
        max: values.int("max.connections"),
        creation_rate_max: values.int("max.connection.creation.rate"),
        per_ip_max: values.int("max.connections.per.ip"),
        per_ip_overrides: overrides.map_err(|message| (OVERRIDES, message))?,
        listeners: by_name,
    })
}

pub(super) fn quotas(values: &Values<'_>) -> QuotaConfig {
    QuotaConfig {
        windows: values.size("quota.window.num"),
        window_seconds: values.unsigned("quota.window.size.seconds"),
        controller_windows: values.size("controller.quota.window.num"),
        controller_window_seconds: values.unsigned("controller.quota.window.size.seconds"),
    }
}

/// A number of one listener, else that of the broker.
fn of_listener(
    values: &Values<'_>,
    listener: &str,
    key: &'static str,
) -> Result<i32, KeyedMessage> {
    let prefixed = format!("listener.name.{}.{key}", listener.to_ascii_lowercase());
    let Some(text) = (values.explicit)(&prefixed) else {
        return Ok(values.int(key));
    };
    let number: Option<i32> = text.trim().parse().ok();
    number.filter(|number| *number >= 0).ok_or_else(|| {
        let message = format!("{prefixed}={text} is not a whole number of at least 0");
        (key, message)
    })
}

/// `address:count` pairs; names are not resolved here, so that a check needs no network.
fn per_ip_overrides(value: &str) -> Result<BTreeMap<IpAddr, i32>, String> {
    let mut map = BTreeMap::new();
    for item in list_items(value) {
        let wrong = || format!("{item} is not of the form address:connections");
        let (host, count) = item.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.trim().trim_start_matches('[').trim_end_matches(']');
        let address: IpAddr = host.parse().map_err(|_| wrong())?;
        let count: i32 = count.trim().parse().map_err(|_| wrong())?;
        if count < 0 {
            return Err(wrong());
        }
        map.insert(address, count);
    }
    Ok(map)
}
