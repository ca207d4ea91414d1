//! Decides when to take a snapshot: after so many entries, or when so many bytes of them were written since the last one.
//! openraft purges the log behind it.

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

/// Bytes of entries that the log held when it was opened, and of what was written since.
pub(crate) type BytesWritten = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Takes snapshots for as long as the node runs.
pub(crate) fn start(
    raft: Raft,
    settings: RaftSettings,
    written: BytesWritten,
    mut progress: watch::Receiver<Progress>,
) {
    let mut last = Last::default();
    drop(spawn(async move {
        loop {
            let applied = progress.borrow_and_update().applied.unwrap_or(0);
            let taken = metrics(&raft).snapshot.map_or(0, |id| id.index);
            let is_due = last.is_old(&settings, Seen { applied, taken, written: written() });
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

/// What a look at the log shows.
struct Seen {
    /// The last applied index.
    applied: u64,
    /// The last index of the newest snapshot.
    taken: u64,
    /// Bytes written so far.
    written: u64,
}

/// The newest snapshot.
#[derive(Default)]
struct Last {
    taken: u64,
    /// Bytes that had been written when it was first seen. Not the log's size: what is kept behind a snapshot for
    /// followers may be larger than the limit, and no snapshot makes it smaller.
    written: u64,
}

impl Last {
    /// Whether another one is due.
    fn is_old(&mut self, settings: &RaftSettings, seen: Seen) -> bool {
        let Seen { applied, taken, written } = seen;
        if taken != self.taken {
            *self = Self { taken, written };
        }
        applied.saturating_sub(taken) >= settings.snapshot_entries
            || (written.saturating_sub(self.written) >= settings.snapshot_log_bytes && applied > taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_due_after_so_many_entries_or_bytes_since_the_last_one() {
        let settings =
            RaftSettings { snapshot_entries: 100, snapshot_log_bytes: 1000, ..RaftSettings::default() };
        let mut last = Last::default();
        let mut is_due = |applied, taken, written| last.is_old(&settings, Seen { applied, taken, written });
        assert!(!is_due(99, 0, 999));
        assert!(is_due(100, 0, 999));
        assert!(is_due(99, 0, 1000));
        // It was taken. However many bytes are kept behind it, the next one is not due at once.
        assert!(!is_due(100, 99, 1100));
        assert!(!is_due(150, 99, 2099));
        assert!(is_due(151, 99, 2100));
        assert!(!is_due(151, 151, 9000), "there is nothing new in it");
    }
}
