//! What an app may do with its secrets, and for how long.

use expect_test::expect;

use crate::requests::{KEYS_MAX, KEYS_MAX_APP, KeyCount};
use crate::rows::Rows as _;
use crate::transcript::{Stage, check, open_slot, principal, request_id};
use crate::{Book, Command, Key, Outcome, Rejection, Row, SlotId, SlotName, State};

#[test]
fn an_app_books_for_its_customers_until_its_secret_is_revoked() {
    check(
        "
        at 0 olga opens slot resource=1 from=100 to=200 capacity=9
        at 0 mia creates app name=shop secret=a
        at 0 olga creates app name=shop secret=a
        at 1 app:6@1 books slot:1 user=user:3
        at 1 app:6@1 books slot:1 user=user:99
        at 1 app:6@2 books slot:1 user=user:3
        at 1 app:5@1 books slot:1 user=user:3
        at 2 olga adds to app:6 secret=b
        at 3 app:6@2 cancels booking:1
        at 3 app:6@1 books slot:1 user=user:4
        at 4 mia revokes 1 of app:6
        at 4 olga revokes 1 of app:6
        at 4 olga revokes 1 of app:6
        at 5 app:6@1 books slot:1 user=user:3
        at 5 app:6@2 books slot:1 user=user:3
        at 5 app:6@2 checks in booking:2
        at 6 olga deletes app:6
        at 6 olga deletes app:6
        at 6 app:6@2 books slot:1 user=user:3
        at 6 olga adds to app:6 secret=c
        at 6 olga revokes 2 of app:6
        ",
        &expect![[r#"
            olga opens slot resource=1 from=100 to=200 capacity=9 -> slot:1 [slot.opened]
            mia creates app name=shop secret=a -> forbidden
            olga creates app name=shop secret=a -> app user:6 secrets=1
            app:6@1 books slot:1 user=user:3 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
            app:6@1 books slot:1 user=user:99 -> user_not_found user:99
            app:6@2 books slot:1 user=user:3 -> unauthenticated
            app:5@1 books slot:1 user=user:3 -> unauthenticated
            olga adds to app:6 secret=b -> app user:6 secrets=1,2
            app:6@2 cancels booking:1 -> booking:1 cancelled slot:1 pool:1 user:3 count=1 version=2 [booking.cancelled]
            app:6@1 books slot:1 user=user:4 -> booking:2 confirmed slot:1 pool:1 user:4 count=1 version=1 [booking.confirmed]
            mia revokes 1 of app:6 -> forbidden
            olga revokes 1 of app:6 -> app user:6 secrets=2
            olga revokes 1 of app:6 -> secret_not_found 1
            app:6@1 books slot:1 user=user:3 -> unauthenticated
            app:6@2 books slot:1 user=user:3 -> booking:3 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
            app:6@2 checks in booking:2 -> forbidden
            olga deletes app:6 -> deleted user:6
            olga deletes app:6 -> app_not_found user:6
            app:6@2 books slot:1 user=user:3 -> unauthenticated
            olga adds to app:6 secret=c -> app_not_found user:6
            olga revokes 2 of app:6 -> app_not_found user:6
        "#]],
    );
}

#[test]
fn a_ban_suspends_an_app_and_nothing_else_changes_its_user() {
    check(
        "
        at 0 olga creates app secret=a
        at 0 olga gives app:6 operator
        at 0 olga makes app:6 operator
        at 0 olga sets password of app:6 password=x
        at 0 olga bans app:6 reason=leaked
        at 0 app:6@1 creates user email=a@example.com
        at 0 olga unbans app:6
        at 0 app:6@1 creates user email=a@example.com
        at 0 app:6@1 logs out
        at 0 app:6@1 creates user email=b@example.com
        ",
        &expect![[r#"
            olga creates app secret=a -> app user:6 secrets=1
            olga gives app:6 operator -> user_is_app user:6
            olga makes app:6 operator -> user_is_app user:6
            olga sets password of app:6 password=x -> user_is_app user:6
            olga bans app:6 reason=leaked -> user:6 app banned at=0 by=user:1 reason=leaked
            app:6@1 creates user email=a@example.com -> unauthenticated
            olga unbans app:6 -> user:6 app
            app:6@1 creates user email=a@example.com -> user:7 guest
            app:6@1 logs out -> logged_out user:6
            app:6@1 creates user email=b@example.com -> user:8 guest
        "#]],
    );
}

#[test]
fn an_app_has_few_secrets_and_never_the_same_number_twice() {
    check(
        "
        at 0 olga creates app secret=a
        at 0 olga adds to app:6 secret=b
        at 0 olga adds to app:6 secret=c
        at 0 olga adds to app:6 secret=d
        at 0 olga adds to app:6 secret=e
        at 0 olga adds to app:6 secret=f
        at 0 olga revokes 5 of app:6
        at 0 olga adds to app:6 secret=f
        ",
        &expect![[r#"
            olga creates app secret=a -> app user:6 secrets=1
            olga adds to app:6 secret=b -> app user:6 secrets=1,2
            olga adds to app:6 secret=c -> app user:6 secrets=1,2,3
            olga adds to app:6 secret=d -> app user:6 secrets=1,2,3,4
            olga adds to app:6 secret=e -> app user:6 secrets=1,2,3,4,5
            olga adds to app:6 secret=f -> too_many_secrets
            olga revokes 5 of app:6 -> app user:6 secrets=1,2,3,4
            olga adds to app:6 secret=f -> app user:6 secrets=1,2,3,4,6
        "#]],
    );
}

#[test]
fn a_cluster_has_so_many_apps_and_no_more() {
    let mut stage = Stage::new();
    for _ in 0..super::APPS_MAX {
        let made = stage.run("at 0 olga creates app secret=a");
        assert!(made.contains("secrets=1"), "{made}");
    }
    assert!(stage.run("at 0 olga creates app secret=a").ends_with("too_many_apps"));
}

#[test]
fn an_app_has_a_larger_cap_of_keys_than_a_person() {
    let mut stage = Stage::new();
    stage.submit(0, principal("olga"), None, open_slot(1, 100, 200, 5000));
    stage.run("at 0 olga creates app secret=a");
    let book = |stage: &mut Stage, key: &str| {
        let command = Command::Book(Book { slot: SlotName::Id(SlotId(1)), pool: None, count: 1, user: None });
        stage.submit(1, principal("app:6@1"), Some(request_id(key, "")), command).outcome
    };
    for key in 0..=KEYS_MAX {
        assert!(matches!(book(&mut stage, &key.to_string()), Outcome::Booking(..)), "key {key}");
    }
    // All but one of its keys are used up.
    let mut rows = stage.state.rows().clone();
    rows.set(Key::KeyCount(0, 6), Some(Row::KeyCount(KeyCount(KEYS_MAX_APP - 1))));
    stage.state = State::over(rows);
    assert!(matches!(book(&mut stage, "last"), Outcome::Booking(..)));
    assert_eq!(book(&mut stage, "more"), Outcome::Rejected(Rejection::TooManyKeys));
    assert!(matches!(book(&mut stage, "last"), Outcome::Booking(..)), "a retry is no new key");
}
