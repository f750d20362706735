//! What a start would refuse of a configuration that is right by itself: files that it names and
//! patterns in it. Nothing is opened for writing, bound or started.

use limpid_client::Access;
use limpid_config::BrokerConfig;

use crate::error::StartError;
use crate::http::Visiting;
use crate::{certificates, faces, watching};

/// Looks at what [`crate::Server::start`] reads besides the configuration, before data is touched.
///
/// # Errors
/// As the start would fail.
pub fn check(broker: &BrokerConfig) -> Result<(), StartError> {
    Visiting::check(&broker.http.access)?;
    faces::check(broker)?;
    certificates::check(broker)?;
    if let Some(spans) = &broker.observing.spans {
        watching::spans_tls(spans)?;
    }
    if let Some(forward) = &broker.observing.forward {
        watching::forward_tls(forward)?;
    }
    if let Some(canary) = &broker.canary {
        Access::load(&canary.security)?;
    }
    Ok(())
}
