//! Whose webhooks hear of what, and what signs it.

use expect_test::expect;

use crate::transcript::{Stage, check};

#[test]
fn an_operators_webhook_hears_of_everything_and_an_apps_of_its_bookings() {
    check(
        "
        at 0 olga adds webhook kinds=slot.*,booking.cancelled secret=o
        at 0 ann adds webhook kinds=* secret=n
        at 0 mia adds webhook kinds=*
        at 0 sam adds webhook kinds=*
        at 1 olga opens slot resource=1 from=1000 to=2000 capacity=9
        at 1 mia books slot:1
        at 1 ann books slot:1 user=user:3
        at 2 mia cancels booking:1
        at 2 mia cancels booking:2
        at 2 look outbox
        at 3 olga makes ann guest
        at 3 olga books slot:1 user=user:5
        at 3 look outbox
        ",
        &expect![[r#"
            olga adds webhook kinds=slot.*,booking.cancelled secret=o -> webhook:1 user:1 slot.*,booking.cancelled secret=o
            ann adds webhook kinds=* secret=n -> webhook:2 user:5 * secret=n
            mia adds webhook kinds=* -> forbidden
            sam adds webhook kinds=* -> forbidden
            olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
            mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
            ann books slot:1 user=user:3 -> booking:2 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
            mia cancels booking:1 -> booking:1 cancelled slot:1 pool:1 user:3 count=1 version=2 [booking.cancelled]
            mia cancels booking:2 -> booking:2 cancelled slot:1 pool:1 user:3 count=1 version=2 [booking.cancelled]
            look outbox -> webhook:1: 1=slot.opened->o 2=booking.cancelled->o 3=booking.cancelled->o; webhook:2: 1=booking.confirmed->n 2=booking.cancelled->n
            olga makes ann guest -> user:5 guest
            olga books slot:1 user=user:5 -> booking:3 confirmed slot:1 pool:1 user:5 count=1 version=1 [booking.confirmed]
            look outbox -> webhook:1: 1=slot.opened->o 2=booking.cancelled->o 3=booking.cancelled->o; webhook:2: 1=booking.confirmed->n 2=booking.cancelled->n
        "#]],
    );
}

#[test]
fn somebody_elses_webhook_is_as_unknown_as_none() {
    check(
        "
        at 0 olga adds webhook kinds=*
        at 0 ann rotates webhook:1 secret=b
        at 0 ann enables webhook:1
        at 0 ann removes webhook:1
        at 0 mia removes webhook:1
        at 0 olga removes webhook:1
        at 0 olga removes webhook:1
        at 0 ann adds webhook kinds=booking.*
        at 0 olga removes webhook:2
        ",
        &expect![[r#"
            olga adds webhook kinds=* -> webhook:1 user:1 * secret=a
            ann rotates webhook:1 secret=b -> webhook_not_found webhook:1
            ann enables webhook:1 -> webhook_not_found webhook:1
            ann removes webhook:1 -> webhook_not_found webhook:1
            mia removes webhook:1 -> forbidden
            olga removes webhook:1 -> removed webhook:1
            olga removes webhook:1 -> webhook_not_found webhook:1
            ann adds webhook kinds=booking.* -> webhook:2 user:5 booking.* secret=a
            olga removes webhook:2 -> removed webhook:2
        "#]],
    );
}

#[test]
fn a_former_secret_signs_for_a_day() {
    check(
        "
        at 0        olga adds webhook kinds=slot.* secret=a
        at 0        olga opens slot resource=1 from=1000000000 to=2000000000 capacity=9
        at 10       olga rotates webhook:1 secret=b
        at 10       look outbox
        at 86400009 tick
        at 86400009 look outbox
        at 86400010 tick
        at 86400010 look outbox
        ",
        &expect![[r#"
            olga adds webhook kinds=slot.* secret=a -> webhook:1 user:1 slot.* secret=a
            olga opens slot resource=1 from=1000000000 to=2000000000 capacity=9 -> slot:1 [slot.opened]
            olga rotates webhook:1 secret=b -> webhook:1 user:1 slot.* secret=b former=a until=86400010
            look outbox -> webhook:1: 1=slot.opened->ba
            tick -> ticked 0
            look outbox -> webhook:1: 1=slot.opened->ba
            tick -> ticked 0
            look outbox -> webhook:1: 1=slot.opened->b
        "#]],
    );
}

#[test]
fn a_cluster_has_so_many_webhooks_and_an_app_few_of_them() {
    let mut stage = Stage::new();
    for _ in 0..super::WEBHOOKS_PER_APP_MAX {
        assert!(stage.run("at 0 ann adds webhook").contains("webhook:"));
    }
    assert!(stage.run("at 0 ann adds webhook").ends_with("too_many_webhooks"));
    for _ in super::WEBHOOKS_PER_APP_MAX..super::WEBHOOKS_MAX {
        assert!(stage.run("at 0 olga adds webhook").contains("webhook:"));
    }
    assert!(stage.run("at 0 olga adds webhook").ends_with("too_many_webhooks"));
    assert!(stage.run("at 0 olga removes webhook:1").ends_with("removed webhook:1"));
    assert!(stage.run("at 0 olga adds webhook").contains("webhook:101"));
}
