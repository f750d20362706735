//! Where pages get the values from that `/metrics` shows.

use std::sync::Arc;

/// Shows families as `/metrics` does, in text.
pub type Values = Arc<dyn Fn(&[&str]) -> String + Send + Sync>;
