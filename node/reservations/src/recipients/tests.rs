//! Who has which device, and what is told to whom.

use expect_test::expect;

use crate::transcript::check;

#[test]
fn a_device_is_in_one_hand_at_a_time_and_keeps_its_number() {
    check(
        "
        at 0 mia adds device phone language=de
        at 0 mia adds device tablet fcm=yes
        at 1 mia adds device phone language=fr
        at 1 tom adds device phone
        at 2 mia adds device phone
        at 2 mia removes device 1
        at 2 mia removes device 3
        at 2 tom removes device 1
        at 2 mia adds device phone
        ",
        &expect![[r#"
            mia adds device phone language=de -> user:3 device 1 Apns phone
            mia adds device tablet fcm=yes -> user:3 device 2 Fcm tablet
            mia adds device phone language=fr -> user:3 device 1 Apns phone
            tom adds device phone -> user:4 device 1 Apns phone
            mia adds device phone -> user:3 device 3 Apns phone
            mia removes device 1 -> device_not_found 1
            mia removes device 3 -> user:3 removed device 3
            tom removes device 1 -> device_not_found 1
            mia adds device phone -> user:3 device 4 Apns phone
        "#]],
    );
}

#[test]
fn who_books_for_others_names_them_and_an_app_only_guests() {
    check(
        "
        at 0 mia adds device phone user=tom
        at 0 sam adds device phone user=tom
        at 0 ann adds device tablet user=tom
        at 0 ann adds device tablet user=sam
        at 0 ann adds device tablet user=99
        at 0 ann prefers user=olga push=no
        at 0 olga prefers user=tom push=no
        at 0 stranger adds device phone
        ",
        &expect![[r#"
            mia adds device phone user=tom -> forbidden
            sam adds device phone user=tom -> user:4 device 1 Apns phone
            ann adds device tablet user=tom -> user:4 device 2 Apns tablet
            ann adds device tablet user=sam -> user_not_found user:2
            ann adds device tablet user=99 -> user_not_found user:99
            ann prefers user=olga push=no -> user_not_found user:1
            olga prefers user=tom push=no -> user:4 push=false email=None
            stranger adds device phone -> unauthenticated
        "#]],
    );
}

#[test]
fn a_user_has_few_devices() {
    let mut stage = crate::transcript::Stage::new();
    for number in 1..=super::DEVICES_MAX {
        let added = stage.run(&format!("at 0 mia adds device phone{number}"));
        assert!(added.contains(&format!("device {number} ")), "{added}");
    }
    assert!(stage.run("at 0 mia adds device more").ends_with("too_many_devices"));
    assert!(stage.run("at 0 mia adds device phone1").contains("device 1 "), "one he has is no new one");
}

#[test]
fn a_guest_is_told_what_he_wants_to_hear_where_he_wants_to_hear_it() {
    check(
        "
        at 0 olga opens slot resource=1 from=1000 to=2000 capacity=9
        at 0 olga creates user email=max@example.com
        at 0 olga adds device phone user=6
        at 0 olga books slot:1 user=user:6
        at 0 look outbox
        at 1 olga prefers user=6 push=no email=yes
        at 1 olga cancels booking:1
        at 1 look outbox
        at 2 olga prefers user=6 kinds=booking.cancelled
        at 2 olga books slot:1 user=user:6
        at 2 olga cancels booking:2
        at 2 look outbox
        at 3 olga sets policy cluster mail=1
        at 3 olga books slot:1 user=user:6
        at 3 olga cancels booking:3
        at 3 mia books slot:1
        at 3 look outbox
        ",
        &expect![[r#"
            olga opens slot resource=1 from=1000 to=2000 capacity=9 -> slot:1 [slot.opened]
            olga creates user email=max@example.com -> user:6 guest
            olga adds device phone user=6 -> user:6 device 1 Apns phone
            olga books slot:1 user=user:6 -> booking:1 confirmed slot:1 pool:1 user:6 count=1 version=1 [booking.confirmed]
            look outbox -> apns: 1=booking.confirmed->phone
            olga prefers user=6 push=no email=yes -> user:6 push=false email=Some(true)
            olga cancels booking:1 -> booking:1 cancelled slot:1 pool:1 user:6 count=1 version=2 [booking.cancelled]
            look outbox -> apns: 1=booking.confirmed->phone; email: 1=booking.cancelled->max@example.com
            olga prefers user=6 kinds=booking.cancelled -> user:6 push=true email=None
            olga books slot:1 user=user:6 -> booking:2 confirmed slot:1 pool:1 user:6 count=1 version=1 [booking.confirmed]
            olga cancels booking:2 -> booking:2 cancelled slot:1 pool:1 user:6 count=1 version=2 [booking.cancelled]
            look outbox -> apns: 1=booking.confirmed->phone 2=booking.cancelled->phone; email: 1=booking.cancelled->max@example.com
            olga sets policy cluster mail=1 -> Cluster mail=1
            olga books slot:1 user=user:6 -> booking:3 confirmed slot:1 pool:1 user:6 count=1 version=1 [booking.confirmed]
            olga cancels booking:3 -> booking:3 cancelled slot:1 pool:1 user:6 count=1 version=2 [booking.cancelled]
            mia books slot:1 -> booking:4 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
            look outbox -> apns: 1=booking.confirmed->phone 2=booking.cancelled->phone 3=booking.cancelled->phone; email: 1=booking.cancelled->max@example.com 2=booking.cancelled->max@example.com
        "#]],
    );
}

#[test]
fn a_hold_and_a_scan_are_no_news_and_the_end_of_a_hold_is() {
    check(
        "
        at 0  olga opens slot resource=1 from=0 to=2000 capacity=9
        at 0  mia adds device phone
        at 0  mia holds slot:1 for=60
        at 0  look outbox
        at 60 tick
        at 60 look outbox
        at 61 mia books slot:1
        at 61 sam checks in booking:2
        at 61 look outbox
        ",
        &expect![[r#"
            olga opens slot resource=1 from=0 to=2000 capacity=9 -> slot:1 [slot.opened]
            mia adds device phone -> user:3 device 1 Apns phone
            mia holds slot:1 for=60 -> booking:1 held slot:1 pool:1 user:3 count=1 version=1 until=60 [booking.held]
            look outbox -> nothing
            tick -> ticked 2 [slot.started booking.expired]
            look outbox -> apns: 1=booking.expired->phone
            mia books slot:1 -> booking:2 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
            sam checks in booking:2 -> booking:2 used slot:1 pool:1 user:3 count=1 version=2 [booking.used]
            look outbox -> apns: 1=booking.expired->phone 2=booking.confirmed->phone
        "#]],
    );
}
