//! HTTP: the routers of all faces behind one gate, on sockets of their own runtime.

mod crowd;
mod serve;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use limpid_access::AccessMetrics;
use limpid_access::desk::{Desk, DeskError};
use limpid_broker::audit::Audit;
use limpid_broker::client_log::ClientLog;
use limpid_broker::drain::Drain;
use limpid_broker::listener::Listener;
use limpid_config::{BrokerConfig, HttpAccessConfig, HttpListener};
use limpid_platform::clock::Clock;
use limpid_platform::random::OsRandom;
use limpid_security::oidc::Provider;
use limpid_telemetry::Registry;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use self::crowd::Crowd;
use self::serve::Door;
use crate::certificates::{Certificates, HTTPS};
use crate::error::StartError;
use crate::gate::{self, Cookies, Gate, Hosts, OidcWay, Watch};

/// Who may visit.
#[derive(Clone)]
pub(crate) struct Visiting {
    /// Where visitors show who they are, if they can.
    pub(crate) desk: Option<Arc<Desk>>,
    /// At whose page people can log in.
    provider: Option<Arc<Provider>>,
    metrics: Arc<AccessMetrics>,
}

impl Visiting {
    /// Reads what the configuration names.
    pub(crate) fn open(
        config: &BrokerConfig,
        registry: &Registry,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let metrics = Arc::new(AccessMetrics::register(registry)?);
        let access = &config.http.access;
        let desk = access.is_configured().then(|| {
            let desk = Desk::open(access, clock, Arc::new(OsRandom), Arc::clone(&metrics))?;
            Ok::<_, DeskError>(Arc::new(desk))
        });
        Ok(Self {
            desk: desk.transpose()?,
            provider: provider(access)?.map(Arc::new),
            metrics,
        })
    }

    /// Whether all that [`open`](Self::open) reads is fine.
    pub(crate) fn check(access: &HttpAccessConfig) -> Result<(), StartError> {
        Desk::check(access)?;
        provider(access)?;
        Ok(())
    }

    /// Whether people can log in by a form.
    pub(crate) fn takes_passwords(&self) -> bool {
        self.desk
            .as_ref()
            .is_some_and(|desk| desk.takes_passwords())
    }

    /// The provider at whose page people can log in.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.provider.as_ref().map(|provider| provider.issuer())
    }

    /// The gate of one listener.
    fn gate(&self, serving: &Serving<'_>, listener: &HttpListener) -> Gate {
        let (config, cluster_id) = (serving.config, serving.cluster_id);
        let http = &config.http;
        let own = listener.host.iter().cloned();
        let allowed = http.allowed_hosts.iter().cloned();
        let external = http.external.as_ref();
        Gate {
            hosts: Hosts {
                allowed: allowed
                    .chain(own)
                    .chain(external.map(|url| url.host().to_owned()))
                    .collect(),
            },
            public_paths: http.public_paths.clone(),
            beyond_loopback: !listener.is_loopback(),
            desk: self.desk.clone(),
            trusted: http.access.trusted.clone(),
            cookies: Arc::new(Cookies::new(
                cluster_id,
                config.node.id,
                listener.tls,
                external,
            )),
            external: external.cloned(),
            proxies: http.access.proxies.clone(),
            people_log_in: self.takes_passwords() || self.provider.is_some(),
            metrics: Arc::clone(&self.metrics),
            cluster: config.node.cluster_name.clone(),
            watch: Watch::new(Arc::clone(serving.audit), listener.scheme()),
        }
    }
}

/// It is not asked before somebody logs in.
fn provider(access: &HttpAccessConfig) -> Result<Option<Provider>, StartError> {
    let provider = access.oidc.clone().map(Provider::new);
    provider.transpose().map_err(StartError::Provider)
}

/// What is needed to serve HTTP.
pub(crate) struct Serving<'a> {
    /// Hears who logs in, who is turned away, and what is changed.
    pub(crate) audit: &'a Arc<Audit>,
    pub(crate) config: &'a BrokerConfig,
    pub(crate) cluster_id: &'a str,
    pub(crate) faces: &'a Router,
    pub(crate) visiting: &'a Visiting,
    pub(crate) certificates: &'a Certificates,
    pub(crate) log: &'a Arc<ClientLog>,
    /// When to end.
    pub(crate) end: &'a Drain,
}

/// Where HTTP is served.
#[derive(Default)]
pub(crate) struct Opened {
    pub(crate) http: Vec<SocketAddr>,
    pub(crate) https: Vec<SocketAddr>,
}

/// Opens every HTTP listener and serves there until the drain is over.
pub(crate) fn start(runtime: &Handle, serving: &Serving<'_>) -> Result<Opened, StartError> {
    let key = "limpid.http.listeners";
    let http = &serving.config.http;
    let visiting = serving.visiting;
    let mut opened = Opened::default();
    let crowd = Arc::new(Crowd::new(
        http.connections_each_max,
        http.access.proxies.clone(),
        Arc::clone(&visiting.metrics),
    ));
    for configured in &http.listeners {
        let scheme = configured.scheme();
        let host = configured.host.as_deref().unwrap_or("");
        let bound = runtime.block_on(Listener::bind(scheme, host, configured.port));
        let bound = bound.map_err(|e| StartError::bind(e, key))?;
        let _context = runtime.enter();
        let open = bound.open().map_err(|e| StartError::bind(e, key))?;
        let secrets = visiting.takes_passwords() || visiting.provider.is_some();
        if !configured.is_loopback() && !configured.tls && secrets {
            tracing::warn!(
                listener = %configured,
                "passwords and sessions cross this listener unencrypted; make it https:// or put a proxy that \
                 speaks TLS before it"
            );
        }
        let door = Arc::new(Door {
            name: scheme.into(),
            tls: configured
                .tls
                .then(|| serving.certificates.of(HTTPS))
                .flatten(),
            places: Arc::new(Semaphore::new(http.connections_max)),
            header_time_max: Duration::from_millis(http.header_timeout_ms),
            external: http.external.clone(),
            crowd: Arc::clone(&crowd),
            metrics: Arc::clone(&visiting.metrics),
            log: Arc::clone(serving.log),
        });
        visiting
            .metrics
            .connections_max
            .add(http.connections_max as i64);
        let app = serving.app(configured);
        for socket in open.into_sockets() {
            let addresses = match configured.tls {
                true => &mut opened.https,
                false => &mut opened.http,
            };
            addresses.extend(socket.local_addr());
            let serve = serve::run(Arc::clone(&door), socket, app.clone(), serving.end.clone());
            runtime.spawn(serve);
        }
    }
    Ok(opened)
}

impl Serving<'_> {
    /// Everything that one listener serves, behind its gate.
    fn app(&self, listener: &HttpListener) -> Router {
        let gate = self.visiting.gate(self, listener);
        let mut faces = self.faces.clone();
        if let Some(desk) = &self.visiting.desk {
            let form = gate::login_routes(
                Arc::clone(desk),
                (Arc::clone(&gate.cookies), gate.watch.clone()),
                gate.base().into(),
                Duration::from_millis(self.config.http.header_timeout_ms),
            );
            faces = faces.merge(form);
            if let Some(provider) = &self.visiting.provider {
                faces = faces.merge(gate::oidc_routes(OidcWay {
                    desk: Arc::clone(desk),
                    provider: Arc::clone(provider),
                    cookies: Arc::clone(&gate.cookies),
                    external: self.config.http.external.clone(),
                    secure: listener.tls,
                    at_once: Arc::new(Semaphore::new(gate::OIDC_AT_ONCE_MAX)),
                    watch: gate.watch.clone(),
                }));
            }
        }
        faces.layer(middleware::from_fn_with_state(Arc::new(gate), gate::check))
    }
}
