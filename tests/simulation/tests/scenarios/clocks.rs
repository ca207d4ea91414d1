//! Clocks that are a day off.

use holdfast_raft::WallClock as _;

use crate::stage::{busy, goes_well};

const DAY_MS: i64 = 86_400_000;

/// One node's clock steps; agreed time follows the others.
fn step(seed: u64, offset_ms: i64, is_leader: bool) {
    goes_well(busy(seed, 5), move |stage| {
        let host = if is_leader { stage.leader()? } else { stage.followers()?[1] };
        stage.world.hosts[host].plan.clock.set_offset(offset_ms);
        stage.pass(6000)?;
        // It leads for a while with that clock.
        stage.until("calls are done", 3000, |world| world.leader().is_some())?;
        let right_ms = stage.world.hosts[(host + 1) % 5].plan.clock.now_ms();
        let times = stage.world.seen.running().map(|(_, _, running)| running.state.now.0);
        for now_ms in times.filter(|now_ms| *now_ms > 0) {
            assert!(now_ms.abs_diff(right_ms) < 5000, "agreed time is {now_ms}, the right one {right_ms}");
        }
        stage.world.hosts[host].plan.clock.set_offset(0);
        stage.pass(3000)
    });
}

#[test]
fn a_leader_whose_clock_is_a_day_ahead_takes_nobody_along() {
    step(1, DAY_MS, true);
}

#[test]
fn a_leader_whose_clock_is_a_day_behind_holds_nobody_back() {
    step(2, -DAY_MS, true);
}

#[test]
fn a_followers_clock_is_nobody_elses_business() {
    step(3, DAY_MS, false);
    step(4, -DAY_MS, false);
}
