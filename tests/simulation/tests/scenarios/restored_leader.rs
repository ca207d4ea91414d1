//! A leader that restarts with a shorter log than it had (openraft.md 8.1): is it a hazard, and is it gone?

use holdfast_raft::RaftSettings;
use holdfast_simulation::disk::Pace;
use holdfast_simulation::host::Loss;
use holdfast_simulation::invariants::{self, Invariants};
use holdfast_simulation::world::WorldOptions;

use crate::stage::{Stage, busy, play};

/// Enough to find it often; the first shows it.
const SEEDS: u64 = 20;

/// These forbid what leads to the hazard: a leader that leads again, and an entry that takes the name of another that it lost.
/// Without them a run goes on until two nodes have applied different entries, or somebody was told what is no more.
const CAUSES: [&str; 4] = ["leads once", "leader completeness", "monotone", "log matching"];

/// Who says that, and in which words.
const DIVERGENCE: [(&str, &str); 6] = [
    ("state is replay (INV-8)", "has applied"),
    ("same digests (INV-8)", ""),
    ("agreed time (INV-1)", "in another"),
    ("acknowledged stays (INV-10)", ""),
    ("revision replay", ""),
    ("linearizability", ""),
];

/// The leader's disk stands still while two followers sync what it sends them; it loses its power, and is back before
/// anybody has missed it.
fn restart_with_a_shorter_log(stage: &mut Stage) -> Result<(), String> {
    for _ in 0..3 {
        let leader = stage.leader()?;
        stage.world.hosts[leader].disk.slow_down(0, Pace::Stalled);
        stage.pass(150)?;
        stage.end(&[leader], Loss::Power);
        stage.world.hosts[leader].disk.mend();
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

/// As `played`, but nothing is said of a leader that leads again: only of what comes of it.
fn played_to_the_end(seed: u64) -> Result<(), String> {
    let raft = RaftSettings { restores_leader: true, ..RaftSettings::default() };
    play(WorldOptions { raft, ..busy(seed, 3) }, |stage| {
        let all = std::mem::replace(&mut stage.world.invariants, invariants::all());
        stage.world.invariants = CAUSES.into_iter().fold(all, Invariants::without);
        restart_with_a_shorter_log(stage)
    })
}

#[test]
fn a_leader_restored_without_an_election_leads_its_old_term_again() {
    let found = (1..=SEEDS).find_map(|seed| played(seed, true).err());
    let says = found.expect("it leads again");
    assert!(CAUSES.iter().any(|cause| says.starts_with(cause)), "{says}");
}

#[test]
fn and_two_nodes_then_apply_different_entries_of_one_index() {
    let is_divergence = |says: &String| {
        DIVERGENCE.iter().any(|(judge, words)| says.starts_with(judge) && says.contains(words))
    };
    let found = (1..=SEEDS).find_map(|seed| {
        let says = played_to_the_end(seed).err().filter(is_divergence)?;
        Some((seed, says))
    });
    let (seed, says) = found.expect("the hazard shows");
    println!("seed {seed}: {says}");
}

#[test]
fn a_restarted_leader_that_must_be_elected_loses_nothing() {
    for seed in 1..=SEEDS / 4 {
        let played = played(seed, false);
        assert!(played.is_ok(), "seed {seed}: {played:?}");
    }
}
