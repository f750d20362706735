//! Permits to change the metadata, for one request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use limpid_protocol::ErrorCode;
use limpid_storage::metadata::Refusal;

use super::Quotas;
use super::account::Account;
use super::rules::QuotaKind;

/// Hands out the permits of one request. Shared with the closure that changes the metadata.
#[derive(Clone)]
pub struct Permits(Option<Arc<Limited>>);

struct Limited {
    quotas: Arc<Quotas>,
    account: Arc<Account>,
    /// Whether who is in debt gets nothing: only clients that know the error.
    strict: bool,
    /// When the debt ends, on the clock of the quotas.
    until_ms: AtomicU64,
}

impl Permits {
    /// As many as anybody wants.
    pub fn unlimited() -> Self {
        Self(None)
    }

    pub(super) fn new(quotas: &Arc<Quotas>, account: &Arc<Account>, strict: bool) -> Self {
        Self(Some(Arc::new(Limited {
            quotas: Arc::clone(quotas),
            account: Arc::clone(account),
            strict,
            until_ms: AtomicU64::new(0),
        })))
    }

    /// Takes one permit for each partition that is created or deleted.
    ///
    /// # Errors
    /// THROTTLING_QUOTA_EXCEEDED.
    pub fn take(&self, partitions: usize) -> Result<(), Refusal> {
        let Some(limited) = &self.0 else {
            return Ok(());
        };
        let windows = limited.quotas.windows(QuotaKind::ControllerMutation);
        let now_ms = limited.quotas.now_ms();
        let taken =
            limited
                .account
                .take_permits(windows, partitions as f64, limited.strict, now_ms);
        let (Ok(wait_ms) | Err(wait_ms)) = taken;
        if wait_ms > 0 {
            limited.until_ms.store(now_ms + wait_ms, Ordering::Relaxed);
        }
        taken.map(drop).map_err(|_| {
            let code = ErrorCode::ThrottlingQuotaExceeded;
            Refusal::new(code, code.message())
        })
    }

    /// For how long the client is to be held back from now.
    pub fn wait_ms(&self) -> u64 {
        let until_ms = |limited: &Arc<Limited>| {
            let until_ms = limited.until_ms.load(Ordering::Relaxed);
            until_ms.saturating_sub(limited.quotas.now_ms())
        };
        self.0.as_ref().map_or(0, until_ms)
    }
}
