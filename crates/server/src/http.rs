//! HTTP: the routers of all faces behind one gate, on sockets of their own runtime.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware;
use limpid_access::AccessMetrics;
use limpid_access::desk::{Desk, DeskError};
use limpid_broker::drain::Drain;
use limpid_broker::listener::Listener;
use limpid_config::{BrokerConfig, HttpListener};
use limpid_platform::clock::Clock;
use limpid_platform::random::OsRandom;
use limpid_telemetry::Registry;
use tokio::runtime::Handle;

use crate::error::StartError;
use crate::gate::{self, Gate, Hosts};

/// Who may visit.
#[derive(Clone)]
pub(crate) struct Visiting {
    /// Where visitors show who they are, if they can.
    pub(crate) desk: Option<Arc<Desk>>,
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
            metrics,
        })
    }

    /// Whether people can log in by a form.
    pub(crate) fn takes_passwords(&self) -> bool {
        self.desk
            .as_ref()
            .is_some_and(|desk| desk.takes_passwords())
    }

    /// The gate of one listener.
    fn gate(&self, config: &BrokerConfig, listener: &HttpListener) -> Gate {
        let own = listener.host.iter().cloned();
        let allowed = config.http.allowed_hosts.iter().cloned();
        Gate {
            hosts: Hosts {
                allowed: allowed.chain(own).collect(),
            },
            public_paths: config.http.public_paths.clone(),
            beyond_loopback: !listener.is_loopback(),
            desk: self.desk.clone(),
            metrics: Arc::clone(&self.metrics),
            cluster: config.node.cluster_name.clone(),
        }
    }
}

/// Opens every HTTP listener and serves `faces` there until the drain is over.
pub(crate) fn start(
    runtime: &Handle,
    config: &BrokerConfig,
    faces: &Router,
    visiting: &Visiting,
    end: &Drain,
) -> Result<Vec<SocketAddr>, StartError> {
    let key = "limpid.http.listeners";
    let mut faces = faces.clone();
    if let Some(desk) = &visiting.desk {
        faces = faces.merge(gate::login_routes(Arc::clone(desk)));
    }
    let mut addresses = Vec::new();
    for configured in &config.http.listeners {
        let host = configured.host.as_deref().unwrap_or("");
        let bound = runtime.block_on(Listener::bind("http", host, configured.port));
        let bound = bound.map_err(|e| StartError::bind(e, key))?;
        let _context = runtime.enter();
        let open = bound.open().map_err(|e| StartError::bind(e, key))?;
        if !configured.is_loopback() && visiting.takes_passwords() {
            tracing::warn!(
                listener = %configured,
                "passwords cross this listener unencrypted; put a proxy that speaks TLS before it"
            );
        }
        let gate = Arc::new(visiting.gate(config, configured));
        let app = faces
            .clone()
            .layer(middleware::from_fn_with_state(gate, gate::check));
        for socket in open.into_sockets() {
            addresses.extend(socket.local_addr());
            let service = app
                .clone()
                .into_make_service_with_connect_info::<SocketAddr>();
            let mut end = end.clone();
            let server = axum::serve(socket, service)
                .with_graceful_shutdown(async move { end.begun().await });
            runtime.spawn(async move {
                if let Err(error) = server.await {
                    tracing::error!(%error, "HTTP ended");
                }
            });
        }
    }
    Ok(addresses)
}
