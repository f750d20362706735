//! All beans at one moment.
//!
//! A large broker has a hundred thousand of them, nearly all with one attribute, and they are made anew
//! for each scrape: names lie one behind the other in one buffer, and a bean with one attribute allocates
//! nothing.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use super::{Attributes, Value};

/// Something whose state is shown as beans.
pub trait BeanSource: Send + Sync {
    /// Adds its beans as they are now, that is so long after any start.
    fn add_to(&self, now: Duration, beans: &mut Beans);

    /// Meters are to move on: called every [`STEP`](crate::meter::STEP).
    fn step(&self, _now: Duration) {}
}

/// Beans by their object names, in the order in which they were added.
#[derive(Debug, Default)]
pub struct Beans {
    names: Arc<BeanNames>,
    beans: Vec<Held>,
    /// Where a name is by its hash; when another name has the hash, by the next number.
    index: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    hasher: RandomState,
}

/// The names of beans, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BeanNames {
    text: String,
    /// Where each one ends.
    ends: Vec<u32>,
}

/// What is told of a bean.
#[derive(Debug)]
enum Held {
    One((&'static str, Value)),
    Many(Attributes),
}

/// Numbers that are hashes already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl BeanNames {
    fn get(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[at] as usize]
    }

    fn push(&mut self, name: &str) {
        self.text.push_str(name);
        let end = u32::try_from(self.text.len());
        self.ends.push(end.expect("all names are less than 4 GiB"));
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|at| self.get(at))
    }
}

impl Held {
    fn all(&self) -> &[(&'static str, Value)] {
        match self {
            Self::One(one) => slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    fn add(&mut self, attribute: (&'static str, Value)) {
        if self.all().iter().any(|(name, _)| *name == attribute.0) {
            return;
        }
        match self {
            Self::Many(many) => many.push(attribute),
            Self::One(_) => {
                if let Self::One(one) = std::mem::replace(self, Self::Many(Vec::new())) {
                    *self = Self::Many(vec![one, attribute]);
                }
            }
        }
    }
}

/// How large a look was, so that the next one need not grow.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    beans: usize,
    name_bytes: usize,
}

impl Beans {
    /// None yet, with room for as many as there were.
    pub(super) fn with_room(extent: Extent) -> Self {
        // Somewhat more: there may be new ones.
        let Extent { beans, name_bytes } = extent;
        let (beans, name_bytes) = (beans + beans / 32, name_bytes + name_bytes / 32);
        let names = BeanNames {
            text: String::with_capacity(name_bytes),
            ends: Vec::with_capacity(beans),
        };
        Self {
            names: Arc::new(names),
            beans: Vec::with_capacity(beans),
            index: HashMap::with_capacity_and_hasher(beans, BuildHasherDefault::default()),
            hasher: RandomState::default(),
        }
    }

    pub(super) fn extent(&self) -> Extent {
        Extent {
            beans: self.beans.len(),
            name_bytes: self.names.text.len(),
        }
    }

    /// Adds attributes to a bean. One that it has already stays as it is.
    pub fn add(&mut self, name: impl AsRef<str>, attributes: Attributes) {
        match self.place(name.as_ref()) {
            Ok(at) => {
                let bean = &mut self.beans[at];
                attributes.into_iter().for_each(|one| bean.add(one));
            }
            Err(hash) => {
                let mut bean = Held::Many(Vec::with_capacity(attributes.len()));
                attributes.into_iter().for_each(|one| bean.add(one));
                self.push(hash, name.as_ref(), bean);
            }
        }
    }

    /// Adds a gauge: a bean whose only attribute is `Value`.
    pub fn gauge(&mut self, name: impl AsRef<str>, value: Value) {
        let value = ("Value", value);
        match self.place(name.as_ref()) {
            Ok(at) => self.beans[at].add(value),
            Err(hash) => self.push(hash, name.as_ref(), Held::One(value)),
        }
    }

    /// Adds gauges whose object names differ by `name` alone.
    pub fn gauges<N: TryInto<i64>>(
        &mut self,
        bean: &str,
        values: impl IntoIterator<Item = (&'static str, N)>,
    ) {
        for (name, number) in values {
            self.gauge(format!("{bean},name={name}"), Value::long(number));
        }
    }

    /// The attributes of a bean by its name as it is written here.
    pub fn get(&self, name: &str) -> Option<&[(&'static str, Value)]> {
        let at = self.place(name).ok()?;
        Some(self.beans[at].all())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[(&'static str, Value)])> {
        self.names.iter().zip(self.beans.iter().map(Held::all))
    }

    /// Their names. Two looks at the same beans have equal ones.
    pub fn names(&self) -> &Arc<BeanNames> {
        &self.names
    }

    /// Where a bean is, or under which hash it has to be added.
    fn place(&self, name: &str) -> Result<usize, u64> {
        let mut hash = self.hasher.hash_one(name);
        while let Some(at) = self.index.get(&hash) {
            let at = *at as usize;
            if self.names.get(at) == name {
                return Ok(at);
            }
            hash = hash.wrapping_add(1);
        }
        Err(hash)
    }

    fn push(&mut self, hash: u64, name: &str, bean: Held) {
        let at = u32::try_from(self.beans.len());
        let at = at.expect("each bean has a name of more than a byte");
        self.index.insert(hash, at);
        Arc::make_mut(&mut self.names).push(name);
        self.beans.push(bean);
    }
}
