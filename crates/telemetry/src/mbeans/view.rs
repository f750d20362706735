//! All beans at one moment.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Attributes, Value};

/// Something whose state is shown as beans.
pub trait BeanSource: Send + Sync {
    /// Adds its beans as they are now, that is so long after any start.
    fn add_to(&self, now: Duration, beans: &mut Beans);

    /// Meters are to move on: called every [`STEP`](crate::meter::STEP).
    fn step(&self, _now: Duration) {}
}

/// Beans by their object names, sorted.
#[derive(Debug, Default)]
pub struct Beans {
    by_name: BTreeMap<String, Attributes>,
}

impl Beans {
    /// Adds attributes to a bean. One that it has already stays as it is.
    pub fn add(&mut self, name: impl Into<String>, attributes: Attributes) {
        let known = self.by_name.entry(name.into()).or_default();
        for (attribute, value) in attributes {
            if !known.iter().any(|(name, _)| *name == attribute) {
                known.push((attribute, value));
            }
        }
    }

    /// Adds a gauge: a bean whose only attribute is `Value`.
    pub fn gauge(&mut self, name: impl Into<String>, value: Value) {
        self.add(name, vec![("Value", value)]);
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
    pub fn get(&self, name: &str) -> Option<&Attributes> {
        self.by_name.get(name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attributes)> {
        let all = self.by_name.iter();
        all.map(|(name, attributes)| (name.as_str(), attributes))
    }
}
