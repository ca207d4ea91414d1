//! What becomes of deliveries.

use expect_test::expect;

use super::{Backlog, Channel, DeadLetters, OUTBOX_MAX, dead_letters::DEAD_LETTERS_MAX, delivery_log};
use crate::ids::WebhookId;
use crate::rows::{ReadTyped as _, Rows as _, Stored as _};
use crate::state::State;
use crate::transcript::{Stage, check};

#[test]
fn a_delivery_is_tried_until_it_is_taken_and_settled_once() {
    check(
        "
        at 0 olga adds webhook kinds=slot.*
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
        at 0 olga opens slot resource=1 from=3000 to=4000 capacity=9
        at 1 leader failed webhook:1 1 until=11 error=503
        at 1 look outbox
        at 2 leader delivered webhook:1 2
        at 2 leader delivered webhook:1 2
        at 3 leader delivered webhook:1 1
        at 3 leader delivered webhook:1 9
        at 3 leader dead apns 1
        at 3 look outbox
        at 3 look log webhook:1
        at 3 olga delivered webhook:1 1
        ",
        &expect![[r#"
            olga adds webhook kinds=slot.* -> webhook:1 user:1 slot.* secret=a
            olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
            olga opens slot resource=1 from=3000 to=4000 capacity=9 -> slot:2 [slot.opened]
            leader failed webhook:1 1 until=11 error=503 -> settled 1
            look outbox -> webhook:1: 1=slot.opened->a tried=1 next=11 (503) 2=slot.opened->a
            leader delivered webhook:1 2 -> settled 1
            leader delivered webhook:1 2 -> settled 0
            leader delivered webhook:1 1 -> settled 1
            leader delivered webhook:1 9 -> settled 0
            leader dead apns 1 -> settled 0
            look outbox -> nothing
            look log webhook:1 -> 2=slot.opened 11-0 attempts=2 at=3 Delivered { status: 200 }; 1=slot.opened 12-0 attempts=1 at=2 Delivered { status: 200 }
            olga delivered webhook:1 1 -> forbidden
        "#]],
    );
}

#[test]
fn an_attempt_that_failed_is_counted_once_however_often_it_is_settled() {
    check(
        "
        at 0 olga adds webhook kinds=slot.*
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
        at 1 leader failed webhook:1 1 tried=1 until=11 error=503
        at 2 leader failed webhook:1 1 tried=1 until=12 error=504
        at 2 look outbox
        at 11 leader failed webhook:1 1 tried=2 until=21 error=500
        at 12 leader failed webhook:1 1 tried=1 until=12 error=504
        at 12 look outbox
        ",
        &expect![[r#"
            olga adds webhook kinds=slot.* -> webhook:1 user:1 slot.* secret=a
            olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
            leader failed webhook:1 1 tried=1 until=11 error=503 -> settled 1
            leader failed webhook:1 1 tried=1 until=12 error=504 -> settled 0
            look outbox -> webhook:1: 1=slot.opened->a tried=1 next=11 (503)
            leader failed webhook:1 1 tried=2 until=21 error=500 -> settled 1
            leader failed webhook:1 1 tried=1 until=12 error=504 -> settled 0
            look outbox -> webhook:1: 1=slot.opened->a tried=2 next=21 (500)
        "#]],
    );
}

#[test]
fn a_device_that_is_gone_is_taken_from_its_user() {
    check(
        "
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
        at 0 mia adds device phone
        at 0 mia adds device tablet
        at 0 mia books slot:1
        at 0 mia cancels booking:1
        at 0 look outbox
        at 1 leader gone apns 1 error=unregistered
        at 1 look outbox
        at 1 mia removes device 1
        at 1 mia books slot:1
        at 1 leader gone apns 3
        at 1 look outbox
        at 1 look dead letters
        ",
        &expect![[r#"
            olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
            mia adds device phone -> user:3 device 1 Apns phone
            mia adds device tablet -> user:3 device 2 Apns tablet
            mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
            mia cancels booking:1 -> booking:1 cancelled slot:1 pool:1 user:3 count=1 version=2 [booking.cancelled]
            look outbox -> apns: 1=booking.confirmed->phone 2=booking.confirmed->tablet 3=booking.cancelled->phone 4=booking.cancelled->tablet
            leader gone apns 1 error=unregistered -> settled 1
            look outbox -> apns: 2=booking.confirmed->tablet 3=booking.cancelled->nowhere 4=booking.cancelled->tablet
            mia removes device 1 -> device_not_found 1
            mia books slot:1 -> booking:2 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
            leader gone apns 3 -> settled 1
            look outbox -> apns: 2=booking.confirmed->tablet 4=booking.cancelled->tablet 5=booking.confirmed->tablet
            look dead letters -> made=0 kept=0 lost=0
        "#]],
    );
}

#[test]
fn an_address_that_is_gone_gets_no_more_mail() {
    check(
        "
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
        at 0 olga sets policy cluster mail=1
        at 0 olga creates user email=max@example.com
        at 0 olga books slot:1 user=user:6
        at 0 look outbox
        at 1 leader gone email 1 error=550
        at 1 olga books slot:1 user=user:6
        at 1 look outbox
        ",
        &expect![[r#"
            olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
            olga sets policy cluster mail=1 -> Cluster mail=1
            olga creates user email=max@example.com -> user:6 guest
            olga books slot:1 user=user:6 -> booking:1 confirmed slot:1 pool:1 user:6 count=1 version=1 [booking.confirmed]
            look outbox -> email: 1=booking.confirmed->max@example.com
            leader gone email 1 error=550 -> settled 1
            olga books slot:1 user=user:6 -> booking:2 confirmed slot:1 pool:1 user:6 count=1 version=1 [booking.confirmed]
            look outbox -> nothing
        "#]],
    );
}

#[test]
fn a_webhook_that_is_gone_is_disabled_and_what_waits_becomes_dead_letters() {
    check(
        "
        at 0 olga adds webhook kinds=slot.*
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
        at 0 olga opens slot resource=1 from=3000 to=4000 capacity=9
        at 0 olga opens slot resource=1 from=5000 to=6000 capacity=9
        at 1 leader gone webhook:1 2 error=410
        at 1 look outbox
        at 1 look dead letters
        at 1 olga opens slot resource=1 from=7000 to=8000 capacity=9
        at 2 tick
        at 2 look outbox
        at 2 look dead letters
        at 3 olga replays all
        at 3 olga enables webhook:1
        at 3 mia replays all
        at 3 olga replays 2,2,9
        at 3 olga replays webhook:1
        at 3 look outbox
        at 3 look dead letters
        at 3 look log webhook:1
        ",
        &expect![[r#"
            olga adds webhook kinds=slot.* -> webhook:1 user:1 slot.* secret=a
            olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
            olga opens slot resource=1 from=3000 to=4000 capacity=9 -> slot:2 [slot.opened]
            olga opens slot resource=1 from=5000 to=6000 capacity=9 -> slot:3 [slot.opened]
            leader gone webhook:1 2 error=410 -> settled 1
            look outbox -> webhook:1: 1=slot.opened->nowhere 3=slot.opened->nowhere
            look dead letters -> 1=webhook:1 slot.opened->nowhere tried=1 next=0 (410); made=1 kept=1 lost=0
            olga opens slot resource=1 from=7000 to=8000 capacity=9 -> slot:4 [slot.opened]
            tick -> ticked 1
            look outbox -> nothing
            look dead letters -> 3=webhook:1 slot.opened->nowhere tried=0 next=0 (the webhook was disabled); 2=webhook:1 slot.opened->nowhere tried=0 next=0 (the webhook was disabled); 1=webhook:1 slot.opened->nowhere tried=1 next=0 (410); made=3 kept=3 lost=0
            olga replays all -> replayed 0
            olga enables webhook:1 -> webhook:1 user:1 slot.* secret=a
            mia replays all -> forbidden
            olga replays 2,2,9 -> replayed 1
            olga replays webhook:1 -> replayed 2
            look outbox -> webhook:1: 4=slot.opened->a 5=slot.opened->a 6=slot.opened->a
            look dead letters -> made=3 kept=0 lost=0
            look log webhook:1 -> 1=slot.opened 12-0 attempts=1 at=1 Gone { error: "410" }
        "#]],
    );
}

#[test]
fn a_webhook_that_is_enabled_in_time_gets_what_waits() {
    check(
        "
        at 0 olga adds webhook kinds=slot.*
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
        at 0 olga opens slot resource=1 from=3000 to=4000 capacity=9
        at 1 leader gone webhook:1 1 error=410
        at 1 olga enables webhook:1
        at 2 tick
        at 2 look outbox
        ",
        &expect![[r#"
            olga adds webhook kinds=slot.* -> webhook:1 user:1 slot.* secret=a
            olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
            olga opens slot resource=1 from=3000 to=4000 capacity=9 -> slot:2 [slot.opened]
            leader gone webhook:1 1 error=410 -> settled 1
            olga enables webhook:1 -> webhook:1 user:1 slot.* secret=a
            tick -> ticked 0
            look outbox -> webhook:1: 2=slot.opened->a
        "#]],
    );
}

#[test]
fn a_removed_webhook_takes_what_waits_with_it() {
    check(
        "
        at 0 olga adds webhook kinds=slot.*
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
        at 0 olga opens slot resource=1 from=3000 to=4000 capacity=9
        at 0 olga opens slot resource=1 from=5000 to=6000 capacity=9
        at 1 leader dead webhook:1 1 error=400
        at 1 olga removes webhook:1
        at 1 leader delivered webhook:1 2
        at 1 look outbox
        at 1 look log webhook:1
        at 2 tick
        at 2 look outbox
        at 2 look dead letters
        at 2 olga replays webhook:1
        at 3 olga adds webhook kinds=slot.*
        ",
        &expect![[r#"
            olga adds webhook kinds=slot.* -> webhook:1 user:1 slot.* secret=a
            olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
            olga opens slot resource=1 from=3000 to=4000 capacity=9 -> slot:2 [slot.opened]
            olga opens slot resource=1 from=5000 to=6000 capacity=9 -> slot:3 [slot.opened]
            leader dead webhook:1 1 error=400 -> settled 1
            olga removes webhook:1 -> removed webhook:1
            leader delivered webhook:1 2 -> settled 1
            look outbox -> webhook:1: 3=slot.opened->nowhere
            look log webhook:1 -> nothing
            tick -> ticked 1
            look outbox -> nothing
            look dead letters -> 1=webhook:1 slot.opened->nowhere tried=1 next=0 (400); made=1 kept=1 lost=0
            olga replays webhook:1 -> replayed 0
            olga adds webhook kinds=slot.* -> webhook:2 user:1 slot.* secret=a
        "#]],
    );
}

#[test]
fn a_dead_letter_is_kept_for_thirty_days() {
    check(
        "
        at 0          olga adds webhook kinds=slot.*
        at 0          olga opens slot resource=1 from=9000000000 to=9000000001 capacity=9
        at 5          leader dead webhook:1 1 error=400
        at 2592000004 tick
        at 2592000004 look dead letters
        at 2592000005 tick
        at 2592000005 look dead letters
        ",
        &expect![[r#"
            olga adds webhook kinds=slot.* -> webhook:1 user:1 slot.* secret=a
            olga opens slot resource=1 from=9000000000 to=9000000001 capacity=9 -> slot:1 [slot.opened]
            leader dead webhook:1 1 error=400 -> settled 1
            tick -> ticked 0
            look dead letters -> 1=webhook:1 slot.opened->a tried=1 next=0 (400); made=1 kept=1 lost=0
            tick -> ticked 1
            look dead letters -> made=1 kept=0 lost=0
        "#]],
    );
}

#[test]
fn ticks_clear_a_long_queue_batch_by_batch() {
    let mut stage = Stage::new();
    stage.run("at 0 olga adds webhook kinds=slot.*");
    for slot in 0..super::clear::CLEARED_MAX * 2 {
        stage.run(&format!(
            "at 0 olga opens slot resource=1 from={} to={} capacity=1",
            9000 + slot * 2,
            9001 + slot * 2
        ));
    }
    stage.run("at 0 leader gone webhook:1 1 error=410");
    for left in [super::clear::CLEARED_MAX - 1, 0, 0] {
        stage.run("at 1 tick");
        let backlog = stage.state.rows().row::<Backlog>(Channel::Webhook(WebhookId(1))).unwrap();
        assert_eq!(backlog.waiting, left as u64);
        assert_eq!(stage.state.check_invariants(), Vec::<String>::new());
    }
}

#[test]
fn the_oldest_of_too_many_becomes_a_dead_letter_and_of_too_many_of_those_is_lost() {
    let mut stage = Stage::new();
    stage.run("at 0 olga adds webhook kinds=slot.*");
    let open = |stage: &mut Stage| stage.run("at 0 olga opens slot resource=1 from=9000 to=9001 capacity=1");
    open(&mut stage);
    // As if as many waited as may.
    let channel = Channel::Webhook(WebhookId(1));
    let mut rows = stage.state.rows().clone();
    let backlog = Backlog { waiting: OUTBOX_MAX, ..*rows.row::<Backlog>(channel).unwrap() };
    rows.set(Backlog::key(channel), Some(backlog.into_row()));
    stage.state = State::over(rows);
    stage.run("at 0 olga opens slot resource=1 from=9002 to=9003 capacity=1");
    expect!["look outbox -> webhook:1: 2=slot.opened->a"].assert_eq(&stage.run("at 0 look outbox"));
    expect![
        "look dead letters -> 1=webhook:1 slot.opened->a tried=0 next=0 (too many wait); made=1 kept=1 lost=0"
    ]
    .assert_eq(&stage.run("at 0 look dead letters"));

    let mut rows = stage.state.rows().clone();
    let letters = DeadLetters { kept: DEAD_LETTERS_MAX, ..*rows.row::<DeadLetters>(()).unwrap() };
    rows.set(DeadLetters::key(()), Some(letters.into_row()));
    stage.state = State::over(rows);
    stage.run("at 0 leader dead webhook:1 2 error=400");
    expect![
        "look dead letters -> 2=webhook:1 slot.opened->a tried=1 next=0 (400); made=2 kept=100000 lost=1"
    ]
    .assert_eq(&stage.run("at 0 look dead letters"));
}

#[test]
fn a_delivery_log_is_short() {
    let mut stage = Stage::new();
    stage.run("at 0 olga adds webhook kinds=slot.*");
    for slot in 1..=delivery_log::DELIVERY_LOG_MAX + 5 {
        stage.run(&format!(
            "at 0 olga opens slot resource=1 from={} to={} capacity=1",
            9000 + slot * 2,
            9001 + slot * 2
        ));
        stage.run(&format!("at 0 leader delivered webhook:1 {slot}"));
    }
    let log = delivery_log::list(stage.state.rows(), WebhookId(1), usize::MAX);
    let numbers: Vec<u64> = log.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (6..=105).rev().collect::<Vec<_>>());
    assert_eq!(stage.state.check_invariants(), Vec::<String>::new());
}

#[test]
fn an_error_is_kept_by_its_beginning() {
    assert_eq!(super::shortened("short"), "short");
    let long = "ä".repeat(super::DELIVERY_ERROR_MAX);
    assert_eq!(super::shortened(&long).len(), super::DELIVERY_ERROR_MAX);
    assert_eq!(super::shortened(&format!("x{long}")).len(), super::DELIVERY_ERROR_MAX - 1);
}
