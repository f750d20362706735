//! Families with labels: bind once, keep the handle.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::collect::label_block;
use crate::declare::Declaration;
use crate::error::RegisterError;
use crate::exemplars::{Exemplars, Slots};
use crate::handle::{Counter, Handle, Histogram};
use crate::label::{Domain, EnumLabels, Labels, OVERFLOW, shortened};
use crate::mbeans::MBeans;
use crate::registry::Registry;

type Key = Box<[Box<str>]>;

/// All series of one metric. [`bind`](Family::bind) gives a handle whose series stays as long as
/// the registry; [`own`](Family::own) one whose series dies with its owners.
///
/// Binding takes a lock and hashes: do it when the object is made, never per event.
pub struct Family<M: Handle, L: Labels> {
    shared: Arc<Shared<M>>,
    labels: std::marker::PhantomData<fn() -> L>,
}

struct Shared<M: Handle> {
    declaration: &'static Declaration,
    many: M::Many,
    domains: Vec<Domain>,
    /// Most label sets that contain text; `usize::MAX` for enums only.
    cap: usize,
    mbeans: Arc<MBeans>,
    exemplars: Arc<Exemplars>,
    /// Counts label sets beyond the cap.
    dropped: Option<Counter>,
    series: Mutex<HashMap<Key, Entry>>,
}

#[derive(Default)]
struct Entry {
    /// Bound for good: never removed.
    pinned: bool,
    owners: usize,
    /// Which object the series belongs to; a re-created one starts a new series.
    object: u128,
}

impl<M: Handle, L: Labels> Clone for Family<M, L> {
    fn clone(&self) -> Self {
        Family {
            shared: self.shared.clone(),
            labels: self.labels,
        }
    }
}

impl<M: Handle, L: Labels> fmt::Debug for Family<M, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family")
            .field("name", &self.shared.declaration.name)
            .finish()
    }
}

impl<M: Handle, L: Labels> Family<M, L> {
    /// Registers the family; called by [`metrics!`](crate::metrics).
    ///
    /// # Errors
    /// The name is taken or not valid.
    pub fn register(
        declaration: &'static Declaration,
        registry: &Registry,
    ) -> Result<Self, RegisterError> {
        let domains = L::domains();
        let caps = domains.iter().filter_map(|d| match d {
            Domain::Enum(_) => None,
            Domain::Text(cap) => Some(*cap),
        });
        let cap = caps.min().unwrap_or(usize::MAX);
        let counted = cap != usize::MAX;
        let shared = Shared {
            declaration,
            many: M::many(declaration, registry.prometheus())?,
            domains,
            cap,
            mbeans: registry.mbeans().clone(),
            exemplars: registry.exemplars().clone(),
            dropped: if counted {
                registry.drop_counter(declaration.name)
            } else {
                None
            },
            series: Mutex::new(HashMap::new()),
        };
        Ok(Family {
            shared: Arc::new(shared),
            labels: std::marker::PhantomData,
        })
    }

    /// The handle of this label set, for as long as the registry lives. A text value beyond the
    /// cap shares the series [`OVERFLOW`].
    pub fn bind(&self, values: L::In<'_>) -> M {
        let mut series = self.shared.series.lock();
        let key = self.shared.key(&series, L::texts(values));
        let entry = series.entry(key.clone()).or_default();
        entry.pinned = true;
        self.shared.attach(&key)
    }

    /// The handle of this label set for one object: the series goes when the last owner drops.
    pub fn own(&self, values: L::In<'_>) -> Owned<M> {
        self.own_for(0, values)
    }

    /// Like [`own`](Family::own), for the object with this id (a topic id): when the label set
    /// still belongs to an object with another id, its series ends and a new one starts at 0.
    pub fn own_for(&self, object: u128, values: L::In<'_>) -> Owned<M> {
        let mut series = self.shared.series.lock();
        let key = self.shared.key(&series, L::texts(values));
        let overflow = self.shared.is_overflow(&key);
        let entry = series.entry(key.clone()).or_default();
        if entry.owners > 0 && entry.object != object && !entry.pinned && !overflow {
            self.shared.detach(&key);
            entry.owners = 0;
        }
        entry.owners += 1;
        let object = if overflow { 0 } else { object };
        entry.object = object;
        let metric = self.shared.attach(&key);
        let shared = self.shared.clone();
        Owned {
            metric,
            release: Some(Release {
                shared,
                key,
                object,
            }),
        }
    }

    /// Shows this label set at 0 from now on, without its bean: that comes with the first
    /// [`bind`](Family::bind), as in Kafka. So Prometheus sees the step from 0 to 1, which no
    /// `rate()` finds in a series that begins at 1.
    pub fn begin(&self, values: L::In<'_>)
    where
        L: EnumLabels,
    {
        let mut series = self.shared.series.lock();
        let key = self.shared.key(&series, L::texts(values));
        let values: Vec<&str> = key.iter().map(|v| &**v).collect();
        M::series(&self.shared.many, &values);
        series.entry(key.clone()).or_default().pinned = true;
    }

    /// How many label sets are live.
    pub fn series_count(&self) -> usize {
        self.shared.series.lock().len()
    }

    /// A table of all its handles, indexed without a lookup.
    pub fn table(&self) -> Table<M, L>
    where
        L: EnumLabels,
    {
        let cells = (0..L::COUNT).map(|_| OnceLock::new()).collect();
        Table {
            family: self.clone(),
            cells,
        }
    }
}

impl<L: Labels> Family<Histogram, L> {
    /// Where exemplars of this label set go; to be kept, as a handle.
    pub fn exemplars(&self, values: L::In<'_>) -> Arc<Slots> {
        let declaration = self.shared.declaration;
        let texts = L::texts(values);
        let names = declaration.labels.iter().map(|label| label.name);
        let mut labels: Vec<_> = names.zip(texts.iter().map(AsRef::as_ref)).collect();
        labels.sort_unstable(); // as the registry has them
        let mut block = String::new();
        label_block(labels.into_iter(), &mut block);
        let slots = &self.shared.exemplars;
        slots.bind(declaration.name, &block, declaration.buckets)
    }
}

impl<M: Handle> Shared<M> {
    fn key(&self, live: &HashMap<Key, Entry>, texts: Vec<std::borrow::Cow<'_, str>>) -> Key {
        debug_assert_eq!(texts.len(), self.domains.len());
        let key: Key = texts.into_iter().map(|t| shortened(t).into()).collect();
        if self.cap == usize::MAX || live.contains_key(&key) || live.len() < self.cap {
            return key;
        }
        if let Some(dropped) = &self.dropped {
            dropped.inc();
        }
        let mut key = key;
        for (text, domain) in key.iter_mut().zip(&self.domains) {
            if matches!(domain, Domain::Text(_)) {
                *text = OVERFLOW.into();
            }
        }
        key
    }

    fn is_overflow(&self, key: &Key) -> bool {
        let texts = key
            .iter()
            .zip(&self.domains)
            .filter(|(_, d)| matches!(d, Domain::Text(_)));
        let mut texts = texts.peekable();
        texts.peek().is_some() && texts.all(|(text, _)| &**text == OVERFLOW)
    }

    fn attach(&self, key: &Key) -> M {
        let values: Vec<&str> = key.iter().map(|v| &**v).collect();
        let metric = M::series(&self.many, &values);
        self.mbeans.attach(self.declaration, &values, &metric.any());
        metric
    }

    fn detach(&self, key: &Key) {
        let values: Vec<&str> = key.iter().map(|v| &**v).collect();
        M::remove(&self.many, &values);
        self.mbeans.detach(self.declaration, &values);
    }
}

struct Release<M: Handle> {
    shared: Arc<Shared<M>>,
    key: Key,
    object: u128,
}

/// A handle whose series lives as long as somebody owns it. Derefs to the plain handle; clones of
/// that plain handle count into nowhere once the series is gone.
pub struct Owned<M: Handle> {
    metric: M,
    release: Option<Release<M>>,
}

impl<M: Handle> Deref for Owned<M> {
    type Target = M;
    fn deref(&self) -> &M {
        &self.metric
    }
}

impl<M: Handle> fmt::Debug for Owned<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.release.as_ref().map(|r| &r.key);
        f.debug_struct("Owned").field("labels", &key).finish()
    }
}

impl<M: Handle> Drop for Owned<M> {
    fn drop(&mut self) {
        let Some(Release {
            shared,
            key,
            object,
        }) = self.release.take()
        else {
            return;
        };
        let mut series = shared.series.lock();
        let Some(entry) = series.get_mut(&key) else {
            return;
        };
        if entry.object != object {
            return; // superseded by a re-created object
        }
        entry.owners = entry.owners.saturating_sub(1);
        if entry.owners == 0 && !entry.pinned {
            shared.detach(&key);
            series.remove(&key);
        }
    }
}

/// All handles of a family whose labels are enums. A series appears with its first
/// [`get`](Table::get); after that `get` is an index and an atomic load.
pub struct Table<M: Handle, L: EnumLabels> {
    family: Family<M, L>,
    cells: Box<[OnceLock<M>]>,
}

impl<M: Handle, L: EnumLabels> Table<M, L> {
    /// The handle of this label set.
    ///
    /// # Panics
    /// An enum's `index` is not below its `COUNT`.
    #[inline]
    pub fn get(&self, values: L::In<'_>) -> &M {
        self.cells[L::index(&values)].get_or_init(|| self.family.bind(values))
    }
}

impl<M: Handle, L: EnumLabels> fmt::Debug for Table<M, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.family.fmt(f)
    }
}

#[cfg(test)]
mod tests;
