//! Those who watch, when what they missed is long ago.

use crate::stage::{busy, goes_well};

/// A little more than what happened on one day is kept.
const DAY_MS: i64 = 25 * 3_600_000;

#[test]
fn who_is_two_days_behind_is_told_so_and_whoever_is_not_misses_nothing() {
    goes_well(busy(41, 3), |stage| {
        stage.pass(4000)?;
        // Answers are forgotten, too: nobody may be asking again for one by then.
        stage.world.load.rest(true);
        stage.pass(10_000)?;
        for days in 1..=2 {
            assert_eq!(stage.world.watched.refused(), [], "everything is kept so far");
            for host in &stage.world.hosts {
                host.plan.clock.set_offset(days * DAY_MS);
            }
            stage.pass(3000)?;
        }
        stage.until("somebody is refused", 60_000, |world| !world.watched.refused().is_empty())?;
        stage.world.load.rest(false);
        Ok(())
    });
}
