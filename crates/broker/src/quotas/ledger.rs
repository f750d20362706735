//! All accounts of one kind of quota, within a limit.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::account::Account;
use super::measure::Windows;
use super::rules::{QuotaKind, Rules, Sharing};
use crate::metrics::QuotaMetrics;

/// Most accounts of a kind, since clients choose their ids. Beyond it all further client ids of a
/// user share one account, and with it one quota.
const ACCOUNTS_MAX: usize = 10_000;
/// Longest client id with an account of its own; those that are longer are taken as further ones.
const CLIENT_ID_BYTES_MAX: usize = 256;
/// The client id of that account.
const FURTHER: &str = "other";
/// An account that nobody used for so long is closed, as in Kafka.
const IDLE_MS: u64 = 3_600_000;
/// How often it is tried to make room among too many accounts.
const MAKE_ROOM_MS: u64 = 1_000;

/// User and client id, of which one may be empty.
type Key = (Box<str>, Box<str>);

/// The accounts of one kind of quota.
#[derive(Debug)]
pub struct Ledger {
    kind: QuotaKind,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    accounts: HashMap<Key, Arc<Account>>,
    /// When it was last tried to make room.
    room_ms: Option<u64>,
}

impl Ledger {
    /// None are open yet.
    pub fn new(kind: QuotaKind) -> Self {
        Self {
            kind,
            inner: Mutex::default(),
        }
    }

    /// The account of these, opened if it isn't there.
    pub fn account(
        &self,
        who: Sharing<'_>,
        rules: &Rules,
        metrics: &QuotaMetrics,
        (windows, now_ms): (Windows, u64),
    ) -> Arc<Account> {
        let mut inner = self.inner.lock();
        let mut who = who;
        if who.client_id.len() > CLIENT_ID_BYTES_MAX {
            who.client_id = FURTHER;
        }
        let mut key: Key = (who.user.into(), who.client_id.into());
        if !inner.accounts.contains_key(&key) && !inner.has_room(windows, now_ms) {
            who.client_id = FURTHER;
            key.1 = FURTHER.into();
        }
        if let Some(account) = inner.accounts.get(&key) {
            return Arc::clone(account);
        }
        let account = Arc::new(Account::new(metrics, self.kind, who));
        account.set_bound(rules.bound(self.kind, who));
        inner.accounts.insert(key, Arc::clone(&account));
        account
    }

    /// Gives every account the limit that it has by `rules`.
    pub fn follow(&self, rules: &Rules) {
        for account in self.inner.lock().accounts.values() {
            account.set_bound(rules.bound(self.kind, account.sharing()));
        }
    }

    /// Shows what is used, and closes accounts that nobody uses any more.
    pub fn tick(&self, windows: Windows, now_ms: u64) {
        let mut inner = self.inner.lock();
        inner.close_unused(IDLE_MS, now_ms);
        for account in inner.accounts.values() {
            account.publish(windows, now_ms);
        }
    }
}

impl Inner {
    /// When there are too many, those go that have nothing left to tell: whoever was idle for all
    /// windows has a rate of 0 and a full bucket.
    fn has_room(&mut self, windows: Windows, now_ms: u64) -> bool {
        let tried = |at: u64| now_ms.saturating_sub(at) < MAKE_ROOM_MS;
        if self.accounts.len() >= ACCOUNTS_MAX && !self.room_ms.is_some_and(tried) {
            self.room_ms = Some(now_ms);
            self.close_unused(windows.total_ms(), now_ms);
        }
        self.accounts.len() < ACCOUNTS_MAX
    }

    fn close_unused(&mut self, idle_ms: u64, now_ms: u64) {
        self.accounts.retain(|_, account| {
            // One that a connection holds may be used again at once.
            Arc::strong_count(account) > 1 || now_ms.saturating_sub(account.last_ms()) < idle_ms
        });
    }
}

#[cfg(test)]
mod tests;
