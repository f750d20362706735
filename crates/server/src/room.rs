//! A start on a disk without room: it takes back the reserve, and then waits for somebody to make some.
//! Pages are there already and tell so; a full disk is not a fault.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use limpid_broker::source::EmbeddedCluster;
use limpid_cluster::ReadinessState;
use limpid_storage::LogManager;

use crate::error::StartError;

/// How often the work is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Work that needs room in the directory of the metadata.
pub(crate) struct Room {
    pub(crate) logs: Arc<LogManager>,
    pub(crate) cluster: Arc<EmbeddedCluster>,
    pub(crate) dir: PathBuf,
}

impl Room {
    /// Does `work` as often as it fails for want of room. Blocking; the first signal ends the process
    /// meanwhile.
    pub(crate) fn with<T>(
        &self,
        mut work: impl FnMut() -> Result<T, StartError>,
    ) -> Result<T, StartError> {
        let mut is_told = false;
        loop {
            match work() {
                Err(error) if error.is_disk_full() => {
                    if self.logs.give_reserve_back(&self.dir) {
                        continue;
                    }
                    if !std::mem::replace(&mut is_told, true) {
                        self.tell(&error);
                    }
                    std::thread::park_timeout(RETRY);
                }
                done => return done,
            }
        }
    }

    fn tell(&self, error: &StartError) {
        let dir = self.dir.display();
        let reason = format!("the disk of {dir} is full: the start goes on when there is room");
        tracing::error!(dir = %dir, %error, "disk full: the start waits for room");
        self.cluster
            .set_readiness(ReadinessState::Starting, vec![reason]);
    }
}
