//! Kafka's MBeans under the names that jmx_exporter's rules give them: Strimzi's, Confluent's, or the
//! user's own.
//!
//! A rule is held against an attribute once, when its bean is seen for the first time; what came out is
//! remembered as long as the bean is there. Several sets of rules share names: each series is written
//! once.

use std::sync::Arc;

use limpid_telemetry::mbeans::{MBeans, ObjectName, Value};
use limpid_telemetry::{CollectError, Collector, Declaration, Samples};

mod naming;
mod rules;
mod set;

use naming::Reading;
pub use rules::{Rules, RulesError};
use set::Families;
pub use set::RuleSet;

/// The names of Strimzi's metrics and of jmx_exporter's own example for Kafka.
pub fn strimzi() -> Rules {
    Rules::built_in(include_str!("jmx/strimzi.yml"))
}

/// The names of Confluent's metrics.
pub fn confluent() -> Rules {
    Rules::built_in(include_str!("jmx/confluent.yml"))
}

/// The names of Strimzi's Metrics Reporter.
pub fn strimzi_reporter() -> Rules {
    Rules::built_in(include_str!("jmx/strimzi_reporter.yml"))
}

/// The families that rules make of numbers that a bean has, with their labels.
pub fn named<'a>(
    rules: &Rules,
    bean: &str,
    attributes: impl IntoIterator<Item = &'a String>,
) -> Vec<(String, Vec<String>)> {
    let bean = ObjectName::parse(bean)
        .ok()
        .filter(|name| rules.covers(name));
    let Some(bean) = bean else {
        return Vec::new();
    };
    let family = |attribute: &'a String| {
        let reading = Reading {
            attribute,
            item: None,
            value: &Value::Long(1),
        };
        let is_left_out = rules.leaves_out(&bean, attribute);
        let named = rules.name(&bean, reading).filter(|_| !is_left_out)?;
        Some((named.name, named.label_names))
    };
    attributes.into_iter().filter_map(family).collect()
}

/// Beans under the names that sets of rules give them.
pub struct JmxNames {
    name: &'static str,
    beans: Arc<MBeans>,
    sets: Vec<Arc<RuleSet>>,
}

impl JmxNames {
    /// A collector of this name that applies these rules to these beans.
    pub fn new(name: &'static str, beans: Arc<MBeans>, sets: Vec<Arc<RuleSet>>) -> Self {
        Self { name, beans, sets }
    }
}

impl Collector for JmxNames {
    fn name(&self) -> &'static str {
        self.name
    }

    fn families(&self) -> &'static [&'static Declaration] {
        &[] // the rules tell
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        let beans = self.beans.view();
        let mut page = Families::default();
        for set in &self.sets {
            set.apply(&beans, &mut page);
        }
        page.write(out);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
