//! HTTP: the routers of all faces behind one gate, on sockets of their own runtime.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware;
use limpid_broker::drain::Drain;
use limpid_broker::listener::Listener;
use limpid_config::BrokerConfig;
use tokio::runtime::Handle;

use crate::error::StartError;
use crate::gate::{self, Gate};

/// Opens every HTTP listener and serves `faces` there until the drain is over.
pub(crate) fn start(
    runtime: &Handle,
    config: &BrokerConfig,
    faces: &Router,
    end: &Drain,
) -> Result<Vec<SocketAddr>, StartError> {
    let key = "limpid.http.listeners";
    let mut addresses = Vec::new();
    for configured in &config.http.listeners {
        let host = configured.host.as_deref().unwrap_or("");
        let bound = runtime.block_on(Listener::bind("http", host, configured.port));
        let bound = bound.map_err(|e| StartError::bind(e, key))?;
        let _context = runtime.enter();
        let open = bound.open().map_err(|e| StartError::bind(e, key))?;
        let gate = Arc::new(Gate {
            allowed_hosts: config.http.allowed_hosts.clone(),
            public_paths: config.http.public_paths.clone(),
            beyond_loopback: !configured.is_loopback(),
        });
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
