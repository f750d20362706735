//! What a handler notes of its request, for those who tell of it later.

use limpid_telemetry::spans::Contexts;

use crate::audit::changes::Changes;
use crate::touched::Touched;

/// Notes on one request.
#[derive(Debug, Default)]
pub struct Notes {
    /// Topics that it was about.
    pub touched: Touched,
    /// It is a Fetch for a replica.
    pub for_replica: bool,
    /// What it changed.
    pub changes: Changes,
    /// The trace contexts of its records; `None` where nobody traces.
    pub contexts: Option<Box<Contexts>>,
}

impl Notes {
    /// Of a request whose trace is of interest or not.
    pub fn new(traced: bool) -> Self {
        Self {
            contexts: traced.then(Box::default),
            ..Self::default()
        }
    }
}
