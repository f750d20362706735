//! The families that a broker has, by the documentation that is made from it.

use std::collections::{BTreeMap, BTreeSet};

use limpid_exporter::JMX_EXPORTER;
use limpid_exporter::jmx::{Rules, named};

const DECLARED: &str = include_str!("../../../docs/METRICS.md");
const RULED: &str = include_str!("../../../docs/dialects.md");
/// Series of a histogram behind the name of its family.
const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];
/// Percentiles of a distribution.
const PERCENTILES: [&str; 6] = ["50", "75", "95", "98", "99", "999"];

/// What is known of one family.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Family {
    /// Names of its labels.
    pub labels: BTreeSet<String>,
    /// Who speaks it; nobody means that it is always there.
    pub dialects: BTreeSet<String>,
    is_histogram: bool,
}

/// All families by name.
#[derive(Debug)]
pub struct Families {
    all: BTreeMap<String, Family>,
}

impl Families {
    /// Those of this version.
    pub fn of_limpid() -> Self {
        let mut all = BTreeMap::new();
        for cells in rows(DECLARED) {
            if let [name, kind, dialect, labels, ..] = &cells[..] {
                add(&mut all, name, (kind, labels), dialect);
            }
        }
        for cells in rows(RULED) {
            if let [name, kind, labels, _, dialects] = &cells[..] {
                add(&mut all, name, (kind, labels), dialects);
            }
        }
        Self { all }
    }

    /// Adds what rules of the user's own make of our MBeans.
    pub fn add_rules(&mut self, rules: &Rules) {
        for (bean, attributes) in beans() {
            for (name, labels) in named(rules, &bean, &attributes) {
                let family = self.all.entry(name).or_default();
                family.labels.extend(labels);
                family.dialects.insert(JMX_EXPORTER.to_owned());
            }
        }
    }

    /// Adds names that rules record.
    pub fn add_recorded(&mut self, name: &str) {
        self.all.entry(name.to_owned()).or_default();
    }

    /// The family that a series of this name belongs to.
    pub fn find(&self, series: &str) -> Option<&Family> {
        let whole = |suffix: &&str| self.all.get(series.strip_suffix(*suffix)?);
        let histogram = PARTS.iter().find_map(whole).filter(|f| f.is_histogram);
        self.all.get(series).or(histogram)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(String::as_str)
    }
}

fn add(
    all: &mut BTreeMap<String, Family>,
    name: &str,
    (kind, labels): (&str, &str),
    dialects: &str,
) {
    let family = all.entry(name.to_owned()).or_default();
    let names = words(labels).map(|label| label.split('(').next().unwrap_or(label));
    family.labels.extend(names.map(str::to_owned));
    family.dialects.extend(words(dialects).map(str::to_owned));
    family.is_histogram |= kind == "histogram";
    if family.is_histogram {
        family.labels.insert("le".to_owned());
    }
}

/// Of a list with commas.
fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

/// The cells of rows that begin with a family.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter_map(|line| {
        let cells = line.strip_prefix('|')?.strip_suffix('|')?.split('|');
        let mut cells: Vec<&str> = cells.map(str::trim).collect();
        cells[0] = cells[0].strip_prefix('`')?.strip_suffix('`')?;
        Some(cells)
    })
}

/// Our MBeans with their attributes, as the documentation names them.
fn beans() -> BTreeMap<String, BTreeSet<String>> {
    let mut beans = BTreeMap::<String, BTreeSet<String>>::new();
    for cells in rows(RULED) {
        let [_, _, _, of, _] = &cells[..] else {
            continue;
        };
        for bean in of.split("<br>").map(|bean| bean.trim_matches('`')) {
            let Some((name, attribute)) = bean.rsplit_once(' ') else {
                continue;
            };
            // Patterns of values may not match a brace.
            let name = name.replace(['{', '}'], "");
            let attributes = beans.entry(name).or_default();
            match attribute.strip_prefix('*') {
                None => drop(attributes.insert(attribute.to_owned())),
                Some(of) => attributes.extend(PERCENTILES.map(|digits| format!("{digits}{of}"))),
            }
        }
    }
    beans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_have_their_labels_and_dialects() {
        let families = Families::of_limpid();
        let lag = families.find("kafka_consumergroup_lag").unwrap();
        assert!(lag.labels.contains("consumergroup") && lag.dialects.contains("kafka_exporter"));
        let size = families.find("kafka_log_log_size").unwrap();
        assert_eq!(
            size.labels,
            ["partition", "topic"].map(str::to_owned).into()
        );
        assert_eq!(size.dialects.len(), 3);
        let own = families.find("limpid_request_seconds_bucket").unwrap();
        assert!(own.dialects.is_empty() && own.labels.contains("le"));
        assert!(families.find("limpid_request_seconds_total").is_none());
        assert!(families.find("kafka_consumergroup_lag_count").is_none());
    }

    #[test]
    fn rules_of_the_user_add_theirs() {
        let mut families = Families::of_limpid();
        let yaml = r#"rules: [{pattern: 'kafka.server<type=(.+), name=(.+)PerSec, topic=(.+)><>OneMinuteRate',
            name: 'my_$1_$2', labels: {topic: '$3'}}, {pattern: 'kafka.log<(.+)>Value', name: 'log'}]"#;
        families.add_rules(&Rules::read(yaml).unwrap());
        assert!(
            families.find("my_BrokerTopicMetrics_BytesIn").is_none(),
            "not documented"
        );
        assert!(
            families
                .find("log")
                .unwrap()
                .dialects
                .contains(JMX_EXPORTER)
        );
    }
}
