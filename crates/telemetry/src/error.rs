//! What can go wrong when metrics are made.

use crate::declare::Declaration;

/// A metric could not be registered.
#[derive(Debug, thiserror::Error)]
#[error("metric {name} can't be registered")]
pub struct RegisterError {
    /// The family's name.
    pub name: &'static str,
    #[source]
    cause: prometheus::Error,
}

impl RegisterError {
    pub(crate) fn new(declaration: &Declaration, cause: prometheus::Error) -> Self {
        RegisterError {
            name: declaration.name,
            cause,
        }
    }
}
