//! Leaders that half of the world does not hear, or cannot be heard by.

use crate::stage::{busy, goes_well};

/// Cuts the leader off in one direction; another must lead, and nobody may be told anything wrong.
fn cut_off(seed: u64, is_deaf: bool) {
    goes_well(busy(seed, 5), move |stage| {
        for _ in 0..2 {
            let leader = stage.leader()?;
            let others = (0..5).filter(|other| *other != leader);
            let ways: Vec<(usize, usize)> =
                others.map(|other| if is_deaf { (other, leader) } else { (leader, other) }).collect();
            stage.set_cut(&ways, true);
            stage.until("another leads", 10_000, move |world| {
                world.leader().is_some_and(|other| other != leader)
            })?;
            let before = stage.done();
            stage.until("calls are done", 8000, move |world| {
                world.recorder.counts().answers.get("done").copied().unwrap_or(0) > before + 10
            })?;
            stage.set_cut(&ways, false);
            stage.pass(2000)?;
        }
        Ok(())
    });
}

#[test]
fn a_leader_that_hears_nobody_is_replaced() {
    cut_off(1, true);
}

#[test]
fn a_leader_that_nobody_hears_is_replaced() {
    cut_off(2, false);
}
