//! Snapshots that are installed while everybody writes.

use std::path::Path;

use holdfast_raft::RaftSettings;
use holdfast_simulation::disk::Pace;
use holdfast_simulation::host::Loss;
use holdfast_simulation::world::WorldOptions;

use crate::stage::{busy, goes_well};

#[test]
fn a_snapshot_that_is_installed_while_everybody_writes_loses_nothing() {
    let raft =
        RaftSettings { snapshot_entries: 15, keep_entries: 1, purge_batch: 1, ..RaftSettings::default() };
    goes_well(WorldOptions { raft, ..busy(1, 5) }, |stage| {
        for round in 0..5 {
            let follower = stage.followers()?[round % 4];
            let before =
                stage.world.seen.nodes.values().filter_map(|node| node.running.as_ref()?.log.purged).max();
            stage.end(&[follower], if round % 2 == 0 { Loss::Power } else { Loss::Process });
            stage.until("the log is purged behind it", 10_000, move |world| {
                let purged = world.seen.nodes.values().filter_map(|node| node.running.as_ref()?.log.purged);
                purged.max().map(|id| id.index) > before.map(|id| id.index + 30)
            })?;
            stage.start(&[follower]);
            stage.until("it has installed one", 10_000, move |world| {
                let id = world.id_of(follower);
                let node = id.and_then(|id| world.seen.nodes.get(&id)?.running.as_ref());
                node.is_some_and(|running| running.snapshot.map(|id| id.index) > before.map(|id| id.index))
            })?;
            // And is interrupted right then, every other time.
            if round % 2 == 1 {
                stage.end(&[follower], Loss::Power);
                stage.pass(50)?;
                stage.start(&[follower]);
            }
        }
        Ok(())
    });
}

/// Others had synced what it applied, and its rows were on the disk before its own log and its next snapshot were.
#[test]
fn a_node_whose_rows_are_ahead_of_its_log_and_of_its_snapshot_comes_back() {
    for seed in 1..=4 {
        let raft =
            RaftSettings { snapshot_entries: 15, keep_entries: 1, purge_batch: 1, ..RaftSettings::default() };
        goes_well(WorldOptions { raft, ..busy(seed, 5) }, |stage| {
            let follower = stage.followers()?[0];
            stage.world.hosts[follower].disk.slow_down(0, Pace::Syncs(1..=400));
            // The index whose rows are being written, and the one whose rows were.
            let (mut writing, mut written) = (None, None);
            stage.until("its rows are ahead of its log and its snapshot", 30_000, move |world| {
                let id = world.id_of(follower);
                let node = id.and_then(|id| world.seen.nodes.get(&id)?.running.as_ref());
                let Some(running) = node else { return false };
                let files = world.hosts[follower].disk.handle().files();
                let is_image = |path: &Path| path.starts_with("/data/state") && path.ends_with("image.new");
                match (files.iter().any(|(path, _)| is_image(path)), writing) {
                    (true, None) => writing = running.state.applied.map(|id| id.index),
                    (false, Some(_)) => written = writing.take(),
                    (true, Some(_)) | (false, None) => (),
                }
                let [on_disk, snapshot] =
                    [running.log.on_disk, running.snapshot].map(|id| id.map(|id| id.index));
                snapshot.is_some() && written > snapshot && written > on_disk
            })?;
            stage.end(&[follower], Loss::Power);
            stage.start(&[follower]);
            stage.world.hosts[follower].disk.mend();
            stage.pass(2000)
        });
    }
}
