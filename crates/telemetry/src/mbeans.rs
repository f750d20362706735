//! The MBean registry: JMX object names bound to the same handles that `/metrics` shows.
//!
//! Kafka's admins know their broker by names such as
//! `kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec`. A declaration carries such names; a
//! bean appears when a series is bound and goes when the series goes. Readers (Jolokia, naming
//! dialects) ask [`MBeans::names`] and [`MBeans::read`].

use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::declare::{Declaration, Shape};
use crate::handle::{AnyHandle, Histogram};
use crate::meter::{Meter, STEP};
use crate::recent::{Recent, WINDOW};
use crate::windowed::Windowed;

mod attributes;
mod names;
mod object_name;
mod view;

pub use attributes::{Attributes, PERCENTILES, Value, meter_attributes};
use attributes::{attributes, distribution, double, metered};
pub use names::{ObjectName, unquoted};
use object_name::object_name;
pub use object_name::quoted;
use view::Extent;
pub use view::{BeanNames, BeanSource, Beans};

/// Object names and what they are bound to.
#[derive(Default)]
pub struct MBeans {
    beans: RwLock<BTreeMap<String, Vec<Bound>>>,
    clock: Mutex<Clock>,
    sources: RwLock<Vec<Arc<dyn BeanSource>>>,
    /// Of the last look at all of them.
    extent: Mutex<Extent>,
}

impl std::fmt::Debug for MBeans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MBeans").finish_non_exhaustive()
    }
}

/// What time it is, by whoever ticks.
#[derive(Debug, Clone, Copy, Default)]
struct Clock {
    now: Duration,
    /// When the windows of the percentiles were turned.
    turned: Duration,
    /// When the rates moved on.
    stepped: Duration,
}

/// A series that fills attributes of a bean.
#[derive(Debug)]
struct Bound {
    shape: Shape,
    /// The label values of the series: several may add up to one distribution.
    series: Box<str>,
    handle: AnyHandle,
    recent: Recent,
    /// Of a shape that has rates.
    meter: Option<Meter>,
    /// Of a rate over windows.
    windowed: Option<Windowed>,
}

impl MBeans {
    /// Binds the beans of a declaration to a series.
    pub(crate) fn attach(&self, d: &Declaration, values: &[&str], handle: &AnyHandle) {
        let series = values.join("\0").into_boxed_str();
        let now = self.clock.lock().now;
        for bean in d.mbeans {
            let Some(name) = object_name(bean.object, d, values) else {
                continue;
            };
            let mut beans = self.beans.write();
            let bound = beans.entry(name).or_default();
            match bound.iter_mut().find(|b| b.is(bean.shape, &series)) {
                // Bound again: the window goes on.
                Some(same) => same.handle = handle.clone(),
                None => bound.push(Bound {
                    shape: bean.shape,
                    series: series.clone(),
                    handle: handle.clone(),
                    recent: Recent::default(),
                    meter: is_metered(bean.shape).then(|| Meter::new(now, 0.0)),
                    windowed: matches!(bean.shape, Shape::AttributeRate(_))
                        .then(|| Windowed::new(now, double(handle))),
                }),
            }
        }
    }

    /// Takes the beans of a series out.
    pub(crate) fn detach(&self, d: &Declaration, values: &[&str]) {
        let series = values.join("\0");
        for bean in d.mbeans {
            let Some(name) = object_name(bean.object, d, values) else {
                continue;
            };
            let mut beans = self.beans.write();
            if let Some(bound) = beans.get_mut(&name) {
                bound.retain(|b| !b.is(bean.shape, &series));
                if bound.is_empty() {
                    beans.remove(&name);
                }
            }
        }
    }

    /// Moves the rates on, and turns the windows of the percentiles when they are over.
    pub(crate) fn tick(&self, now: Duration) {
        let is_over = |since: &mut Duration, time: Duration| {
            let over = now.saturating_sub(*since) >= time;
            if over {
                *since = now;
            }
            over
        };
        let (steps, turns) = {
            let mut clock = self.clock.lock();
            clock.now = now;
            (
                is_over(&mut clock.stepped, STEP),
                is_over(&mut clock.turned, WINDOW),
            )
        };
        if !steps && !turns {
            return;
        }
        if steps {
            let sources = self.sources.read().clone();
            sources.iter().for_each(|source| source.step(now));
        }
        for bound in self.beans.write().values_mut().flatten() {
            match &mut bound.meter {
                Some(meter) if steps => meter.step(now, double(&bound.handle)),
                _ => {}
            }
            if let Some(windowed) = &mut bound.windowed {
                windowed.step(now, double(&bound.handle));
            }
            match &bound.handle {
                AnyHandle::Histogram(histogram) if turns => bound.recent.turn(histogram),
                _ => {}
            }
        }
    }

    /// All object names, sorted.
    pub fn names(&self) -> Vec<String> {
        self.beans.read().keys().cloned().collect()
    }

    /// The object names that start like this, sorted.
    pub fn names_from(&self, start: &str) -> Vec<String> {
        let beans = self.beans.read();
        let from = beans.range::<str, _>((Included(start), Unbounded));
        let names = from.map(|(name, _)| name);
        names
            .take_while(|n| n.starts_with(start))
            .cloned()
            .collect()
    }

    /// The attributes of one bean with their values now; `None` when there is no such bean.
    pub fn read(&self, name: &str) -> Option<Attributes> {
        let now = self.clock.lock().now;
        Some(attributes_of(self.beans.read().get(name)?, now))
    }

    /// Adds beans that are states: they are asked for when somebody looks at all beans.
    pub fn add_source(&self, source: Arc<dyn BeanSource>) {
        self.sources.write().push(source);
    }

    /// All beans now, those of the sources included.
    pub fn view(&self) -> Beans {
        let now = self.clock.lock().now;
        let mut all = Beans::with_room(*self.extent.lock());
        for (name, bound) in self.beans.read().iter() {
            all.add(name, attributes_of(bound, now));
        }
        let sources = self.sources.read().clone();
        for source in sources {
            source.add_to(now, &mut all);
        }
        *self.extent.lock() = all.extent();
        all
    }
}

fn attributes_of(bound: &[Bound], now: Duration) -> Attributes {
    let mut out = Vec::new();
    let mut told = Vec::new();
    for one in bound {
        let rates = || Some(one.meter.as_ref()?.rates(now, double(&one.handle)));
        match one.scale() {
            None => {
                out.extend(attributes(one.shape, &one.handle, rates()));
                out.extend(one.recently(now));
            }
            Some(scale) if !told.contains(&one.shape) => {
                told.push(one.shape);
                let parts = bound.iter().filter(|b| b.shape == one.shape);
                out.extend(distribution(parts.filter_map(Bound::histogram), scale));
                if let Some(rates) = rates() {
                    out.extend(metered(rates));
                    out.push(("LatencyUnit", Value::text("MILLISECONDS")));
                }
            }
            Some(_) => {}
        }
    }
    out
}

fn is_metered(shape: Shape) -> bool {
    matches!(shape, Shape::Meter | Shape::TimeMeter(_) | Shape::Timer)
}

fn in_ms(seconds: Option<f64>) -> f64 {
    seconds.map_or(f64::NAN, |seconds| seconds * 1_000.0)
}

impl Bound {
    fn is(&self, shape: Shape, series: &str) -> bool {
        self.shape == shape && *self.series == *series
    }

    /// By how much a distribution is multiplied; `None` for what is none.
    fn scale(&self) -> Option<f64> {
        match (self.shape, &self.handle) {
            (Shape::Histogram, AnyHandle::Histogram(_)) => Some(1.0),
            (Shape::HistogramMs | Shape::Timer, AnyHandle::Histogram(_)) => Some(1_000.0),
            _ => None,
        }
    }

    /// An attribute that tells of the last while; what was not measured is no number, as in Kafka.
    fn recently(&self, now: Duration) -> Option<(&'static str, Value)> {
        let recent = || Some(self.recent.since(self.histogram()?.0));
        let (name, value) = match self.shape {
            Shape::AttributeRate(name) => {
                let windowed = self.windowed.as_ref()?;
                (name, windowed.rate(now, double(&self.handle)))
            }
            Shape::AttributeAvgMs(name) => (name, in_ms(recent()?.mean())),
            Shape::AttributeMaxMs(name) => {
                let recent = recent()?;
                (name, in_ms(recent.mean().map(|_| recent.range().1)))
            }
            _ => return None,
        };
        Some((name, Value::Double(value)))
    }

    fn histogram(&self) -> Option<(&Histogram, &Recent)> {
        match &self.handle {
            AnyHandle::Histogram(histogram) => Some((histogram, &self.recent)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
