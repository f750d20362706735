//! A scrape in each dialect, of a cluster that nobody runs.

use std::sync::Arc;

use anyhow::{Result, ensure};
use limpid_exporter::synthetic::Synthetic;
use limpid_exporter::{DIALECTS, Exporter, Format};
use limpid_telemetry::Registry;

use crate::{Case, Meter, NOW_MS, SIZE, World, measured};

/// An exporter for each kind of page.
pub struct Scrapes {
    all: Vec<Scrape>,
}

struct Scrape {
    name: String,
    exporter: Arc<Exporter>,
    format: Format,
}

impl Scrapes {
    /// Of the same cluster.
    pub fn new() -> Result<Self> {
        let scrape = |name: String, dialects: &[&str], format| {
            let exporter = Exporter::new(Registry::new())?;
            exporter.add_cluster_with(Synthetic::new(SIZE, NOW_MS), dialects)?;
            anyhow::Ok(Scrape {
                name,
                exporter,
                format,
            })
        };
        let mut all = vec![
            scrape("scrape".to_owned(), &[], Format::Text)?,
            scrape("scrape OpenMetrics".to_owned(), &[], Format::OpenMetrics)?,
        ];
        for dialect in DIALECTS {
            all.push(scrape(
                format!("scrape {dialect}"),
                &[*dialect],
                Format::Text,
            )?);
        }
        Ok(Self { all })
    }
}

impl World for Scrapes {
    fn cases(&self) -> Vec<Case> {
        let case = |scrape: &Scrape| Case {
            name: scrape.name.clone(),
            warm: 2,
            weight: 40,
        };
        self.all.iter().map(case).collect()
    }

    fn run(&mut self, case: usize, rounds: usize, meter: Option<&Arc<dyn Meter>>) -> Result<()> {
        let Scrape {
            name,
            exporter,
            format,
        } = &self.all[case];
        for _ in 0..rounds {
            let mut page = String::new();
            measured(meter, &mut || page = exporter.render(*format));
            ensure!(!page.is_empty(), "nothing in {name}");
        }
        Ok(())
    }
}
