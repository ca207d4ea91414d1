//! A leader that restarts with a shorter log than it had (openraft.md 8.1): is it a hazard, and is it gone?

use holdfast_raft::RaftSettings;
use holdfast_simulation::disk::Pace;
use holdfast_simulation::host::Loss;
use holdfast_simulation::world::WorldOptions;

use crate::stage::{Stage, busy, play};

/// Enough to find it often; the first shows it.
const SEEDS: u64 = 20;

/// The leader's disk stands still while two followers sync what it sends them; it loses its power, and is back before
/// anybody has missed it.
fn restart_with_a_shorter_log(stage: &mut Stage) -> Result<(), String> {
    for _ in 0..3 {
        let leader = stage.leader()?;
        stage.world.hosts[leader].disk.set_pace(Pace::Stalled);
        stage.pass(150)?;
        stage.end(&[leader], Loss::Power);
        stage.world.hosts[leader].disk.set_pace(Pace::USUAL);
        stage.pass(5)?;
        stage.start(&[leader]);
        stage.pass(3000)?;
    }
    Ok(())
}

fn played(seed: u64, restores_leader: bool) -> Result<(), String> {
    let raft = RaftSettings { restores_leader, ..RaftSettings::default() };
    play(WorldOptions { raft, ..busy(seed, 3) }, restart_with_a_shorter_log)
}

#[test]
fn a_leader_restored_without_an_election_contradicts_what_was_committed() {
    let found = (1..=SEEDS).find_map(|seed| played(seed, true).err());
    let says = found.expect("the hazard shows");
    let is_it =
        ["committed stays", "log matching", "same digests", "leads once", "monotone", "leader completeness"]
            .iter()
            .any(|invariant| says.starts_with(invariant));
    assert!(is_it, "{says}");
    println!("{says}");
}

#[test]
fn a_restarted_leader_that_must_be_elected_loses_nothing() {
    for seed in 1..=SEEDS / 4 {
        let played = played(seed, false);
        assert!(played.is_ok(), "seed {seed}: {played:?}");
    }
}
