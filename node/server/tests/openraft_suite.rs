//! openraft's own tests of a store, over what a node runs on: our log on the real disk, and rows in RocksDB.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::sync::Arc;

use holdfast_engine::{RocksDb, Tuning};
use holdfast_raft::Placement;
use holdfast_raft::suite::{Place, SUITE_TESTS, run_openraft_suite};
use holdfast_storage::files::RealFiles;

/// So small that no test of the suite takes more memory than its rows.
const TUNING: Tuning = Tuning { memtable_bytes: 64 << 10, block_cache_bytes: 1 << 20 };

fn place() -> Place<RealFiles> {
    let dir = tempfile::tempdir().unwrap();
    Place {
        files: RealFiles,
        dir: dir.path().join("data"),
        opener: Arc::new(RocksDb { tuning: TUNING }),
        placement: Placement::OwnThreads,
        guard: Box::new(dir),
    }
}

// Some of its tests sleep.
#[tokio::test(start_paused = true)]
async fn openrafts_suite_passes_over_rocksdb() {
    assert_eq!(run_openraft_suite(Box::new(place)).await, Ok(SUITE_TESTS));
}
