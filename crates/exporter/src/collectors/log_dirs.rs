//! Log directories: the disk below them and what a power cut now would cost.

use std::sync::Arc;

use limpid_cluster::ClusterSource;
use limpid_telemetry::{CollectError, Collector, Declaration, Samples, Text};

/// Declared maximum of log directories; the configuration lists them.
type Dir = Text<128>;

limpid_telemetry::families! {
    /// Families of the collector.
    pub mod families {
        /// Bytes of the file system below the log directory.
        TOTAL: gauge { dir: Dir } = "limpid_log_dir_total_bytes";
        /// Bytes still free on the file system below the log directory.
        FREE: gauge { dir: Dir } = "limpid_log_dir_free_bytes";
        /// 1 if the log directory is in use, 0 if it was taken offline after a fault.
        ONLINE: gauge { dir: Dir } = "limpid_log_dir_online";
        /// Acknowledged bytes that a power cut now would cost.
        UNFLUSHED_BYTES: gauge { dir: Dir } = "limpid_log_unflushed_bytes";
        /// Age of the oldest acknowledged bytes that a power cut now would cost.
        UNFLUSHED_SECONDS: float_gauge { dir: Dir } = "limpid_log_unflushed_seconds";
    }
}

/// See the module.
pub struct LogDirs {
    source: Arc<dyn ClusterSource>,
}

impl LogDirs {
    /// For this cluster.
    pub fn new(source: Arc<dyn ClusterSource>) -> Self {
        LogDirs { source }
    }
}

impl Collector for LogDirs {
    fn name(&self) -> &'static str {
        "log_dirs"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        let snapshot = super::snapshot(&self.source, out)?;
        for dir in &snapshot.log_dirs {
            let labels = [dir.path.as_str()];
            out.family(&families::TOTAL).add(&labels, dir.total_bytes);
            out.family(&families::FREE).add(&labels, dir.free_bytes);
            out.family(&families::ONLINE).add(&labels, dir.online);
            out.family(&families::UNFLUSHED_BYTES)
                .add(&labels, dir.unflushed_bytes);
            out.family(&families::UNFLUSHED_SECONDS)
                .add(&labels, dir.unflushed_seconds);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
