//! The `metrics` facade: what third-party crates emit lands in the same registry.
//!
//! Our own crates declare theirs with [`metrics!`](crate::metrics) and never use the facade.

use crate::registry::Registry;

/// The process has a recorder already.
#[derive(Debug, thiserror::Error)]
#[error("a recorder of the metrics facade is installed already")]
pub struct FacadeError;

/// Installs the recorder of the process. Call it once, from `main`; a metric that can't be
/// registered (other labels under a name that is taken) is left out rather than a panic.
///
/// # Errors
/// There is a recorder already.
pub fn install(registry: &Registry) -> Result<(), FacadeError> {
    metrics_prometheus::Recorder::builder()
        .with_registry(registry.prometheus().clone())
        .with_failure_strategy(metrics_prometheus::failure::strategy::NoOp)
        .try_build_and_install()
        .map(drop)
        .map_err(|_| FacadeError)
}
