//! Waiting while too many files wait for the disk: a log that is written to keeps its file open until it is
//! synced, and there are only so many descriptors (see `storage::open_files`).

use std::time::Duration;

use limpid_storage::PartitionLog;
use limpid_telemetry::Stage;
use tokio::time::{Instant, sleep};

use crate::handler::Call;
use crate::turns::Turn;

/// Logs are being synced, which takes milliseconds to a second.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// After that the producer is told to try again. Clients wait three times as long.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Waits until the log may be appended to, or for so long that it is better refused. Nothing is computed
/// meanwhile, so others may have the turn, the place, and the thread aside until the wait is over.
pub(super) async fn wait<'t>(
    log: &PartitionLog,
    (place, turn): (&mut Option<Turn<'t>>, &mut Option<Turn<'t>>),
    call: &mut Call<'t>,
) {
    drop((place.take(), turn.take()));
    let since = Instant::now();
    while !log.has_room() && since.elapsed() < WAIT_MAX {
        let was_aside = call.step_back().await;
        call.clock.enter(Stage::Remote);
        while !log.has_room() && since.elapsed() < WAIT_MAX {
            sleep(LOOK_EVERY).await;
        }
        call.clock.enter(Stage::LocalAppend);
        if was_aside {
            call.step_aside().await;
        }
    }
    log.waited_for_room(since.elapsed());
}
