//! Pages of the console, of the cluster that scrapes are of, with 15 minutes behind it.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use limpid_access::Visitor;
use limpid_cluster::ClusterSnapshot;
use limpid_console::{Faces, Still};
use limpid_exporter::synthetic::{Synthetic, cluster};
use limpid_telemetry::Registry;

use crate::{Case, Meter, NOW_MS, SIZE, World, measured};

/// What each page is called, and how it is asked for.
const PAGES: [(&str, &str); 5] = [
    ("page overview", "of=overview"),
    ("page topics", "of=topics"),
    ("page topic", "of=topic&name=topic-00001"),
    ("page groups", "of=groups"),
    ("page group", "of=group&id=group-00001"),
];
/// How far back the trends go.
const SECONDS: i64 = 900;
/// Seconds between two looks that become points.
const STEP: usize = 5;
/// No page is shorter.
const PAGE_BYTES_MIN: usize = 4_096;

/// The console and who asks it.
pub struct Console {
    still: Still,
    visitor: Visitor,
}

impl Console {
    /// Time stands still in it.
    pub fn new() -> Self {
        let source = Synthetic::new(SIZE, NOW_MS);
        source.show(at(0));
        let faces = Faces {
            source,
            registry: Registry::new(),
            browsers: None,
            values: None,
            node: None,
            admins: None,
            login: false,
            provider: None,
            base: String::new(),
        };
        let past = (1 - SECONDS..=0).step_by(STEP).map(at);
        Self {
            still: Still::new(faces, || NOW_MS, past),
            visitor: Visitor::local(),
        }
    }
}

/// The cluster so many seconds later: some hundred records were written to each partition in each of them.
fn at(second: i64) -> ClusterSnapshot {
    let mut snapshot = cluster(SIZE, NOW_MS + second * 1_000);
    for (number, topic) in snapshot.topics.iter_mut().enumerate() {
        let topic = Arc::make_mut(topic);
        let records = i64::try_from(number).unwrap_or(0) * 10 + second % 60;
        for partition in &mut topic.partitions {
            partition.high_watermark += second * 100 + records;
            partition.last_stable_offset = partition.high_watermark;
        }
    }
    snapshot
}

impl World for Console {
    fn cases(&self) -> Vec<Case> {
        let case = |(name, _): &(&str, _)| Case {
            name: (*name).to_owned(),
            warm: 2,
            weight: 40,
        };
        PAGES.iter().map(case).collect()
    }

    fn run(&mut self, case: usize, rounds: usize, meter: Option<&Arc<dyn Meter>>) -> Result<()> {
        let (name, query) = PAGES[case];
        for _ in 0..rounds {
            let mut page = None;
            measured(meter, &mut || page = self.still.page(query, &self.visitor));
            let page = page.with_context(|| format!("there is no {name}"))?;
            let bytes = page.len();
            ensure!(bytes >= PAGE_BYTES_MIN, "only {bytes} bytes of {name}");
        }
        Ok(())
    }
}
