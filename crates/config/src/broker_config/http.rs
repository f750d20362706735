//! HTTP: where it is served, and to whom.

use std::path::PathBuf;

use crate::check::list_items;
use crate::external_url::{self, ExternalUrl};
use crate::http_access::{self, HttpAccessConfig};
use crate::listeners::{self, HttpListener};
use crate::security::{self, ClientAuth, TlsConfig};
use crate::values::{KeyedMessage, Values};

/// Pages, health and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// `limpid.http.listeners`; empty turns HTTP off.
    pub listeners: Vec<HttpListener>,
    /// `limpid.http.ssl.*`, when one of them speaks TLS.
    pub tls: Option<TlsConfig>,
    /// `limpid.http.connections.max`.
    pub connections_max: usize,
    /// `limpid.http.connections.max.per.address`.
    pub connections_each_max: usize,
    /// `limpid.http.header.timeout.ms`.
    pub header_timeout_ms: u64,
    /// `limpid.http.external.url`.
    pub external: Option<ExternalUrl>,
    /// `limpid.http.allowed.hosts`.
    pub allowed_hosts: Vec<String>,
    /// `limpid.http.public.paths`.
    pub public_paths: Vec<String>,
    /// `limpid.metrics.dialects`.
    pub metrics_dialects: Vec<String>,
    /// `limpid.metrics.jmx.exporter.config`.
    pub jmx_exporter_config: Option<PathBuf>,
    /// What the page may show.
    pub metrics_limits: MetricsLimits,
    /// Who may do what there.
    pub access: HttpAccessConfig,
}

/// How much `/metrics` shows. Patterns are as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsLimits {
    /// `limpid.metrics.max.series`.
    pub max_series: usize,
    /// `limpid.metrics.protected.families`.
    pub protected: Vec<String>,
    /// `limpid.metrics.topic.include` and `.exclude`.
    pub topics: [String; 2],
    /// `limpid.metrics.group.include` and `.exclude`.
    pub groups: [String; 2],
}

impl HttpConfig {
    /// What precedes the path of every link, `/limpid` or nothing.
    pub fn base(&self) -> &str {
        self.external.as_ref().map_or("", |url| &url.base)
    }
}

/// Reads the keys.
pub(super) fn http(values: &Values<'_>) -> Result<HttpConfig, KeyedMessage> {
    let list = |key: &str| list_items(&values.text(key)).map(str::to_owned).collect();
    let listeners =
        listeners::parse_http_listeners(&values.text("limpid.http.listeners")).unwrap_or_default();
    let speaks_tls = listeners.iter().any(|listener| listener.tls);
    let tls = speaks_tls.then(|| security::http_tls(values)).transpose()?;
    let certificates = tls
        .as_ref()
        .is_some_and(|tls| tls.client_auth != ClientAuth::None);
    Ok(HttpConfig {
        access: http_access::http_access(values, certificates)?,
        tls,
        listeners,
        connections_max: values.size("limpid.http.connections.max"),
        connections_each_max: values.size("limpid.http.connections.max.per.address"),
        header_timeout_ms: values.unsigned("limpid.http.header.timeout.ms"),
        external: external_url::parse(&values.text("limpid.http.external.url")).unwrap_or_default(),
        allowed_hosts: list("limpid.http.allowed.hosts"),
        public_paths: list("limpid.http.public.paths"),
        metrics_dialects: list("limpid.metrics.dialects"),
        jmx_exporter_config: Some(values.text("limpid.metrics.jmx.exporter.config"))
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
        metrics_limits: metrics_limits(values),
    })
}

fn metrics_limits(values: &Values<'_>) -> MetricsLimits {
    let protected = values.text("limpid.metrics.protected.families");
    let names = |include: &str, exclude: &str| [values.text(include), values.text(exclude)];
    MetricsLimits {
        max_series: values.size("limpid.metrics.max.series"),
        protected: list_items(&protected).map(str::to_owned).collect(),
        topics: names(
            "limpid.metrics.topic.include",
            "limpid.metrics.topic.exclude",
        ),
        groups: names(
            "limpid.metrics.group.include",
            "limpid.metrics.group.exclude",
        ),
    }
}
