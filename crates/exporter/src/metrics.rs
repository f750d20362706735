//! What the exporter says about itself.

use limpid_telemetry::{Text, buckets, families, metrics};

/// Most collectors with series of their own; collectors are wired in code, this is a backstop.
const COLLECTORS_MAX: usize = 128;
type CollectorName = Text<COLLECTORS_MAX>;

/// Most families on a page that are counted one by one.
const FAMILIES_MAX: usize = 1_000;
type FamilyName = Text<FAMILIES_MAX>;

metrics! {
    /// Counts of scrapes and collectors.
    pub(crate) struct ExporterMetrics {
        /// Whether the collector gave its samples at the last scrape.
        pub up: gauge { collector: CollectorName } = "limpid_collector_up";
        /// Age of the state that the collector read at the last scrape.
        pub age: float_gauge { collector: CollectorName } = "limpid_snapshot_age_seconds";
        /// Time that the collector took at the last scrape.
        pub seconds: float_gauge { collector: CollectorName } = "limpid_snapshot_seconds";
        /// Time to render the metrics page; scrapes within a second share one rendering.
        pub render: histogram[buckets::REQUEST_SECONDS] = "limpid_metrics_render_seconds"
    }
}

families! {
    /// Families that the page counts while it is written.
    pub(crate) mod families {
        /// Series of the family on this page.
        SERIES: gauge { family: FamilyName } = "limpid_series";
        /// Most series that a page may have (limpid.metrics.max.series).
        LIMIT: gauge = "limpid_series_limit";
        /// How far this page is cut down to its most series: 0 not at all, 1 lag by topic, 2 partitions only when unhealthy, 3 three quantiles, 4 whole families; 5 to 8 the same for families that alerts need.
        DEGRADED: gauge = "limpid_series_degraded";
    }
}
