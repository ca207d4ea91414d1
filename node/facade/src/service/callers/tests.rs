//! What somebody's row says counts more than what was remembered of him, and a late clock frees nobody.

use super::*;
use crate::stage::{MIA, Stage};

fn mia(role: Role, token_version: u32) -> Caller {
    Caller { user: MIA, role, token_version }
}

#[test]
fn a_caller_is_what_the_rows_say() {
    let mut stage = Stage::new();
    stage.change_role(MIA, Role::Staff);
    assert_eq!(mia(Role::Guest, 0).seen_in(stage.rows()), Ok(mia(Role::Staff, 0)));
    stage.change_role(MIA, Role::Guest);
    assert_eq!(mia(Role::Staff, 0).seen_in(stage.rows()), Ok(mia(Role::Guest, 0)));
}

#[test]
fn a_token_of_another_version_and_a_user_who_is_not_there_are_nobody() {
    let stage = Stage::new();
    let nobody = Caller { user: UserId(99), ..mia(Role::Guest, 0) };
    for caller in [mia(Role::Guest, 1), nobody] {
        assert_eq!(caller.seen_in(stage.rows()).unwrap_err().status, 401, "{caller:?}");
    }
}

#[test]
fn the_wall_clock_counts_until_the_agreed_time_is_known_and_only_if_it_is_later() {
    struct At(u64);

    impl WallClock for At {
        fn now_ms(&self) -> u64 {
            self.0
        }
    }

    let judged_by = |is_recovered, wall| time_to_judge_by(is_recovered, Timestamp(1000), &At(wall)).0;
    assert_eq!((judged_by(false, 5000), judged_by(false, 7)), (5000, 1000));
    assert_eq!((judged_by(true, 5000), judged_by(true, 7)), (1000, 1000));
}
