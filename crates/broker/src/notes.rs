//! What a handler notes of its request, for those who tell of it later.

use crate::audit::changes::Changes;
use crate::touched::Touched;

/// Notes on one request.
#[derive(Debug, Default)]
pub struct Notes {
    /// Topics that it was about.
    pub touched: Touched,
    /// What it changed.
    pub changes: Changes,
}
