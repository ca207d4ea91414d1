//! Snapshots that are installed while everybody writes.

use holdfast_raft::RaftSettings;
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
