//! Decides when to take a snapshot: after so many entries, or when the log has grown to so many bytes. openraft purges
//! the log behind it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::runtime::spawn;
use crate::settings::RaftSettings;
use crate::store::Progress;
use crate::types::Raft;
use crate::watch::metrics;

/// How often the log is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Bytes of the log's live entries.
pub(crate) type LogBytes = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Takes snapshots for as long as the node runs.
pub(crate) fn start(
    raft: Raft,
    settings: RaftSettings,
    log_bytes: LogBytes,
    mut progress: watch::Receiver<Progress>,
) {
    drop(spawn(async move {
        loop {
            let applied = progress.borrow_and_update().applied.unwrap_or(0);
            let taken = metrics(&raft).snapshot.map_or(0, |id| id.index);
            let is_due = applied.saturating_sub(taken) >= settings.snapshot_entries
                || (log_bytes() >= settings.snapshot_log_bytes && applied > taken);
            if is_due && raft.trigger().snapshot().await.is_err() {
                return;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
            if progress.changed().await.is_err() {
                return;
            }
        }
    }));
}
