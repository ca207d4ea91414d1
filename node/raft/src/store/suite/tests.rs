//! The suite over what this crate may know of: files and sorted maps, on the real disk and on the simulated one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_storage::files::RealFiles;
use holdfast_storage::simulated::SimulatedDisk;
use holdfast_storage::sorted_map::SortedMaps;

use super::*;
use crate::runtime::Placement;

fn real() -> Place<RealFiles> {
    let dir = tempfile::tempdir().unwrap();
    Place {
        files: RealFiles,
        dir: dir.path().join("data"),
        opener: Arc::new(SortedMaps(RealFiles)),
        placement: Placement::OwnThreads,
        guard: Box::new(dir),
    }
}

fn simulated(seed: u64) -> Place<SimulatedDisk> {
    let files = SimulatedDisk::new(seed);
    Place {
        files: files.clone(),
        dir: "/data".into(),
        opener: Arc::new(SortedMaps(files)),
        placement: Placement::Tasks,
        guard: Box::new(()),
    }
}

async fn check<F: Files>(disk: &str, new_place: Placing<F>) {
    let tests = run_openraft_suite(new_place).await.unwrap();
    println!("{tests} tests of openraft's store suite passed over {disk}");
}

#[tokio::test(start_paused = true)]
async fn openrafts_suite_passes_over_the_real_disk() {
    check("the real disk", Box::new(real)).await;
}

#[tokio::test(start_paused = true)]
async fn openrafts_suite_passes_over_the_simulated_disk() {
    let seeds = AtomicU64::new(0);
    check("the simulated disk", Box::new(move || simulated(seeds.fetch_add(1, Ordering::Relaxed)))).await;
}
