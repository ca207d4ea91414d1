//! Who is released, when, and who decides.

use expect_test::expect;

use crate::transcript::check;

#[test]
fn who_does_not_come_is_released_at_the_end_unless_a_grace_was_decided() {
    check(
        "
        at 0 adopt
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=2
        at 0 tick
        at 1 mia books slot:1
        at 1 tom books slot:1
        at 1001 sam checks in booking:1
        at 1999 tick
        at 2000 tick
        at 2000 look slot:1
        at 2000 tom cancels booking:2
        at 2000 sam checks in booking:2
        ",
        &expect![[r#"
            adopt -> edition 2
            olga opens slot resource=1 from=1000 to=2000 capacity=2 -> slot:1 [slot.opened]
            tick -> ticked 1
            mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
            tom books slot:1 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
            sam checks in booking:1 -> booking:1 used slot:1 pool:1 user:3 count=1 version=2 [booking.used]
            tick -> ticked 4 [booking.ready slot.started]
            tick -> ticked 2 [slot.finished booking.no_show]
            look slot:1 -> finished 1000..2000 pool:1 available=0 held=0 confirmed=2
            tom cancels booking:2 -> no_show since=2000
            sam checks in booking:2 -> no_show since=2000
        "#]],
    );
}

#[test]
fn freed_places_are_bookable_while_the_slot_runs_and_late_parties_have_their_own_grace() {
    check(
        "
        at 0 adopt
        at 0 olga sets policy resource:1 grace=100
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=3
        at 0 tick
        at 1 mia books slot:1 count=2
        at 1050 ann books slot:1
        at 1099 tick
        at 1100 tom books slot:1
        at 1100 tick
        at 1100 tom books slot:1
        at 1100 tom books slot:1
        at 1149 tick
        at 1150 tick
        at 1150 look slot:1
        at 1199 sam checks in booking:2
        at 1199 sam checks in booking:3
        at 1200 tick
        at 1200 look slot:1
        at 2000 tick
        ",
        &expect![[r#"
            adopt -> edition 2
            olga sets policy resource:1 grace=100 -> Resource(ResourceId(1)) grace=100
            olga opens slot resource=1 from=1000 to=2000 capacity=3 -> slot:1 [slot.opened]
            tick -> ticked 2
            mia books slot:1 count=2 -> booking:1 confirmed slot:1 pool:1 user:3 count=2 version=1 [booking.confirmed]
            ann books slot:1 -> booking:2 confirmed slot:1 pool:1 user:5 count=1 version=1 [booking.confirmed]
            tick -> ticked 4 [booking.ready slot.started booking.ready]
            tom books slot:1 -> slot_full available=0 sold_out_at=1050
            tick -> ticked 1 [booking.no_show]
            tom books slot:1 -> booking:3 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
            tom books slot:1 -> booking:4 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
            tick -> ticked 2 [booking.ready booking.ready]
            tick -> ticked 1 [booking.no_show]
            look slot:1 -> open 1000..2000 pool:1 available=1 held=0 confirmed=2
            sam checks in booking:2 -> no_show since=1150
            sam checks in booking:3 -> booking:3 used slot:1 pool:1 user:4 count=1 version=3 [booking.used]
            tick -> ticked 2 [booking.no_show]
            look slot:1 -> open 1000..2000 pool:1 available=2 held=0 confirmed=1
            tick -> ticked 1 [slot.finished]
        "#]],
    );
}

#[test]
fn a_mass_no_show_waits_for_an_operator() {
    check(
        "
        at 0 adopt
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=40
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=40
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=40
        at 0 tick
        at 0 mia books slot:1 count=9
        at 0 tom books slot:1 count=11
        at 0 mia books slot:2 count=9
        at 0 tom books slot:2 count=11
        at 0 mia books slot:3 count=10
        at 0 tom books slot:3 count=10
        at 1000 tick
        at 1001 sam checks in booking:1
        at 1001 sam checks in booking:3
        at 1001 sam checks in booking:5
        at 1002 olga decides release slot:1
        at 2000 tick
        at 2000 tick
        at 2001 look slot:1
        at 2001 mia decides release slot:1
        at 2001 olga decides release slot:1
        at 2001 olga decides keep slot:2
        at 2002 tick
        at 2002 olga decides keep slot:2
        at 2002 look slot:1
        at 2002 look slot:2
        at 2002 look slot:3
        ",
        &expect![[r#"
            adopt -> edition 2
            olga opens slot resource=1 from=1000 to=2000 capacity=40 -> slot:1 [slot.opened]
            olga opens slot resource=1 from=1000 to=2000 capacity=40 -> slot:2 [slot.opened]
            olga opens slot resource=1 from=1000 to=2000 capacity=40 -> slot:3 [slot.opened]
            tick -> ticked 3
            mia books slot:1 count=9 -> booking:1 confirmed slot:1 pool:1 user:3 count=9 version=1 [booking.confirmed]
            tom books slot:1 count=11 -> booking:2 confirmed slot:1 pool:1 user:4 count=11 version=1 [booking.confirmed]
            mia books slot:2 count=9 -> booking:3 confirmed slot:2 pool:2 user:3 count=9 version=1 [booking.confirmed]
            tom books slot:2 count=11 -> booking:4 confirmed slot:2 pool:2 user:4 count=11 version=1 [booking.confirmed]
            mia books slot:3 count=10 -> booking:5 confirmed slot:3 pool:3 user:3 count=10 version=1 [booking.confirmed]
            tom books slot:3 count=10 -> booking:6 confirmed slot:3 pool:3 user:4 count=10 version=1 [booking.confirmed]
            tick -> ticked 10 [booking.ready booking.ready booking.ready booking.ready booking.ready booking.ready slot.started slot.started slot.started]
            sam checks in booking:1 -> booking:1 used slot:1 pool:1 user:3 count=9 version=3 [booking.used]
            sam checks in booking:3 -> booking:3 used slot:2 pool:2 user:3 count=9 version=3 [booking.used]
            sam checks in booking:5 -> booking:5 used slot:3 pool:3 user:3 count=10 version=3 [booking.used]
            olga decides release slot:1 -> nothing_to_decide slot:1
            tick -> ticked 6 [slot.finished slot.finished slot.finished slot.no_shows_stopped slot.no_shows_stopped booking.no_show]
            tick -> ticked 0
            look slot:1 -> finished 1000..2000 pool:1 available=20 held=0 confirmed=20
            mia decides release slot:1 -> forbidden
            olga decides release slot:1 -> slot:1 Releasing { since: Timestamp(2001), behind: BookingId(0) }
            olga decides keep slot:2 -> slot:2 Kept { since: Timestamp(2001) }
            tick -> ticked 1 [booking.no_show]
            olga decides keep slot:2 -> nothing_to_decide slot:2
            look slot:1 -> finished 1000..2000 pool:1 available=20 held=0 confirmed=20
            look slot:2 -> finished 1000..2000 pool:2 available=20 held=0 confirmed=20
            look slot:3 -> finished 1000..2000 pool:3 available=20 held=0 confirmed=20
        "#]],
    );
}

#[test]
fn a_slot_that_is_moved_has_its_day_before_it_again() {
    check(
        "
        at 0 adopt
        at 0 olga sets policy resource:1 grace=100
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=3
        at 1 tick
        at 1 mia books slot:1
        at 1100 tick
        at 1150 tom books slot:1
        at 1160 olga reschedules slot:1 from=5000 to=6000
        at 1300 tick
        at 1301 tick
        at 5100 tick
        at 5100 look slot:1
        at 5101 tick
        ",
        &expect![[r#"
            adopt -> edition 2
            olga sets policy resource:1 grace=100 -> Resource(ResourceId(1)) grace=100
            olga opens slot resource=1 from=1000 to=2000 capacity=3 -> slot:1 [slot.opened]
            tick -> ticked 3
            mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
            tick -> ticked 3 [booking.ready slot.started booking.no_show]
            tom books slot:1 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
            olga reschedules slot:1 from=5000 to=6000 -> slot:1 [slot.changed]
            tick -> ticked 3 [booking.ready]
            tick -> ticked 0
            tick -> ticked 2 [slot.started booking.no_show]
            look slot:1 -> open 5000..6000 pool:1 available=3 held=0 confirmed=0
            tick -> ticked 0
        "#]],
    );
}

#[test]
fn a_longer_grace_is_kept_though_the_release_has_begun() {
    check(
        "
        at 0 adopt
        at 0 olga sets policy resource:1 grace=100
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=3
        at 1 tick
        at 1050 mia books slot:1
        at 1100 tick
        at 1101 olga sets policy resource:1 grace=500
        at 1150 tick
        at 1549 tick
        at 1550 tick
        ",
        &expect![[r#"
            adopt -> edition 2
            olga sets policy resource:1 grace=100 -> Resource(ResourceId(1)) grace=100
            olga opens slot resource=1 from=1000 to=2000 capacity=3 -> slot:1 [slot.opened]
            tick -> ticked 3
            mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
            tick -> ticked 3 [slot.started booking.ready]
            olga sets policy resource:1 grace=500 -> Resource(ResourceId(1)) grace=500
            tick -> ticked 2
            tick -> ticked 0
            tick -> ticked 1 [booking.no_show]
        "#]],
    );
}
