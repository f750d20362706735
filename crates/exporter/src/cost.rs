//! What a page costs: its series by family, and what the series budget would leave of it.

use std::collections::BTreeMap;

use limpid_cluster::ClusterSnapshot;
use limpid_telemetry::Kind;
use limpid_telemetry::collect::{FamilySamples, Head};

use crate::budget::Budget;

/// The series of a page in text form.
#[derive(Debug, Default)]
pub struct Cost {
    families: Vec<FamilySamples>,
    /// Histograms and summaries: name and number of series.
    compound: Vec<(String, usize)>,
}

/// A family, before and after the budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shed {
    /// Its name.
    pub family: String,
    /// Series that it has.
    pub before: usize,
    /// Series that are left.
    pub after: usize,
}

impl Cost {
    /// Reads a page of text 0.0.4. What is none of it is passed over.
    pub fn of(page: &str) -> Self {
        let mut cost = Cost::default();
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap_or((rest, ""));
                match kind {
                    "histogram" | "summary" => cost.compound.push((name.to_owned(), 0)),
                    _ => cost.families.push(family(name)),
                }
            } else if !line.starts_with('#') && !line.is_empty() {
                cost.add(line);
            }
        }
        cost
    }

    fn add(&mut self, line: &str) {
        let end = line.find(['{', ' ']).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        // A sample follows the type of its family.
        if let Some(family) = self.families.last_mut().filter(|f| f.head().name == name) {
            let labels = rest.rfind('}').map_or("", |at| &rest[..=at]);
            family.add_block(labels, 0.into());
        } else if let Some(compound) = self.compound.last_mut()
            && name.starts_with(compound.0.as_str())
        {
            compound.1 += 1;
        }
    }

    /// Families with their numbers of series, the largest first.
    pub fn families(&self) -> Vec<(String, usize)> {
        let mut all: Vec<(String, usize)> = self.counts().into_iter().collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        all
    }

    /// All series.
    pub fn series(&self) -> usize {
        self.counts().values().sum()
    }

    /// What a budget would leave out, the largest losses first, and in how many steps. Without a snapshot
    /// all partitions count as healthy.
    pub fn shed(
        mut self,
        budget: &Budget,
        snapshot: Option<&ClusterSnapshot>,
    ) -> (usize, Vec<Shed>) {
        let before = self.counts();
        let compound = std::mem::take(&mut self.compound);
        let names: Vec<(&str, usize)> = compound.iter().map(|(n, c)| (n.as_str(), *c)).collect();
        let fitted = budget.fit(&mut self.families, &names, snapshot);
        let kept = compound
            .iter()
            .filter(|(name, _)| !fitted.without.contains(name));
        self.compound = kept.cloned().collect();
        let after = self.counts();
        let shed = before.into_iter().map(|(family, before)| {
            let after = after.get(&family).copied().unwrap_or(0);
            Shed {
                family,
                before,
                after,
            }
        });
        let mut shed: Vec<Shed> = shed.filter(|shed| shed.after < shed.before).collect();
        let lost = |shed: &Shed| shed.before - shed.after;
        shed.sort_by(|a, b| lost(b).cmp(&lost(a)).then_with(|| a.family.cmp(&b.family)));
        (fitted.steps, shed)
    }

    fn counts(&self) -> BTreeMap<String, usize> {
        let plain = self
            .families
            .iter()
            .map(|f| (f.head().name.to_string(), f.len()));
        plain.chain(self.compound.iter().cloned()).collect()
    }
}

fn family(name: &str) -> FamilySamples {
    FamilySamples::new(Head {
        name: name.to_owned().into(),
        help: "".into(),
        kind: Kind::Untyped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::{Size, Synthetic};
    use crate::{Exporter, Format};

    #[test]
    fn a_page_is_counted_and_cut_down() {
        let page = "# HELP a A.\n# TYPE a gauge\na{x=\"}\\\" 1\"} 1\na 2\n\
            # HELP h H.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n\
            # TYPE b counter\nb{group=\"g\",topic=\"t\",partition=\"0\"} 1\n\
            b{group=\"g\",topic=\"t\",partition=\"1\"} 1\n";
        let cost = Cost::of(page);
        let expected = [("h", 3), ("a", 2), ("b", 2)].map(|(n, c)| (n.to_owned(), c));
        assert_eq!(cost.families(), expected);
        assert_eq!(cost.series(), 7);
        // Three families have a line each that counts them.
        assert_eq!(
            Cost::of(page).shed(&Budget::new(10, []), None),
            (0, Vec::new())
        );
        let (steps, shed) = Cost::of(page).shed(&Budget::new(9, []), None);
        let by_topic = Shed {
            family: "b".to_owned(),
            before: 2,
            after: 1,
        };
        assert_eq!((steps, shed), (1, vec![by_topic]));
        let (steps, shed) = Cost::of(page).shed(&Budget::new(5, []), None);
        assert_eq!((steps, shed[0].family.as_str()), (4, "h"));
    }

    #[test]
    fn a_rendered_page_is_read_to_its_last_series() {
        let size = Size {
            topics: 3,
            partitions: 20,
            groups: 2,
            partitions_per_group: 10,
        };
        let exporter = Exporter::new(limpid_telemetry::Registry::new()).unwrap();
        exporter.add_cluster(Synthetic::new(size, 1_000));
        let page = exporter.render(Format::Text);
        let samples = page.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(Cost::of(&page).series(), samples);
    }
}
